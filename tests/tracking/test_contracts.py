"""Contracts: inferred, edited as text, checked; errors name line and column."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.execution.agent.profiles import profile
from jupyter_mlops.tracking.contract import ColumnRule, Contract, contract_text, infer
from jupyter_mlops.tracking.contract_check import check_contract
from jupyter_mlops.tracking.contract_reader import read_contract
from tests.tracking.frames import customers

names = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
rules = st.builds(
    ColumnRule,
    st.sampled_from(["integer", "numeric", "text", "any"]),
    st.sampled_from([0.0, 0.01, 1.0]),
    st.sampled_from([(None, None), (0.0, None), (-1.5, 1e300)]),
    st.lists(names, max_size=4, unique=True).map(tuple),
    st.booleans(),
    st.booleans(),
)
contracts = st.builds(
    Contract,
    st.dictionaries(names, rules, max_size=4),
    st.sampled_from([(None, None), (1, None), (0, 10)]),
    st.booleans(),
)


def test_a_frame_keeps_the_contract_that_was_inferred_from_it() -> None:
    document = profile(customers(1000, 1))
    contract = infer(document)
    assert check_contract(contract, document) == []
    assert check_contract(contract, profile(customers(1000, 2))) == []
    assert contract.columns["country"].categories == ("DE", "FR", "GB", "JP", "US")
    assert contract.columns["id"].unique and not contract.columns["age"].unique
    assert contract.columns["income"].range[0] == 0


@given(contracts)
def test_a_contract_survives_its_text(contract: Contract) -> None:
    assert read_contract(contract_text(contract)) == contract


@pytest.mark.parametrize(
    ("line", "frame", "rule"),
    [
        ("x: {type: integer}", [1.5, 2.5], "type"),
        ("x: {type: text}", [1, 2], "type"),
        ("x: {type: integer}", [1, None], None),
        ("x: {type: numeric}", [1, 2], None),
        ("x: {missing: 0}", [1, None], "missing"),
        ("x: {missing: 0.5}", [1, None], None),
        ("x: {range: [0, 10]}", list(range(100)), "range"),
        ("x: {range: [50, null]}", list(range(100)), "range"),
        ("x: {range: [0, 99]}", list(range(100)), None),
        ("x: {categories: [a]}", ["a"] * 20 + ["b"] * 10, "categories"),
        ("x: {categories: [a]}", ["a"] * 20 + ["b"], "categories"),
        ("x: {categories: [a, b, c]}", ["a"] * 20 + ["b"], None),
        ("x: {unique: true}", [1, 1], "unique"),
        ("x: {unique: true}", [1, 2, None], None),
        ("y: {type: any}", [1], "columns"),
        ("y: {optional: true}", [1], None),
    ],
)
def test_each_rule(line: str, frame: list[object], rule: str | None) -> None:
    contract = read_contract("columns:\n  " + line)
    findings = check_contract(contract, profile(pd.DataFrame({"x": frame})))
    assert [finding.data["rule"] for finding in findings] == ([rule] if rule else [])


def test_rows_and_columns_that_the_contract_lacks() -> None:
    contract = read_contract("rows: {min: 2, max: 3}\nextra_columns: forbidden\ncolumns: {}")
    kinds = [finding.data["rule"] for finding in check_contract(contract, profile(pd.DataFrame({"x": [1]})))]
    assert kinds == ["rows", "extra_columns"]
    assert check_contract(read_contract(""), profile(pd.DataFrame())) == []


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("rows: [1]", "line 1, column 7", "rows: expected names"),
        ("row: {}", "line 1, column 1", "`row` is not known"),
        ("rows: {min: -1}", "line 1, column 13", "rows.min: expected a number"),
        ("rows: {min: 1.5}", "line 1, column 13", "whole number"),
        ("rows: {min: 3, max: 2}", "line 1, column 7", "min is above max"),
        ("columns:\n  age: {type: int}", "line 2, column 15", "no type is called `int`"),
        ("columns:\n  age: {missing: 2}", "line 2, column 18", "columns.age.missing: expected a number from 0 to 1"),
        ("columns:\n  age: {missing: yes}", "line 2, column 18", "expected a number"),
        ("columns:\n  age: {rnage: [1, 2]}", "line 2, column 9", "`rnage` is not known"),
        ("columns:\n  age: {range: [1]}", "line 2, column 16", "two numbers"),
        ("columns:\n  age: {range: [2, 1]}", "line 2, column 16", "above the highest"),
        ("columns:\n  a: {}\n  a: {}", "line 3, column 3", "stands here twice"),
        ("columns:\n  a: {categories: [no]}", "line 2, column 20", "has to be a text"),
        ("columns:\n  a: {categories: []}", "line 2, column 19", "no category"),
        ("columns:\n  a: {unique: 1}", "line 2, column 15", "true or false"),
        ("columns: [", "line 1, column 11", "not YAML"),
        ("- 1", "line 1, column 1", "expected names"),
        ("extra_columns: maybe", "line 1, column 16", "`allowed` or `forbidden`"),
        ("? [a]\n: 1", "line 1, column 3", "has to be a text"),
        ("columns:\n  a: {missing: !!python/object:os.system x}", "line 2, column 16", "not a value"),
        ("\x00", "contract", "not YAML"),
        ("[" * 5000, "contract", "not YAML"),
    ],
)
def test_errors_name_the_place(text: str, place: str, message: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read_contract(text)
    assert place in caught.value.where and message in caught.value.message


def test_a_contract_of_a_megabyte_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="longer than 1 MB"):
        read_contract("#" * 1_000_001)


def test_pandera_is_only_needed_for_pandera(monkeypatch: pytest.MonkeyPatch) -> None:
    from jupyter_mlops.tracking import contract_pandera

    monkeypatch.setitem(__import__("sys").modules, "pandera.pandas", None)
    with pytest.raises(InvalidInputError, match="not installed"):
        contract_pandera.to_pandera(Contract())


def test_pandera_there_and_back() -> None:
    library = pytest.importorskip("pandera.pandas")
    from jupyter_mlops.tracking.contract_pandera import from_pandera, to_pandera

    frame = customers(500, 1)
    contract = infer(profile(frame))
    schema = to_pandera(contract)
    schema.validate(frame)
    with pytest.raises(library.errors.SchemaError):
        schema.validate(frame.assign(country="XX"))
    with pytest.raises(library.errors.SchemaError):
        schema.validate(frame.iloc[:3])
    back = from_pandera(schema)
    for name, rule in contract.columns.items():
        assert (back.columns[name].range, back.columns[name].categories) == (rule.range, rule.categories)
    with pytest.raises(InvalidInputError, match="not a schema"):
        from_pandera({})
