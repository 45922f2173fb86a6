import pytest
from nbformat import v4

from jupyter_mlops.pipeline.headings import headings, sections


@pytest.mark.parametrize(
    ("markdown", "found"),
    [
        ("# One", [(1, "One")]),
        ("## Two ##", [(2, "Two")]),
        ("###Three", [(3, "Three")]),
        ("text\n\n#### Four\nmore", [(4, "Four")]),
        ("One\n===\ntext", [(1, "One")]),
        ("Two\n---", [(2, "Two")]),
        ("- item\n---", []),
        ("text\n\n---", []),
        ("<h2 id='a'>Html</h2>", [(2, "Html")]),
        ("```python\n# a comment\n```\n# Real", [(1, "Real")]),
        ("~~~\n# in\n```\n# still in\n~~~\n# out", [(1, "out")]),
        ("    # code", []),
        ("#", []),
        ("# One\n## Two", [(1, "One"), (2, "Two")]),
        ("", []),
    ],
)
def test_headings(markdown: str, found: list[tuple[int, str]]) -> None:
    assert headings(markdown) == found


def test_sections_hold_the_code_below_them() -> None:
    nb = v4.new_notebook()
    nb.cells = [
        v4.new_code_cell("a = 1"),
        v4.new_markdown_cell("# T\n\n## A"),
        v4.new_code_cell("b = 1"),
        v4.new_markdown_cell("### A1"),
        v4.new_markdown_cell("## B"),
        v4.new_code_cell("c = 1"),
        v4.new_code_cell("d = 1"),
    ]
    found = [(one.level, one.path, one.cells) for one in sections(nb, [0, 2, 5])]
    assert found == [
        (0, (), (0,)),
        (1, ("T",), ()),
        (2, ("T", "A"), (2,)),
        (3, ("T", "A", "A1"), ()),
        (2, ("T", "B"), (5,)),
    ]
