"""The scripts on a real Slurm.

    apt-get install slurmctld slurmd munge
    ENGINES=1 python -m pytest tests/export/engines/test_slurm_engine.py

As root, the tests start a controller and two nodes on this machine. A cluster that SLURM_CONF names is used as it is.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_mlops.export.targets.slurm import SlurmExporter
from tests.export import plans
from tests.export.engines import version

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("slurm"),  # one cluster at a time
    pytest.mark.skipif(not shutil.which("sbatch"), reason="Slurm is not installed"),
    pytest.mark.skipif(
        "SLURM_CONF" not in os.environ and ("ENGINES" not in os.environ or os.geteuid() != 0),
        reason="SLURM_CONF names no cluster; with ENGINES=1, root starts one",
    ),
]
CONFIGURATION = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort=16827
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SchedulerParameters=bf_interval=1,sched_interval=1
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
ReturnToService=2
KillWait=5
GresTypes=gpu
DefMemPerCPU=100
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port=17011 CPUs=2 RealMemory=3000 Gres=gpu:1
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port=17012 CPUs=2 RealMemory=3000
PartitionName=all Nodes=n1,n2 Default=YES State=UP
"""


@pytest.fixture(scope="session")  # never twice in a process: the ports are fixed
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The configuration of a cluster that runs."""
    if "SLURM_CONF" in os.environ:
        yield os.environ["SLURM_CONF"]
        return
    folder = tmp_path_factory.mktemp("slurm")
    for path in [*folder.parents][:2]:
        path.chmod(0o755)  # munged demands it
    for name in ("state", "n1", "n2"):
        (folder / name).mkdir()
    configuration = folder / "slurm.conf"
    configuration.write_text(CONFIGURATION.format(host=socket.gethostname().split(".")[0], folder=folder))
    (folder / "gres.conf").write_text("NodeName=n1 Name=gpu File=/dev/null\n")
    (folder / "munge.key").write_bytes(os.urandom(1024))
    (folder / "munge.key").chmod(0o600)
    files = {"key-file": "key", "socket": "socket", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
    munge = [f"--{name}={folder}/munge.{end}" for name, end in files.items()]
    commands = [
        ["munged", "--foreground", "--force", *munge], ["slurmctld", "-D", "-f", str(configuration)],
        *(["slurmd", "-D", "-N", node, "-f", str(configuration)] for node in ("n1", "n2")),
    ]  # fmt: skip
    variables = {**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin"}
    processes = []
    for command in commands:
        processes.append(subprocess.Popen(command, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        time.sleep(1)
    try:
        deadline = time.monotonic() + 120
        while subprocess.run(
            ["sinfo", "-h", "-o", "%D %T"], env={**os.environ, "SLURM_CONF": str(configuration)},
            capture_output=True, text=True, check=False,
        ).stdout.strip() != "2 idle":  # fmt: skip
            assert time.monotonic() < deadline, "the nodes did not come up"
            time.sleep(0.5)
        yield str(configuration)
    finally:
        for process in reversed(processes):
            process.terminate()
        for process in processes:
            process.wait(20)


class Run:
    """A run that has ended."""

    def __init__(self, folder: Path, configuration: str, *options: str) -> None:
        self.export = version.exported(folder, "slurm")
        self.environment = {**version.environment(folder / "home"), "SLURM_CONF": configuration}
        self.code = self.submit("--run-id", "r", "--wait", *options)

    def submit(self, *options: str) -> int:
        command = ["bash", str(self.export / "numbers.sh"), *options]
        process = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=300)
        print(process.stdout, process.stderr)
        for path in sorted(self.export.glob("logs/*/*.log")):
            print(f"== {path.name}\n{path.read_text()[-1500:]}")
        return process.returncode

    def output(self, run_id: str = "r") -> str:
        return version.output(self.export / "artifacts" / "runs" / run_id / "numbers.ipynb")

    def logs(self) -> set[str]:
        return {path.name.split(".")[1] for path in self.export.glob("logs/r/numbers.*.log")}


def test_values_are_those_of_run_all(tmp_path: Path, cluster: str) -> None:
    text = 'it\'s "$(touch pwned)" `id` ${HOME} 50% ✓\nline'
    run = Run(tmp_path, cluster, "--parameters", version.encoded(text=text, n=5))
    assert run.code == 0
    assert run.output() == version.run_all(text=text, n=5)
    assert not list(tmp_path.rglob("pwned"))


def test_a_failed_attempt_is_repeated(tmp_path: Path, cluster: str) -> None:
    run = Run(tmp_path, cluster, "--parameters", version.encoded(folder=str(tmp_path), broken=2))
    assert run.code == 0
    assert len((tmp_path / "attempts").read_text()) == 3
    assert run.output() == version.run_all()


def test_nothing_runs_below_a_failed_step(tmp_path: Path, cluster: str) -> None:
    run = Run(tmp_path, cluster, "--parameters", version.encoded(folder=str(tmp_path), broken=9))
    assert run.code == 1
    assert len((tmp_path / "attempts").read_text()) == 3
    assert run.logs() == {"load", "double", "flaky", "collect_all"}


def test_bad_input_is_not_repeated(tmp_path: Path, cluster: str) -> None:
    run = Run(tmp_path, cluster, "--parameters", version.encoded(n="many"))
    assert run.code in (1, 2)
    assert run.logs() == {"load", "collect_all"}
    assert "Attempt" not in (run.export / "logs/r/numbers.load.log").read_text()


def test_a_sweep_is_a_job_array(tmp_path: Path, cluster: str) -> None:
    lines = tmp_path / "lines"
    lines.write_text("".join(f"{version.encoded(n=n)}\n" for n in (2, 4)) + f"{version.encoded(n='bad')}\n")
    run = Run(tmp_path, cluster, "--sweep", str(lines))
    assert run.code != 0  # of the third line
    assert [run.output(f"r-{line}") for line in (1, 2)] == [version.run_all(n=n) for n in (2, 4)]


def test_secrets_and_resources_reach_the_job_that_names_them(tmp_path: Path, cluster: str) -> None:
    tasks = (
        plans.task("a", secrets=("TOKEN_A",), limits={"cpu": "2", "memory": "200Mi", "nvidia.com/gpu": "1"}),
        plans.task("b", "a", secrets=("TOKEN_B",), timeout=2.0),
    )
    plan = plans.plan(*tasks)
    for name, content in SlurmExporter().files(plan).items():
        (tmp_path / name).write_text(str(content))
    (tmp_path / "jupyter").write_text(
        f'#!/bin/sh\nenv | grep -E "TOKEN|CPUS_PER|MEM_PER|JOB_GRES|ATTEMPT" > {tmp_path}/env-$4\n'
        '[ "$4" != b ] || sleep 30\n'
    )
    (tmp_path / "jupyter").chmod(0o755)
    (tmp_path / "churn.env").write_text("TOKEN_A=from=file\nOTHER=x")
    (tmp_path / "churn.env").chmod(0o600)
    variables = {
        **os.environ,
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "SLURM_CONF": cluster,
        "TOKEN_B": "of the shell",
    }
    began = time.monotonic()
    subprocess.run(["bash", str(tmp_path / "churn.sh"), "--wait"], env=variables, check=True, timeout=120)
    assert time.monotonic() - began < 60
    first, second = ((tmp_path / f"env-{step}").read_text() for step in "ab")
    assert "TOKEN_A=from=file" in first and "TOKEN_B" not in first
    assert "SLURM_CPUS_PER_TASK=2" in first and "SLURM_MEM_PER_NODE=200" in first
    assert "TOKEN_B=of the shell" in second and "TOKEN_A" not in second


def test_a_run_waits_for_the_one_before(tmp_path: Path, cluster: str) -> None:
    plan = plans.plan(plans.task("a"), job="waits")
    for name, content in SlurmExporter().files(plan).items():
        (tmp_path / name).write_text(str(content))
    (tmp_path / "jupyter").write_text(
        f"#!/bin/sh\necho begin $JUPYTER_MLOPS_RUN_ID >> {tmp_path}/order; sleep 3\necho end >> {tmp_path}/order\n"
    )
    (tmp_path / "jupyter").chmod(0o755)
    variables = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "SLURM_CONF": cluster}
    command = ["bash", str(tmp_path / "waits.sh"), "--run-id"]
    subprocess.run([*command, "one"], env=variables, check=True, timeout=60)
    subprocess.run([*command, "none", "--overlap", "skip"], env=variables, check=True, timeout=60)
    subprocess.run([*command, "two", "--wait"], env=variables, check=True, timeout=120)
    order = (tmp_path / "order").read_text().split("\n")
    assert order[:-1] == ["begin one", "end", "begin one", "end", "begin two", "end", "begin two", "end"]
