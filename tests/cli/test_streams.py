"""Standard output that is not UTF-8, that nobody reads, or that is not there."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from pathlib import Path

import pytest

from jupyter_mlops.cli import streams
from tests.cli.command import COMMAND, write

CELLS = [("parameters", 'name = "ñ 日本 😀"'), ("step:a", "print(name)"), ("step:b", "y = 1")]


def shell(line: str, folder: Path, **environ: str) -> subprocess.CompletedProcess[bytes]:
    line = line.replace("MLOPS", shlex.join(COMMAND))
    return subprocess.run(
        ["bash", "-c", line], cwd=folder, env={**os.environ, **environ}, capture_output=True, timeout=120, check=False
    )


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
@pytest.mark.parametrize("verb", ["show a.ipynb", "run a.ipynb -o b.ipynb"])
def test_any_encoding_will_do(tmp_path: Path, encoding: str, verb: str) -> None:
    write(tmp_path / "a.ipynb", *CELLS)
    done = shell(f"MLOPS {verb}", tmp_path, PYTHONIOENCODING=encoding)
    assert done.returncode == 0 and b"Traceback" not in done.stderr, done
    assert done.stdout.decode(encoding).strip()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_json_says_the_same_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    write(tmp_path / "a.ipynb", *CELLS)
    done = shell("MLOPS show a.ipynb --json", tmp_path, PYTHONIOENCODING=encoding)
    assert json.loads(done.stdout.decode(encoding))["parameters"][0]["default"] == "ñ 日本 😀"


@pytest.mark.parametrize("words", ["show a.ipynb", "show a.ipynb --json"])
def test_a_reader_that_is_gone_ends_it_as_the_signal_would(tmp_path: Path, words: str) -> None:
    write(tmp_path / "a.ipynb", *CELLS)
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [*COMMAND, *words.split()],
            cwd=tmp_path, stdout=writing, stderr=subprocess.PIPE, timeout=120, check=False,
        )  # fmt: skip
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (streams.BROKEN_PIPE, b"")


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_streams_that_are_closed(tmp_path: Path, closed: str) -> None:
    write(tmp_path / "a.ipynb", *CELLS)
    assert shell(f"MLOPS show a.ipynb {closed}", tmp_path).returncode == 0


@pytest.mark.parametrize(
    ("text", "encoding", "written"),
    [
        ("✓ done → x", "ascii", b"+ done -> x"),
        ("✖ ñ", "latin-1", b"x \xf1"),
        ("日", "cp1252", b"\\u65e5"),
        ("·", "cp1252", b"\xb7"),
        ("a\udcffb", "utf-8", b"a\xffb"),
    ],
)
def test_stand_ins(text: str, encoding: str, written: bytes) -> None:
    streams.prepare()
    assert text.encode(encoding, streams.HANDLER) == written
