"""Which names a metrics cell reports."""

from __future__ import annotations

import pytest

from jupyter_mlops.notebook.metrics import metric_names

CASES = {
    "assigned": ("accuracy = 0.9\nloss: float = 0.1", "accuracy loss"),
    "printed, as Kale has it": ("print(accuracy)\nprint(f'{loss:.2f}')", "accuracy loss"),
    "standing alone": ("accuracy", "accuracy"),
    "a tuple": ("accuracy, loss", "accuracy loss"),
    "unpacked": ("a, (b, *c) = scores", "a b c"),
    "once each": ("a = 1\nprint(a)", "a"),
    "imports and functions are none": ("import x\ndef f(): return 1", ""),
    "other calls are none": ("log(accuracy)", ""),
    "broken": ("a = = 1", ""),
    "with a magic": ("%matplotlib inline\na = 1", "a"),
    "empty": ("", ""),
}


@pytest.mark.parametrize(("source", "names"), CASES.values(), ids=CASES.keys())
def test_metric_names(source: str, names: str) -> None:
    assert metric_names(source) == names.split()
