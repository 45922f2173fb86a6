import pytest


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x = 1", []),
        ("x = f(", [("error", 0)]),
        ("for i in range(3):\nprint(i)", [("error", 0)]),
        ("return 1", [("error", 0)]),
        ("break", [("error", 0)]),
        ("print 'python 2'", [("error", 0)]),
        ("x = '\\d'", []),
        ("await f()", []),
        ("async with f() as g:\n    pass", []),
        ("%matplotlib inline\n!ls", []),
        ("%%bash\nfor i in 1 2; do echo $i; done", []),
        ("f?", []),
        ("%time x = 1", []),
        ('x = """open\n%ls', [("error", 0)]),
        ("!ls\n\tx = 1\n  y = (", [("error", 0)]),
        ("x = 1\n  y = 2", [("error", 0)]),
        ("x = '\x00'", [("error", 0)]),
    ],
)
def test_syntax(found, source, expected):
    assert found("syntax", source) == expected


def test_the_message_names_line_and_cell(findings):
    (finding,) = findings("syntax", "a = 1", "b = 1\nc = = 2")
    assert finding.cell == 1
    assert "line 2 of cell 2" in finding.message and "`c = = 2`" in finding.message


def test_other_rules_go_on_beside_a_broken_cell(found):
    assert found("pip_install", "x = f(", "!pip install numpy") == [("warning", 1)]


def test_skipped_and_foreign_cells_may_be_anything(found, notebook):
    nb = notebook("x = f(")
    nb.cells[0].metadata["tags"] = ["skip"]
    assert found("syntax", nb) == []
    assert found("syntax", notebook("x <- f(", kernelspec={"name": "ir", "language": "R"})) == []
