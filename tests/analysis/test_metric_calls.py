"""Calls of `log_metric` write nothing; calls of other functions of that name may."""

from __future__ import annotations

import nbformat
import pytest

from jupyter_mlops.analysis.names import access
from jupyter_mlops.pipeline.build import build


@pytest.mark.parametrize(
    ("source", "modules", "possible", "certain"),
    [
        ("from jupyter_mlops import log_metric\nlog_metric('m', x)", {}, set(), set()),
        ("from jupyter_mlops import log_metric as lm\nlm('m', x)", {}, set(), set()),
        ("import jupyter_mlops\njupyter_mlops.log_metric('m', x)", {}, set(), set()),
        ("import jupyter_mlops as jm\njm.log_metrics({'m': x})", {}, set(), set()),
        ("log_metric('m', x)", {"log_metric": "jupyter_mlops.log_metric"}, set(), set()),
        ("jm.log_metric('m', x)", {"jm": "jupyter_mlops"}, set(), set()),
        ("jm.log_metric('m', x.pop())", {"jm": "jupyter_mlops"}, {"x"}, set()),
        ("log_metric('m', f(x))", {"log_metric": "jupyter_mlops.log_metric"}, {"x"}, set()),
        ("def g():\n    log_metric('m', x)", {"log_metric": "jupyter_mlops.log_metric"}, set(), set()),
        ("log_metric('m', x)", {}, {"x"}, set()),
        ("log_metric('m', x)", {"log_metric": "mlflow.log_metric"}, {"x"}, set()),
        ("def log_metric(n, v): pass\nlog_metric('m', x)", {"log_metric": "jupyter_mlops.log_metric"}, {"x"}, set()),
        ("def g(log_metric): log_metric('m', x)\ng(y)", {"log_metric": "jupyter_mlops.log_metric"}, {"x", "y"}, set()),
        ("from other import log_metric\nlog_metric('m', x)", {"log_metric": "jupyter_mlops.log_metric"}, {"x"}, set()),
        ("jm.configure(x)", {"jm": "jupyter_mlops"}, {"x", "jm"}, {"jm"}),
    ],
)
def test_writes(source: str, modules: dict[str, str], possible: set[str], certain: set[str]) -> None:
    names = access(source, modules)
    assert names.possible_mutations & {"x", "y", "jm", "jupyter_mlops"} == possible
    assert names.certain_mutations & {"x", "y", "jm", "jupyter_mlops"} == certain
    assert "x" in names.reads or source.startswith("def")


def test_logging_a_metric_is_no_act_and_changes_no_module() -> None:
    cells = (
        ("imports", "import jupyter_mlops\nfrom jupyter_mlops import log_metric"),
        ("step:a", "x = 1\njupyter_mlops.log_metric('x', x)"),
        ("step:b", "log_metric('x', x)"),
    )
    nb = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source, metadata={"tags": [tag]}) for tag, source in cells]
    )
    blocks = build(nb, "a").blocks
    assert not any(b.effects.outside or b.effects.volatile or b.effects.modules_changed for b in blocks)
    assert not any({"x", "log_metric", "jupyter_mlops"} & b.access.possible_mutations for b in blocks)
