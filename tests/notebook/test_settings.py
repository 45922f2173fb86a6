"""Settings in metadata, under a schema."""

import pytest
from jsonschema import Draft202012Validator

from jupyter_mlops.errors import InvalidTagError
from jupyter_mlops.notebook.settings import cell_settings, notebook_defaults, schema


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"retries": 2},
        {"timeout": 1.5},
        {"keep_going": True},
        {"cache": "enabled"},
        {"limits": {"cpu": "2"}},
        {"secrets": ["TOKEN"]},
    ],
)
def test_settings_of_a_cell(value: dict[str, object]) -> None:
    assert cell_settings({"jupyter_mlops": value, "other": 1}, "cell 1") == value
    assert notebook_defaults({"jupyter_mlops": {"defaults": value}}) == value


def test_none() -> None:
    assert cell_settings({}, "cell 1") == {}
    assert notebook_defaults({}) == notebook_defaults({"jupyter_mlops": {}}) == {}


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ({"retries": -1}, "jupyter_mlops.retries"),
        ({"retries": "2"}, "jupyter_mlops.retries"),
        ({"timeout": 0}, "jupyter_mlops.timeout"),
        ({"keep_going": "yes"}, "jupyter_mlops.keep_going"),
        ({"cache": "always"}, "jupyter_mlops.cache"),
        ({"limits": {"cpu": 2}}, "jupyter_mlops.limits.cpu"),
        ({"retires": 2}, "retires"),
        ([1], "jupyter_mlops"),
    ],
)
def test_a_bad_setting_names_its_field(value: object, field: str) -> None:
    with pytest.raises(InvalidTagError, match="cell 3") as caught:
        cell_settings({"jupyter_mlops": value}, "cell 3")
    assert field in str(caught.value)
