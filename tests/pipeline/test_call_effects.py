"""What a step does by calling what another cell defines."""

from __future__ import annotations

from jupyter_mlops.analysis.volatility import of_call
from jupyter_mlops.pipeline.build import build
from tests.pipeline.notebooks import notebook


def effects(*cells: tuple[str, str]) -> dict[str, object]:
    return {block.owner: block.effects for block in build(notebook(*cells), "n").blocks}


CLOCK = ("functions", "import time\ndef now():\n    return time.time()\ndef stamp():\n    return str(now())")


def test_a_step_that_calls_for_the_clock_through_functions() -> None:
    found = effects(CLOCK, ("step:a", "at = stamp()"), ("step:b", "x = 1"))
    assert tuple(map(str, found["a"].volatile)) == ("time.time()",) and found["b"].volatile == ()


def test_a_class_and_a_function_that_is_given_away() -> None:
    made = ("functions", "import uuid\nclass Row:\n    def __init__(self):\n        self.id = uuid.uuid4()")
    found = effects(made, ("step:a", "rows = [Row()]"), ("step:b", "many = list(map(Row, []))"))
    assert found["a"].volatile == found["b"].volatile == (of_call("uuid.uuid4"),)


def test_a_module_changed_inside_a_function_and_by_an_imported_name() -> None:
    set_up = ("functions", "import calendar\ndef american():\n    calendar.setfirstweekday(6)")
    found = effects(set_up, ("step:a", "american()"), ("step:b", "from calendar import month\nprint(month(2024, 2))"))
    assert found["a"].modules_changed == {"calendar", "month"} and found["b"].modules_changed == frozenset()
    found = effects(("step:a", "from lib import connect\nconnect('x')"), ("step:b", "import lib\nlib.ask()"))
    assert found["a"].modules_changed >= {"connect", "lib"}


def test_what_only_shows_changes_nothing() -> None:
    found = effects(("step:a", "from sklearn.tree import plot_tree\nplot_tree(model)\nprint(sklearn.__version__)"))
    assert found["a"].modules_changed == frozenset()
