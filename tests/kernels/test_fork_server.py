"""A fork server forks what a cold start gives, is replaced when that changes, and is done without when it fails."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.kernels import provisioner
from jupyter_mlops.kernels.forkserver.module_state import next_thread
from jupyter_mlops.kernels.forkserver_client import ForkError, ForkServer, key_of
from jupyter_mlops.kernels.forkserver_registry import SERVERS
from jupyter_mlops.kernels.pool import unique_memory
from tests.kernels.kernel import Kernel, kernel

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux"),
    pytest.mark.xdist_group("kernels"),
]


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    SERVERS.close()
    SERVERS.failed.clear()
    provisioner.warned.clear()


def kind(one: Kernel) -> str:
    return type(one.process).__name__


# -- what is beside the notebook, or is set there


@pytest.mark.parametrize(
    ("beside", "code", "shown"),
    [
        ({"pandas.py": "mine = 1\n"}, "import json, outer; print(outer.pandas.mine)", "1\n"),
        ({"colorsys.py": "mine = 1\n"}, "import outer; print(hasattr(outer.colorsys, 'mine'))", "False"),
        ({"matplotlibrc": "figure.dpi: 33\n"},
         "import outer, matplotlib as m; print(m.rcParams['figure.dpi'], outer.matplotlib is m)", "33.0 True"),
        ({"lib/scipy.py": "mine = 2\n"},
         "import sys; sys.path.insert(0, 'lib'); import numpy, scipy; print(scipy.mine)", "2\n"),
        ({"numpy/__init__.py": "mine = 3\n"}, "import numpy; print(numpy.mine)", "3\n"),
        ({}, "import outer, pandas; print(outer.pandas is pandas, pandas.__version__)", "True"),
    ],
)  # fmt: skip
def test_what_is_beside_the_notebook_comes_first_for_what_imports_it_too(
    tmp_path: Path, beside: dict[str, str], code: str, shown: str
) -> None:
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "outer.py").write_text("import colorsys, matplotlib, pandas\n")
    (tmp_path / "work").mkdir()
    for name, text in beside.items():
        (tmp_path / "work" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "work" / name).write_text(text)

    async def seen(forked: bool) -> str:
        env, ahead = {"PYTHONPATH": str(tmp_path / "modules")}, ["numpy", "outer", "scipy.stats"]
        folder, work = tmp_path / f"k{forked}", tmp_path / "work"
        async with kernel(folder, forked=forked, cwd=work, env=env, preload=ahead) as one:
            assert (kind(one) == "ForkedProcess") == forked
            return await one.run(code)

    forked = asyncio.run(seen(True))
    assert shown in forked
    assert forked == asyncio.run(seen(False))


def test_settings_that_change_later_are_those_of_a_cold_kernel(tmp_path: Path) -> None:
    settings = tmp_path / "settings"
    (settings / "stylelib").mkdir(parents=True)
    code = "import matplotlib.pyplot as plt; print(plt.rcParams['figure.dpi'], 'mine' in plt.style.available)"

    async def seen(name: str) -> tuple[str, str]:
        env = {"MPLCONFIGDIR": str(settings)}
        async with kernel(tmp_path / name, forked=True, env=env) as one:
            parent = await one.run("import os; print(os.getppid())")
            return parent, await one.run(code)

    first, before = asyncio.run(seen("a"))
    (settings / "matplotlibrc").write_text("figure.dpi: 44\n")
    second, between = asyncio.run(seen("b"))
    (settings / "stylelib" / "mine.mplstyle").write_text("figure.dpi: 55\n")
    third, after = asyncio.run(seen("c"))
    assert (before, between, after) == ("100.0 False\n", "44.0 False\n", "44.0 True\n")
    assert first == second == third


def test_a_module_of_ones_own_that_was_imported_ahead_is_read_again_when_it_changes(tmp_path: Path) -> None:
    source = tmp_path / "mine.py"
    source.write_text("value = 1\n")

    async def seen(name: str) -> str:
        async with kernel(tmp_path / name, forked=True, preload=["mine"], env={"PYTHONPATH": str(tmp_path)}) as one:
            assert kind(one) == "ForkedProcess"
            return await one.run("import os, mine; print(mine.value, os.getppid())")

    first = asyncio.run(seen("a")).split()
    source.write_text("value = 22\n")
    second = asyncio.run(seen("b")).split()
    assert (first[0], second[0]) == ("1", "22")
    assert first[1] == second[1]


def test_threads_are_counted_where_counters_can_not_be_pickled(monkeypatch: pytest.MonkeyPatch) -> None:
    """As from Python 3.14 on; 3.12 and 3.13 warn of it, and what warns is not imported ahead."""

    class Counter:
        def __repr__(self) -> str:
            return repr(itertools.count(7))

        def __reduce__(self) -> Any:
            raise TypeError

        def __next__(self) -> int:
            return 7

    monkeypatch.setattr(threading, "_counter", Counter().__next__)
    assert next_thread() == 7


def test_memory_of_a_kernel_that_waits(tmp_path: Path) -> None:
    async def memory() -> int:
        preload = ["numpy", "pandas", "sklearn.linear_model", "matplotlib.pyplot"]
        async with kernel(tmp_path / "a", forked=True, preload=preload) as one:
            return unique_memory(one.process.pid)

    assert 1_000_000 < asyncio.run(memory()) <= 40_000_000


def test_the_debugger_works(tmp_path: Path) -> None:
    async def attached() -> object:
        async with kernel(tmp_path / "a", forked=True) as one:
            said = []
            for seq, command in enumerate(("initialize", "attach", "debugInfo"), 1):
                told = {"clientID": "test", "adapterID": "python", "pathFormat": "path"} if seq == 1 else {}
                content = {"type": "request", "seq": seq, "command": command, "arguments": told}
                message = one.client.session.msg("debug_request", content)
                one.client.control_channel.send(message)
                reply = await one.client.get_control_msg(timeout=30)
                said.append((reply["content"]["command"], reply["content"]["success"]))
            return said

    assert asyncio.run(attached()) == [("initialize", True), ("attach", True), ("debugInfo", True)]


# -- when it is replaced


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter with folders of its own for packages; what it lacks comes from ours."""
    folder = tmp_path_factory.mktemp("scratch")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    packages = next(folder.glob("lib/python*/site-packages"))
    ours = [entry for entry in sys.path if entry.endswith("site-packages")]
    (packages / "ours.pth").write_text("\n".join(ours) + "\n")
    return folder


def packages_of(folder: Path) -> Path:
    return next(folder.glob("lib/python*/site-packages"))


def write_package(scratch: Path, version: str) -> None:
    for old in packages_of(scratch).glob("tiny-*.dist-info"):
        shutil.rmtree(old)
    (packages_of(scratch) / "tiny" / "inner").mkdir(parents=True, exist_ok=True)
    (packages_of(scratch) / "tiny" / "inner" / "__init__.py").write_text(f"version = {version!r}\n")
    info = packages_of(scratch) / f"tiny-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: tiny\nVersion: {version}\n")


def server_for(scratch: Path, preload: tuple[str, ...] = ()) -> ForkServer:
    interpreter = [str(scratch / "bin" / "python")]
    env = dict(os.environ)
    return SERVERS.start(key_of(interpreter, {}), env, preload, lambda modules: ForkServer(interpreter, env, modules))


def test_what_is_installed_or_removed_means_another_server(scratch: Path) -> None:
    def installed(version: str) -> None:
        write_package(scratch, version)

    def edited() -> None:
        (packages_of(scratch) / "editable.pth").write_text(f"{scratch}/source\n")

    def moved() -> None:
        (packages_of(scratch) / "editable.pth").write_text(f"{scratch}/other\n")  # the folder's time stays

    def removed() -> None:
        shutil.rmtree(packages_of(scratch) / "tiny")

    known = server_for(scratch)
    known.started.result(60)
    assert server_for(scratch) is known
    for change in (lambda: installed("1"), lambda: installed("2"), edited, moved, removed):
        time.sleep(0.02)
        change()
        another = server_for(scratch)
        assert another is not known
        another.started.result(60)
        known = another
    (scratch / "source").mkdir()
    (scratch / "source" / "local.py").write_text("x = 1\n")
    assert server_for(scratch) is known  # modules of one's own don't matter


def test_variables_that_lines_of_pth_files_look_at_mean_another_server(scratch: Path) -> None:
    """As coverage's and setuptools' do."""
    line = "import os; os.environ.get('TASTE') and setattr(__import__('builtins'), 'taste', 1)\n"
    (packages_of(scratch) / "tasting.pth").write_text(line)
    server = server_for(scratch)
    server.started.result(60)
    assert server.suits({**os.environ, "NOTHING_LOOKS_AT": "1"})
    assert not server.suits({**os.environ, "TASTE": "1"})
    assert not server.suits({**os.environ, "COVERAGE_PROCESS_START": "1"})


def test_another_interpreter_or_kernelspec_means_another_server(scratch: Path) -> None:
    known = server_for(scratch)
    known.started.result(60)
    environment = scratch / "pyvenv.cfg"
    environment.write_text(environment.read_text() + "# changed\n")
    assert server_for(scratch) is not known
    python = [str(scratch / "bin" / "python")]
    assert key_of(python, {"argv": ["a"]}) != key_of(python, {"argv": ["b"]})


def test_idle_servers_go(tmp_path: Path) -> None:
    async def parent() -> ForkServer:
        async with kernel(tmp_path / "a", forked=True, preload=()) as one:
            server = next(s for known in SERVERS.servers.values() for s in known)
            SERVERS.stop_idle(0.0)
            assert server.alive  # it has a kernel
            assert await one.run("print(1)") == "1\n"
            return server

    server = asyncio.run(parent())
    until = time.monotonic() + 5
    while server.kernels and time.monotonic() < until:
        time.sleep(0.01)
    SERVERS.stop_idle(60.0)
    assert server.alive
    SERVERS.stop_idle(0.0)
    assert server.process.poll() is not None
    assert not any(SERVERS.servers.values())


def test_what_the_owner_hands_on_has_changed(tmp_path: Path) -> None:
    async def seen(name: str) -> str:
        async with kernel(tmp_path / name, forked=True, preload=()) as one:
            assert kind(one) == "ForkedProcess"
            return await one.run("import os, signal; print(oct(os.umask(0)), int(signal.getsignal(signal.SIGUSR2)))")

    assert asyncio.run(seen("a")) == "0o22 0\n"
    before, mask = signal.signal(signal.SIGUSR2, signal.SIG_IGN), os.umask(0o027)
    try:
        assert asyncio.run(seen("b")) == "0o27 1\n"
    finally:
        signal.signal(signal.SIGUSR2, before)
        os.umask(mask)


# -- when it fails


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("import os; os._exit(3)", "ended before it was ready"),
        ("import ctypes; ctypes.string_at(0)", "ended before it was ready"),
        ("import time; time.sleep(600)", "was not ready in 2 s"),
    ],
)
def test_what_cant_be_imported_ahead_at_all_means_cold_kernels_and_one_warning(
    tmp_path: Path, source: str, why: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "bad_import.py").write_text(source)
    monkeypatch.setattr(
        provisioner.ForkedProvisioner.ready_timeout, "default_value", 2.0 if "sleep" in source else 60.0
    )
    caplog.set_level(logging.WARNING)
    logging.getLogger("traitlets").propagate = True

    async def started(name: str) -> str:
        env = {"PYTHONPATH": str(tmp_path)}
        async with kernel(tmp_path / name, forked=True, preload=["bad_import"], env=env) as one:
            assert await one.run("print(1)") == "1\n"
            return kind(one)

    assert asyncio.run(started("a")) == "Popen"
    began = [s.process.pid for known in SERVERS.servers.values() for s in known]
    assert asyncio.run(started("b")) == "Popen"  # it is not tried again
    assert [s.process.pid for known in SERVERS.servers.values() for s in known] in (began, [])
    warnings = [r.getMessage() for r in caplog.records if "started cold" in r.getMessage()]
    assert len(warnings) == 1
    assert why in warnings[0]


def test_a_server_that_is_killed_before_it_forks_means_a_cold_kernel_and_then_a_new_server(tmp_path: Path) -> None:
    async def started(name: str, kill: bool) -> str:
        if kill:
            for known in SERVERS.servers.values():
                for server in known:
                    os.kill(server.process.pid, signal.SIGSTOP)  # it takes the request, and does no more
                    loop = asyncio.get_running_loop()
                    loop.call_later(0.5, server.process.kill)
        async with kernel(tmp_path / name, forked=True, preload=()) as one:
            assert await one.run("print(1)") == "1\n"
            return kind(one)

    assert asyncio.run(started("a", False)) == "ForkedProcess"
    assert asyncio.run(started("b", True)) == "Popen"
    assert asyncio.run(started("c", False)) == "ForkedProcess"


def test_a_server_that_hangs_means_a_cold_kernel_and_then_a_new_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that was stopped: its kernels live on, and it may come back."""
    monkeypatch.setattr(provisioner, "ANSWER", 1.0)

    async def go() -> None:
        async with asyncio.timeout(60), kernel(tmp_path / "a", forked=True, preload=()) as first:
            (server,) = SERVERS._all()
            os.kill(server.process.pid, signal.SIGSTOP)
            try:
                async with kernel(tmp_path / "b", forked=True, preload=()) as second:
                    assert kind(second) == "Popen"
                    assert await second.run("print(1)") == "1\n"
                async with kernel(tmp_path / "c", forked=True, preload=()) as third:
                    assert kind(third) == "ForkedProcess"
                    assert await third.run("import os; print(os.getppid())") != f"{server.process.pid}\n"
                assert await first.run("print(2)") == "2\n"
            finally:
                os.kill(server.process.pid, signal.SIGCONT)
            for _ in range(500):
                if not server.silent and len(children_of(server.process.pid)) == 1:
                    break
                await asyncio.sleep(0.01)
            assert children_of(server.process.pid) == [first.process.pid]  # nobody wants the late one

    asyncio.run(go())


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_fork_that_fails_is_told(tmp_path: Path) -> None:
    """As where a person may have no more processes."""
    (tmp_path / "nofork.py").write_text(
        "import os, errno\ndef fork(): raise BlockingIOError(errno.EAGAIN, 'no more processes')\nos.fork = fork\n"
    )

    async def started() -> str:
        env = {"PYTHONPATH": str(tmp_path)}
        async with kernel(tmp_path / "k", forked=True, preload=["nofork"], env=env) as one:
            assert await one.run("print(1)") == "1\n"
            return kind(one)

    assert asyncio.run(started()) == "Popen"
    assert any("no more processes" in text for text in provisioner.warned)


def test_very_many_modules(tmp_path: Path) -> None:
    (tmp_path / "many").mkdir()
    names = [f"module_with_a_rather_long_name_{n}" for n in range(1500)]
    for name in names:
        (tmp_path / "many" / f"{name}.py").write_text("x = 1\n")

    async def started() -> str:
        env = {"PYTHONPATH": str(tmp_path / "many")}
        async with kernel(tmp_path / "k", forked=True, preload=names, env=env) as one:
            assert await one.run(f"import {names[-1]} as last; print(last.x)") == "1\n"
            return kind(one)

    assert asyncio.run(started()) == "ForkedProcess"


def test_all_ends_when_the_owner_is_killed(tmp_path: Path) -> None:
    source = (
        "import asyncio, os, sys\nfrom pathlib import Path\nfrom tests.kernels.kernel import kernel\n"
        "async def main():\n"
        f"    async with kernel(Path({str(tmp_path)!r}) / 'k', forked=True, preload=()) as one:\n"
        "        print(one.process.pid, (await one.run('import os; print(os.getppid())')).strip(), flush=True)\n"
        "        await one.run('while True: pass', timeout=600)\n"
        "asyncio.run(main())\n"
    )
    owner = subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    pids = [int(word) for word in owner.stdout.readline().split()]
    assert len(pids) == 2
    owner.kill()
    owner.wait()
    owner.stdout.close()
    until = time.monotonic() + 10
    while any(running(pid) for pid in pids) and time.monotonic() < until:
        time.sleep(0.02)
    assert [pid for pid in pids if running(pid)] == []


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_elsewhere_kernels_are_started_cold(tmp_path: Path, system: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def started() -> str:
        async with kernel(tmp_path / "k", forked=True) as one:
            return kind(one)

    with monkeypatch.context() as patch:
        patch.setattr(provisioner, "SYSTEM", system)
        assert asyncio.run(started()) == "Popen"
    assert not SERVERS.servers
    assert not provisioner.warned


def test_nothing_is_open_before_the_fork(tmp_path: Path) -> None:
    server = ForkServer([sys.executable], dict(os.environ), ["numpy", "pandas", "json"])
    assert server.started.result(60)["threads"] == []
    pid = server.process.pid
    time.sleep(0.5)
    opened = sorted(os.readlink(f"/proc/{pid}/fd/{n}").partition(":")[0] for n in os.listdir(f"/proc/{pid}/fd"))
    server.close()
    # its streams, the connection to the owner, and the pipe by which it hears of kernels' ends
    assert [name for name in opened if not name.startswith("/")] == ["pipe", "pipe", "socket"]
    with pytest.raises(ForkError):
        server.fork(["python"], "/", {}, [], 0)
