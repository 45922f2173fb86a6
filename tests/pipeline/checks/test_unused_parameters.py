import pytest

from jupyter_mlops.notebook.parameters import Parameter
from jupyter_mlops.pipeline.model import Pipeline


def pipeline(*names: str, cell: int = 0) -> Pipeline:
    parameters = tuple(Parameter(name, "int", 1, "", cell=cell) for name in names)
    return Pipeline("nb", "python", "python3", parameters, steps=(), edges=(), blocks=())


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        (["n = 1", "print(n)"], []),
        (["n = 1", "print(m)"], [("warning", 0)]),
        (["n = 1"], [("warning", 0)]),
        (["n = 1\nm = n * 2", "print(m)"], []),
        (["n = 1", "def f():\n    return n"], []),
        (["n = 1", "f = lambda x: x + n"], []),
        (["n = 1", "n += 1"], []),
        (["n = 1", "df.query('a > @n')"], []),
        (["n = 1", "exec(code)"], []),
        (["n = 1", "n = 2", "print(n)"], [("warning", 0)]),
        (["n = 1", "if x:\n    n = 2", "print(n)"], []),
        (["n = 1", "n = n or 2", "print(n)"], []),
        (["n = 1", "def f(n):\n    return n"], [("warning", 0)]),
        (["n = 1", "!echo {n}"], []),
        (["n = 1", "x = f(", "print(1)"], []),
    ],
)
def test_unused_parameters(found, sources, expected):
    assert found("unused_parameters", *sources, pipeline=pipeline("n")) == expected


def test_only_what_is_read_above_the_parameters_cell_does_not_count(found):
    assert found("unused_parameters", "print(n)", "n = 1", pipeline=pipeline("n", cell=1)) == [("warning", 1)]


def test_the_message_says_where_it_is_lost(findings):
    (finding,) = findings("unused_parameters", "n = 1", "n = 2", "n", pipeline=pipeline("n"))
    assert "`n` is reassigned in cell 2" in finding.message


def test_injected_values_do_not_set_it_anew(found, notebook):
    nb = notebook("n = 1", "n = 5", "print(n)")
    nb.cells[1].metadata["tags"] = ["injected-parameters"]
    assert found("unused_parameters", nb, pipeline=pipeline("n")) == []


def test_nothing_to_say_without_a_pipeline(found):
    assert found("unused_parameters", "n = 1") == []
