import json
from importlib import metadata

import pytest

from jupyter_mlops.pipeline import checks
from jupyter_mlops.pipeline.checks import Context, Finding, check, rule, rules
from jupyter_mlops.pipeline.checks.rule import registered_rules

OWN = {
    "absolute_paths",
    "execution_order",
    "hidden_state",
    "interactive",
    "kernel",
    "missing_imports",
    "outside",
    "pip_install",
    "secrets",
    "syntax",
    "undefined_names",
    "unknown_magics",
    "unpicklable",
    "unused_parameters",
    "volatile",
}


class Entry:
    """An entry point of another package."""

    def __init__(self, name, loaded):
        self.name = name
        self.loaded = loaded

    def load(self):
        if isinstance(self.loaded, Exception):
            raise self.loaded
        return self.loaded


@pytest.fixture
def entries(monkeypatch):
    def install(*found):
        monkeypatch.setattr(metadata, "entry_points", lambda *, group: found if group == checks.GROUP else ())

    install()
    return install


def test_every_rule_is_found(entries):
    every, failures = rules()
    assert every.keys() == OWN
    assert failures == ()


def test_a_clean_notebook_has_no_findings(entries, notebook):
    assert check(Context(notebook("x = 1", "print(x)"))) == []


def test_other_packages_add_rules(entries, notebook):
    extra = Finding("house_style", "info", 0, "Too short.", "Write more.")
    entries(Entry("house_style", lambda context: [extra]))
    assert check(Context(notebook("x = 1"))) == [extra]


def test_they_replace_none_of_ours(entries, notebook):
    entries(Entry("syntax", lambda context: []))
    assert [one.rule for one in check(Context(notebook("x = f(")))] == ["syntax"]


def broken(context):
    yield Finding("half", "error", 0, "Never shown alone.", "")
    raise RuntimeError("no luck")


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (Entry("bad", ImportError("not there")), "ImportError: not there"),
        (Entry("bad", broken), "RuntimeError: no luck"),
        (Entry("bad", lambda context: None), "TypeError"),
    ],
)
def test_a_broken_rule_is_a_finding_and_stops_no_other(entries, notebook, entry, reason):
    entries(entry)
    result = check(Context(notebook("x = f(")))
    assert [one.rule for one in result] == ["syntax", "bad"]
    assert result[1].severity == "warning" and reason in result[1].message


def test_errors_come_first_then_notebook_order(entries, notebook):
    result = check(Context(notebook("!pip install a", "input()", "!pip install b", "breakpoint()")))
    by_rule = [(one.severity, one.cell) for one in result if one.rule in ("pip_install", "interactive")]
    assert by_rule == [("error", 1), ("error", 3), ("warning", 0), ("warning", 2)]


def test_two_rules_of_one_name_are_refused(entries):
    rules()
    with pytest.raises(ValueError, match="syntax"):
        rule("syntax")(lambda context: [])
    assert registered_rules()["syntax"].__module__.endswith("checks.syntax")


def test_a_finding_in_json(entries, notebook):
    (finding,) = check(Context(notebook("x = f(")))
    assert json.loads(json.dumps(finding.to_dict())).keys() == {"rule", "severity", "cell", "message", "fix", "data"}


def test_every_finding_says_what_to_do(entries, notebook):
    nb = notebook("!pip install a", "input()", "print(x)", "open('/home/me/x')", "x = 1", "y = f(")
    assert all(one.message and one.fix for one in check(Context(nb)))


@pytest.mark.parametrize("language", ["R", "julia", "scala"])
def test_other_languages_are_left_alone(entries, notebook, language):
    nb = notebook("x <- f(", kernelspec={"name": "other", "display_name": "Other", "language": language})
    assert check(Context(nb)) == []


def test_an_empty_notebook(entries, notebook):
    assert check(Context(notebook())) == []
    assert check(Context(notebook(""))) == []
