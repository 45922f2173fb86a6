"""`jupyter mlops run`: the main job, from the command line to the record."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.cli.command import COMMAND, command, read, states, texts, write

CELLS = [
    ("parameters", "n: int = 3  # how many\nname: str = 'x'"),
    ("imports", "import math"),
    ("step:load", "data = [math.sqrt(i) for i in range(n)]"),
    ("step:left", "left = sum(data)"),
    ("step:right", "right = len(data)\nprint(name, right)"),
    ("step:join", "ratio = left / right"),
    ("metrics", "ratio"),
]


def test_the_record(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ipynb", *CELLS)
    before = path.read_bytes()
    done = command("run", path, "-p", "n", "5", "-p", "name", "1.10", "-o", tmp_path / "out.ipynb", "--json")
    assert done.code == 0, done.err
    record = done.record
    assert record["state"] == "completed" and record["error"] is None
    assert record["parameters"] == {"n": 5, "name": "1.10"}
    assert states(record) == dict.fromkeys(["load", "left", "right", "join"], "completed")
    assert all(s["attempts"] == 1 and s["seconds"] >= 0 and s["reads"] == [] for s in record["steps"])
    assert record["metrics"] == {"ratio": pytest.approx(1.2293, abs=1e-3)}
    assert record["output"] == str(tmp_path / "out.ipynb")
    nb = read(tmp_path / "out.ipynb")
    assert "1.10 5\n" in texts(nb)
    assert [c.source for c in nb.cells if "injected-parameters" not in c.metadata.tags] == [s for _, s in CELLS]
    assert [c.execution_count for c in nb.cells] == list(range(1, 9))
    papermill = nb.metadata.papermill
    assert papermill.parameters == {"n": 5, "name": "1.10"} and papermill.duration > 0
    assert papermill.input_path and papermill.output_path and papermill.start_time < papermill.end_time
    assert all(c.metadata.papermill.status == "completed" and c.metadata.papermill.duration >= 0 for c in nb.cells)
    assert path.read_bytes() == before


def test_without_output_the_record_is_kept_and_its_path_printed(tmp_path: Path, mlops_home: Path) -> None:
    done = command("run", write(tmp_path / "a.ipynb", ("", "print('hello')")))
    assert done.code == 0
    kept = Path(done.out.splitlines()[-1])
    assert kept.is_relative_to(mlops_home / "runs")
    assert texts(read(kept)) == ["hello\n"]


def test_progress_in_plain_lines(tmp_path: Path) -> None:
    done = command("run", write(tmp_path / "a.ipynb", *CELLS))
    assert [line.split()[1:3] for line in done.err.splitlines()] == [
        [name, "completed"] for name in ("load", "left", "right", "join")
    ]
    assert "ratio = " in done.out


def test_every_step_says_why_it_ran_as_it_did(tmp_path: Path) -> None:
    cells = [*CELLS[:4], ("step:clock", "import time\nprint(time.time())"), *CELLS[4:]]
    path = write(tmp_path / "a.ipynb", *cells)
    done = command("run", path, "--explain", "-o", tmp_path / "out.ipynb")
    assert done.code == 0, done.err
    assert "load  completed\n  Cell 3 ran on the main line: " in done.out
    assert "  Cell 5 was not cached for later runs: it depends on time.time()." in done.out
    steps = read(tmp_path / "out.ipynb").metadata["jupyter_mlops_run"]["steps"]
    assert len(steps) == 5 and all(step["why"] for step in steps)
    again = command("run", path, "--explain", "--json").record
    assert all(step["why"] for step in again["steps"])
    told = {step["name"]: step["why"] for step in again["steps"]}
    assert told["load"] == ["Cell 3 was taken from an earlier run."]
    assert any("time.time()" in why for why in told["clock"])


def test_explain_shows_the_history_of_decisions(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ipynb", *CELLS)
    first = command("run", path, "--explain")
    for line in (
        r"its turn began: search the cache",
        r"a cached result was looked for: look for the result of a helper \(there is none\)",
        r"no result was available: execute the block on the main line \(.+\)",
        r"the result is complete: store the result",
    ):
        assert re.search(rf"^    \d+\.\d\d s  Cell 3: {line}$", first.out, re.M), first.out
    decisions = command("run", path, "--explain", "--json").record["decisions"]
    assert [(d["event"], d["instruction"]) for d in decisions if d["step"] == "load"] == [
        ("its turn began", "search the cache"),
        ("a cached result was looked for", "use the cached result"),
    ]
    assert decisions == sorted(decisions, key=lambda d: d["seconds"])
    assert "decisions" not in command("run", path, "--json").record


def test_again_everything_is_cached_and_the_same(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ipynb", *CELLS)
    first = command("run", path, "-o", tmp_path / "1.ipynb", "--json").record
    again = command("run", path, "-o", tmp_path / "2.ipynb", "--json").record
    assert set(states(again).values()) == {"cached"}
    assert again["metrics"] == first["metrics"]
    assert texts(read(tmp_path / "1.ipynb")) == texts(read(tmp_path / "2.ipynb"))
    assert set(states(command("run", path, "--no-cache", "--json").record).values()) == {"completed"}


@pytest.mark.parametrize(
    "reading",
    ["f = open('in.txt')", "def lines():\n    yield from open('in' + '.txt')\nf = lines()"],
    ids=["an open file", "a generator over one"],
)
def test_what_reads_on_from_a_file_that_changed_runs_again(tmp_path: Path, reading: str) -> None:
    path = write(tmp_path / "a.ipynb", ("step:a", reading), ("step:b", "print(*f)"))
    (tmp_path / "in.txt").write_text("one")
    command("run", path)
    assert states(command("run", path, "--json").record)["b"] == "cached"
    (tmp_path / "in.txt").write_text("two")
    command("run", path, "-o", tmp_path / "out.ipynb")
    assert texts(read(tmp_path / "out.ipynb"))[-1] == "two\n"


def test_what_a_database_is_asked_and_told_happens_each_time(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.ipynb",
        ("step:a", "import sqlite3\ndb = sqlite3.connect('a.db')\ndb.execute('create table if not exists t (x)')"),
        ("step:b", "db.execute('insert into t values (1)'); db.commit()"),
        ("step:c", "print(db.execute('select count(*) from t').fetchone())"),
    )
    for count in (1, 2):
        assert command("run", path, "-o", tmp_path / "out.ipynb").code == 0
        assert texts(read(tmp_path / "out.ipynb"))[-1] == f"({count},)\n"


def test_a_change_runs_what_follows_it(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ipynb", *CELLS)
    command("run", path)
    changed = [(t, s.replace("sum(data)", "max(data)")) for t, s in CELLS]
    record = command("run", write(path, *changed), "--json").record
    assert states(record) == {"load": "cached", "left": "completed", "right": "cached", "join": "completed"}


def test_from_and_only(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ipynb", *CELLS)
    command("run", path)
    assert states(command("run", path, "--from", "right", "--json").record) == {
        "load": "cached", "left": "cached", "right": "completed", "join": "completed",
    }  # fmt: skip
    assert states(command("run", path, "--only", "left", "--json").record) == {
        "load": "cached", "left": "completed", "right": "skipped", "join": "skipped",
    }  # fmt: skip


def test_parameters_from_everywhere(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.ipynb", ("parameters", "a = 1\nb = 1.0\nc = ''\nd = []"), ("step:s", "print(a, b, c, d)")
    )
    (tmp_path / "p.yaml").write_text("a: 2\nb: 2\nc: file\n")
    done = command("run", path, "-f", tmp_path / "p.yaml", "-y", "{c: yaml, d: [1, x]}", "-p", "a", "7", "--json",
                   "-o", tmp_path / "o.ipynb")  # fmt: skip
    assert done.code == 0, done.err
    assert texts(read(tmp_path / "o.ipynb"))[-1] == "7 2 yaml [1, 'x']\n"


def test_a_failing_step_and_the_repair(tmp_path: Path) -> None:
    cells = [
        ("step:load", "data = [1, 2]"),
        ("step:bad", "x = data[5]"),
        ("step:other", "y = data[0]\nprint('other', y)"),
        ("step:after", "print(x)"),
    ]
    path = write(tmp_path / "a.ipynb", *cells)
    done = command("run", path, "-o", tmp_path / "o.ipynb", "--json")
    assert done.code == 1
    record = done.record
    assert record["state"] == "failed"
    assert states(record) == {"load": "completed", "bad": "failed", "other": "completed", "after": "skipped"}
    error = record["error"]
    assert (error["step"], error["cell"], error["ename"]) == ("bad", 1, "IndexError")
    assert error["evalue"] == "list index out of range" and any("data[5]" in line for line in error["traceback"])
    nb = read(tmp_path / "o.ipynb")
    assert "papermill-error-cell-tag" in nb.cells[0].metadata.tags
    assert "other 1\n" in texts(nb)
    mended = command("run", write(path, cells[0], ("step:bad", "x = data[1]"), *cells[2:]), "--json").record
    assert states(mended) == {"load": "cached", "bad": "completed", "other": "cached", "after": "completed"}


def test_the_record_of_a_failure_runs_again_as_it_is(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ipynb", ("step:a", "print('a')"), ("step:b", "1 / 0"))
    assert command("run", path, "-o", tmp_path / "o.ipynb").code == 1
    record = command("run", tmp_path / "o.ipynb", "-o", tmp_path / "p.ipynb", "--json").record
    assert (record["state"], record["error"]["cell"]) == ("failed", 1)
    assert sum("papermill-error" in str(c.metadata.get("tags")) for c in read(tmp_path / "p.ipynb").cells) == 2


def test_failure_told_to_a_person(tmp_path: Path) -> None:
    done = command("run", write(tmp_path / "a.ipynb", ("step:a", "def f(x):\n    return 1 / x\n\nf(0)")))
    assert done.code == 1
    assert "step 'a', cell 1: ZeroDivisionError: division by zero" in done.out
    assert "Traceback" not in done.err


def test_report(tmp_path: Path) -> None:
    source = "from IPython.display import HTML\nHTML('<b>bold</b><script>alert(1)</script>')"
    path = write(tmp_path / "a.ipynb", ("step:a", source), ("step:b", "print('plain')"))
    assert command("run", path, "--report", tmp_path / "r.html").code == 0
    page = (tmp_path / "r.html").read_text()
    assert "<b>bold</b>" in page and "plain" in page and "alert(1)</script>" not in page
    assert 'src="http' not in page and 'href="http' not in page.replace('href="https://nbviewer', "")
    assert command("run", path, "--report", tmp_path / "s.html", "--no-code").code == 0
    page = (tmp_path / "s.html").read_text()
    assert "plain" in page and "IPython.display" not in page


def test_isolated_steps_and_what_can_not_leave(tmp_path: Path) -> None:
    cells = [
        ("step:a", "numbers = (i * i for i in range(5))\nnext(numbers)"),
        ("step:b", "print(next(numbers))"),
        ("step:c", "total = sum(numbers)\nprint(total)"),
    ]
    path = write(tmp_path / "a.ipynb", *cells)
    done = command("run", path, "--isolate", "-o", tmp_path / "o.ipynb", "--json")
    assert done.code == 0, done.err
    assert texts(read(tmp_path / "o.ipynb")) == ["", "1\n", "29\n"]
    fused = done.record["fused"]
    assert [(f["variable"], f["type"], f["made_by"]) for f in fused] == [("numbers", "generator", "a")]
    shown = command("show", path).out
    assert "`numbers` (generator), created by a and needed by b, c" in shown
    assert "`numbers` (generator), created by step a" in command("check", path).out


def test_a_blank_kernelspec_runs_on_the_default_kernel(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ipynb", ("", "print(1)"), kernelspec={"name": "", "display_name": ""})
    assert command("run", path).code == 0
    nb = json.loads(path.read_text())
    del nb["metadata"]["kernelspec"]
    path.write_text(json.dumps(nb))
    assert command("run", path).code == 0


def test_an_untagged_notebook_and_an_empty_one(tmp_path: Path) -> None:
    record = command("run", write(tmp_path / "a.ipynb", ("", "x = 1"), ("", "print(x)")), "--json").record
    assert states(record) == {"notebook": "completed"}
    assert command("run", write(tmp_path / "b.ipynb"), "--json").record["steps"] == []


def test_files_a_step_read_are_in_the_record(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("hello")
    path = write(tmp_path / "a.ipynb", ("step:a", "print(open('in.txt').read())"))
    record = command("run", path, "--json").record
    assert record["steps"][0]["reads"] == [str(tmp_path / "in.txt")]


def test_retries(tmp_path: Path) -> None:
    source = "from pathlib import Path\np = Path('tries')\np.write_text(p.read_text() + 'x' if p.exists() else 'x')\n"
    path = write(tmp_path / "a.ipynb", ("step:a", source + "assert len(p.read_text()) == 3"))
    nb = json.loads(path.read_text())
    nb["cells"][0]["metadata"]["jupyter_mlops"] = {"retries": 2}
    path.write_text(json.dumps(nb))
    record = command("run", path, "--json").record
    assert (record["state"], record["steps"][0]["attempts"]) == ("completed", 3)


def test_another_language_runs_as_one_step(tmp_path: Path) -> None:
    pytest.importorskip("bash_kernel")
    spec = {"name": "bash", "display_name": "Bash", "language": "bash"}
    path = write(tmp_path / "a.ipynb", ("step:a", "x=5"), ("step:b", "echo $x"), kernelspec=spec)
    done = command("run", path, "-o", tmp_path / "o.ipynb", "--json")
    assert states(done.record) == {"notebook": "completed"}
    assert texts(read(tmp_path / "o.ipynb")) == ["", "5\n"]


@pytest.mark.parametrize("text", ["-5", "-1e3", "-.5e3", "-inf"])
def test_negative_numbers_as_they_are_written(tmp_path: Path, text: str) -> None:
    path = write(tmp_path / "a.ipynb", ("parameters", "x: float = 1.0"), ("step:a", "print(x)"))
    done = command("run", path, "-p", "x", text, "-o", tmp_path / "out.ipynb")
    assert done.code == 0, done.err
    assert f"{float(text)}\n" in texts(read(tmp_path / "out.ipynb"))


def test_the_json_of_a_run_has_no_nan(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ipynb", ("parameters", "x: float = 1.0"), ("step:a", "print(x)"))
    done = command("run", path, "-p", "x", "nan", "--json")
    assert json.loads(done.out, parse_constant=pytest.fail)["parameters"] == {"x": "nan"}


def test_streams_that_are_closed(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ipynb", ("step:a", "print(1)"))
    shell = f"exec {shlex.join([*COMMAND, 'run', str(path), '-o', str(tmp_path / 'out.ipynb')])} <&- >&- 2>&-"
    assert subprocess.run(["sh", "-c", shell], timeout=120, check=False).returncode == 0
    assert texts(read(tmp_path / "out.ipynb")) == ["1\n"]
