"""A pipeline as text."""

from jupyter_mlops.pipeline.outline import dot, tree
from tests.pipeline.notebooks import pipeline

CELLS = (
    ("parameters", "alpha: float = 0.5  # strength\nn = 3"),
    ("step:load dataset:df", "df = [n]"),
    ("", "df = df"),
    ("", "df = df"),
    ("step:fit model:m", "m = (df, alpha)"),
    ("metrics", "score = 1"),
    ("skip", "1 / 0"),
    ("step:say prev:load", "print(m, score)"),
)


def test_tree() -> None:
    assert tree(pipeline(*CELLS)).splitlines() == [
        "test: 3 steps",
        "├─ parameters",
        "│     alpha: float = 0.5  # strength",
        "│     n: int = 3",
        "├─ load  cells 2–4  [dataset:df]",
        "│     ← parameters: n",
        "│     → df",
        "├─ fit  cells 5, 6  [metrics, model:m]",
        "│     ← load: df",
        "│     ← parameters: alpha",
        "│     → m, score",
        "└─ say  cell 8",
        "      ← load (prev)",
        "      ← fit: m, score",
        "skipped: cell 7",
    ]


def test_tree_names_fusions() -> None:
    text = tree(pipeline(("step:a", "g = (i for i in [])"), ("step:b", "print(g)")))
    assert "one kernel for a, b: `g` (generator), created by a and needed by b" in text


def test_tree_of_another_language_and_of_nothing() -> None:
    assert "runs as one step" in tree(pipeline(("", "x <- 1"), kernelspec={"name": "ir", "display_name": "R"}))
    assert tree(pipeline()) == "test: 0 steps"


def test_dot_quotes_names() -> None:
    text = dot(pipeline(*CELLS))
    assert text.splitlines()[0] == 'digraph "test" {'
    assert '"load" -> "fit" [label="df", style=solid];' in text
    assert '"load" -> "say" [label="prev", style=bold];' in text
