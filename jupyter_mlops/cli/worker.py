"""`jupyter mlops worker`: a process that keeps kernels ready and executes runs."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_mlops.config import RunConfig

UNIT = """\
# Save as ~/.config/systemd/user/jupyter-mlops.service, then:
#   systemctl --user daemon-reload && systemctl --user enable --now jupyter-mlops
[Unit]
Description=jupyter_mlops worker
After=network.target

[Service]
ExecStart="{python}" -m jupyter_mlops.cli worker
{environment}
KillMode=mixed
TimeoutStopSec=60
Restart=always
RestartSec=5

[Install]
WantedBy=default.target
"""


def add(verbs: Any) -> None:
    parser = verbs.add_parser("worker", help="run jobs and schedules, and runs that `jupyter mlops run` submits")
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--status", action="store_true", help="show what the running worker is doing")
    action.add_argument("--systemd", action="store_true", help="print a systemd unit that keeps a worker running")
    action.add_argument("--stop", action="store_true", help="stop the running worker when its runs are done")
    action.add_argument(
        "--supervised", action="store_true", help="end when no Jupyter server has been connected for 30 s"
    )
    action.add_argument("--kept", dest="supervised", action="store_true", help=argparse.SUPPRESS)  # its former name
    parser.add_argument(
        "-j", "--jobs", type=int, default=0, metavar="N", help="maximum number of kernels (default: one per core)"
    )
    parser.add_argument("--pool", type=int, default=None, metavar="N", help="number of kernels kept ready (default: 2)")
    parser.add_argument(
        "--preload", default="", metavar="MODULES", help="modules to import ahead from the start, separated by commas"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(do=do)


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops import service
    from jupyter_mlops.config import RunConfig
    from jupyter_mlops.service.configuration import load_config

    if arguments.systemd:
        print(_systemd_unit(RunConfig()), end="")
        return 0
    if arguments.status or arguments.stop:
        status = service.stop_worker() if arguments.stop else service.worker_status()
        if arguments.json:
            print(json.dumps(status))
        elif status is None:
            print(service.worker_absence())
        else:
            print("\n".join(f"{name.replace('_', ' ')}: {value}" for name, value in status.items()))
        return 0 if status is not None else 1
    settings: dict[str, Any] = json.loads(
        os.environ.pop("JUPYTER_MLOPS_SETTINGS", "{}")
    )  # by the server that starts it
    if arguments.jobs > 0:
        settings["jobs"] = arguments.jobs
    if arguments.preload:
        settings["preload"] = [m for m in arguments.preload.split(",") if m]
    if arguments.pool is not None:
        settings["pool_size"] = max(0, arguments.pool)
    config = load_config(**settings)

    def ready() -> None:
        print(f"ready: {config.home}", file=sys.stderr, flush=True)

    service.serve_worker(config, ready, is_supervised=arguments.supervised)
    return 0


def _systemd_unit(config: RunConfig) -> str:
    variables = {"JUPYTER_MLOPS_HOME": config.home, "PATH": os.environ.get("PATH", "")}
    shared_variables = {"JUPYTER_MLOPS_DATABASE": config.database, "JUPYTER_MLOPS_STORE": config.store}
    variables |= {name: value for name, value in shared_variables.items() if name in os.environ}
    environment = "\n".join(f'Environment="{name}={_escape(value)}"' for name, value in variables.items())
    return UNIT.format(python=_escape(sys.executable).replace("$", "$$"), environment=environment)


def _escape(text: str) -> str:
    """Quote a value for a systemd unit file."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
