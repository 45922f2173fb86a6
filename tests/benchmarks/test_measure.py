"""The parts of the benchmarks that only compute. What takes how long is for `python -m tests.benchmarks` to tell."""

from __future__ import annotations

import ast
import json
import os
import signal
import sys
from pathlib import Path

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.benchmarks.__main__ import _arguments, _bad
from tests.benchmarks.cases import CHANGED, FIRST, OURS, Case, cases
from tests.benchmarks.handoff import COLUMNS, MAKE, OTHER
from tests.benchmarks.measure import Failed, MemoryWatch, Row, Sample, Target, compare, median, ratio, rollup, run
from tests.benchmarks.runners import Mlops, Ploomber, Script, notebook, printed
from tests.benchmarks.table import cells, seconds, table

ROLLUP = """\
55d0c0a00000-7ffd1b5fe000 ---p 00000000 00:00 0                          [rollup]
Rss:               12340 kB
Pss_Dirty:            12 kB
Anonymous:          1000 kB
"""


@pytest.mark.parametrize(
    ("values", "expected"),
    [([], None), ([None], None), ([3.0], 3.0), ([9.0, 1.0, 2.0], 2.0), ([1.0, 2.0], 1.5), ([None, 4.0], 4.0)],
)
def test_median(values: list[float | None], expected: float | None) -> None:
    assert median(values) == expected


@given(st.lists(st.floats(0, 1e6), min_size=1))
def test_as_many_values_below_the_median_as_above(values: list[float]) -> None:
    middle = median(values)
    assert middle is not None
    assert sum(v < middle for v in values) <= len(values) / 2
    assert sum(v > middle for v in values) <= len(values) / 2


@pytest.mark.parametrize(
    ("value", "base", "expected"), [(1.0, 4.0, 0.25), (None, 4.0, None), (1.0, None, None), (1.0, 0.0, None)]
)
def test_ratio(value: float | None, base: float | None, expected: float | None) -> None:
    assert ratio(value, base) == expected


@pytest.mark.parametrize(
    ("target", "value", "times", "met", "text"),
    [
        (Target(0.3, "papermill"), 9.0, 0.3, True, "≤ 0.3x papermill"),
        (Target(0.3, "papermill"), 0.1, 0.31, False, "≤ 0.3x papermill"),
        (Target(0.3, "papermill"), 0.1, None, None, "≤ 0.3x papermill"),
        (Target(0.02), 0.02, 50.0, True, "≤ 20 ms"),
        (Target(0.02), 0.021, 0.1, False, "≤ 20 ms"),
        (Target(0.02), None, None, None, "≤ 20 ms"),
    ],
)
def test_target(target: Target, value: float | None, times: float | None, met: bool | None, text: str) -> None:
    assert target.met(value, times) is met
    assert str(target) == text


def test_compare_takes_medians_and_judges_only_ours() -> None:
    found: dict[str, list[Sample] | str] = {
        "papermill": [Sample(4.0, 3.0, 300), Sample(8.0, 5.0, 100), Sample(6.0, 4.0, 200)],
        OURS: [Sample(1.0, 1.0, 90), Sample(3.0, 1.0, 70)],
    }
    base, ours = compare("prints", found, base="papermill", targets={OURS: [Target(0.3, "papermill")]})
    assert (base.wall, base.cpu, base.peak, base.ratio, base.met) == (6.0, 4.0, 200, 1.0, None)
    assert (ours.wall, ours.peak, ours.against, ours.met) == (2.0, 80, "papermill", False)
    assert ours.ratio == pytest.approx(1 / 3)
    assert ours.samples == (1.0, 3.0)


def test_compare_without_the_base_tells_why_and_judges_nothing() -> None:
    found: dict[str, list[Sample] | str] = {"Ploomber": "could not be installed: no network", OURS: [Sample(1.0)]}
    base, ours = compare("diamond", found, base="Ploomber", targets={OURS: [Target(0.25, "Ploomber")]})
    assert base.note == "could not be installed: no network"
    assert (base.wall, base.ratio) == (None, None)
    assert (ours.wall, ours.ratio, ours.met) == (1.0, None, None)
    assert ours.target == "≤ 0.25x Ploomber"


@pytest.mark.parametrize(
    ("row", "bad"),
    [
        (Row("a", OURS, wall=1.0, met=True), False),
        (Row("a", OURS, wall=1.0, met=False), True),
        (Row("a", OURS, note="exit code 1"), True),
        (Row("a", OURS, peak=10), False),
        (Row("a", "Ploomber", note="could not be installed"), False),
    ],
)
def test_what_makes_the_exit_code_1(row: Row, bad: bool) -> None:
    assert _bad(row) is bad


@pytest.mark.parametrize(
    ("value", "text"), [(None, ""), (0.00123, "1.2 ms"), (0.0999, "99.9 ms"), (0.1, "0.100 s"), (17.4, "17.40 s")]
)
def test_seconds(value: float | None, text: str) -> None:
    assert seconds(value) == text


def test_cells_of_a_row() -> None:
    row = Row("prints", OURS, 2.0, 1.5, 80_000_000, 0.25, "papermill", "≤ 0.3x papermill", True, "a note")
    assert cells(row) == (OURS, "2.00 s", "1.50", "80", "0.25x papermill", "≤ 0.3x papermill", "met", "a note")
    assert cells(Row("prints", "Ploomber")) == ("Ploomber", "", "", "", "", "", "", "")
    assert "MISSED" in cells(Row("prints", OURS, met=False))


def test_table_groups_by_case_and_aligns() -> None:
    rows = [
        Row("1 cell", "papermill", 2.5, 2.17, 120_000_000, 1.0, "papermill"),
        Row("1 cell", OURS, 0.75, 0.7, 80_000_000, 0.3, "papermill"),
        Row("10 cells", "papermill", note="not installed"),
    ]
    lines = table(rows).splitlines()
    assert [line for line in lines if line and not line.startswith(" ")] == ["1 cell", "10 cells"]
    one, other = (next(line for line in lines if text in line) for text in ("2.50 s", "0.750 s"))
    assert one.index(" s ") == other.index(" s ")
    assert one.index("1.00x") == other.index("0.30x")
    assert lines[-1].split() == ["papermill", "not", "installed"]
    assert not any(line.endswith(" ") for line in lines)


def test_rollup() -> None:
    assert rollup(ROLLUP) == {"Rss": 12340 * 1024, "Pss_Dirty": 12 * 1024, "Anonymous": 1000 * 1024}


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="Linux only")
def test_memory_watch_sees_what_is_made() -> None:
    with MemoryWatch([os.getpid()], every=0.001) as watch:
        made = bytearray(os.urandom(1 << 20) * 64)
        assert watch.now() - watch.start > len(made) // 2
    assert watch.own - watch.start > len(made) // 2


def test_run_keeps_what_was_printed(tmp_path: Path) -> None:
    sample = run([sys.executable, "-c", "import os; print(os.environ['X'])"], tmp_path, {"X": "seen"})
    assert (tmp_path / "stdout.txt").read_text().strip() == "seen"
    assert None not in (sample.wall, sample.cpu, sample.peak)


@pytest.mark.parametrize(
    ("code", "limit", "says"),
    [
        ("import sys; sys.exit('first\\nwhat went wrong')", 60.0, "exit code 1: what went wrong"),
        ("raise SystemExit(3)", 60.0, "exit code 3"),
        ("import time; time.sleep(600)", 0.2, "ran longer than 0.2 s"),
        (f"import os; os.kill(os.getpid(), {signal.SIGKILL:d})", 60.0, "exit code -9"),
    ],
)
def test_run_fails(tmp_path: Path, code: str, limit: float, says: str) -> None:
    with pytest.raises(Failed, match=f"^{says}$"):
        run([sys.executable, "-c", code], tmp_path, {}, limit)


@pytest.mark.parametrize("case", [*cases(), *cases(quick=True)], ids=lambda case: case.title)
def test_every_case_is_a_valid_notebook(case: Case, tmp_path: Path) -> None:
    made = notebook(case, 0)
    nbformat.validate(made)
    assert {phase for phase, _ in case.targets} <= set(case.phases)
    for cell in made["cells"]:
        ast.parse(cell["source"])
    Script(tmp_path).write(case, 0, tmp_path)
    Mlops(tmp_path).write(case, 0, tmp_path)
    assert json.loads((tmp_path / "in.ipynb").read_text()) == made
    assert ast.unparse(ast.parse((tmp_path / "script.py").read_text())) == "\n".join(
        ast.unparse(ast.parse(cell["source"])) for cell in made["cells"]
    )


def test_another_number_changes_one_step() -> None:
    diamond = next(case for case in cases() if CHANGED in case.phases)
    before, after = diamond.parts(0), diamond.parts(1)
    assert [b.name for b, a in zip(before, after, strict=True) if a != b] == ["shops"]
    assert diamond.label(FIRST) != diamond.label(CHANGED)


def test_ploomber_gets_a_notebook_a_step_and_only_what_changed_is_written(tmp_path: Path) -> None:
    diamond = next(case for case in cases() if case.base == "Ploomber")
    peer = Ploomber(tmp_path, tmp_path)
    peer.write(diamond, 0, tmp_path)
    files = sorted(tmp_path.glob("*.ipynb"))
    assert [path.stem for path in files] == ["days", "load", "report", "shops"]
    for path in files:
        nbformat.validate(json.loads(path.read_text()))
        os.utime(path, (0, 0))
    peer.write(diamond, 1, tmp_path)
    assert [path.stem for path in files if path.stat().st_mtime] == ["shops"]
    report = json.loads((tmp_path / "report.ipynb").read_text())["cells"]
    assert report[0]["source"] == "upstream = ['shops', 'days']\nproduct = None"
    assert report[2]["source"] == "shops = pd.read_pickle(upstream['shops']['data'])"


def test_printed_is_standard_output_in_cell_order(tmp_path: Path) -> None:
    out = [
        {"output_type": "stream", "name": "stdout", "text": ["a\n", "b\n"]},
        {"output_type": "stream", "name": "stderr", "text": "warned"},
        {"output_type": "stream", "name": "stdout", "text": "c\n"},
    ]
    (tmp_path / "x.ipynb").write_text(json.dumps({"cells": [{"outputs": out}, {}, {"outputs": out[2:]}]}))
    assert printed([tmp_path / "x.ipynb", tmp_path / "x.ipynb"]) == "a\nb\nc\nc\n" * 2


def test_the_note_names_the_steps_that_ran(tmp_path: Path) -> None:
    def cell(step: str, state: str, *tags: str) -> dict[str, object]:
        return {"metadata": {"tags": list(tags), "jupyter_mlops_run": {"step": step, "state": state}}}

    for told, expected in [
        ([cell("", "completed", "imports"), cell("a", "cached", "step:a"), cell("b", "completed", "step:b")], "ran b"),
        ([cell("a", "cached", "step:a")], "ran nothing"),
        ([cell("in", "completed")], ""),
    ]:
        (tmp_path / "out.ipynb").write_text(json.dumps({"cells": told}))
        assert Mlops(tmp_path).note(tmp_path) == expected


def test_the_other_process_is_a_program_that_makes_the_same_frame() -> None:
    make = MAKE.format(seed=1, rows=5, columns=COLUMNS)
    assert make in OTHER.format(make=make)
    ast.parse(OTHER.format(make=make))


@pytest.mark.parametrize("wrong", [["--rounds", "0"], ["--only", "nothing"], ["--rounds", "x"]])
def test_bad_options(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        _arguments(wrong)
    assert left.value.code == 2
    assert wrong[1] in capsys.readouterr().err
