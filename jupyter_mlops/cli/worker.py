"""`jupyter mlops worker`: a process that keeps kernels ready, and runs what it is handed."""

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
    made = verbs.add_parser("worker", help="run jobs and schedules, and what `jupyter mlops run` hands over")
    does = made.add_mutually_exclusive_group()
    does.add_argument("--status", action="store_true", help="tell what the running worker is doing")
    does.add_argument("--systemd", action="store_true", help="print a unit for systemd that keeps one running")
    does.add_argument("--stop", action="store_true", help="stop the running worker when its runs are done")
    does.add_argument("--kept", action="store_true", help="end when no Jupyter server has been there for half a minute")
    made.add_argument("-j", "--jobs", type=int, default=0, metavar="N", help="kernels at most (default: cores)")
    made.add_argument("--pool", type=int, default=None, metavar="N", help="kernels kept ready (default: 2)")
    made.add_argument(
        "--preload", default="", metavar="MODULES", help="modules, with commas, that are imported ahead from the start"
    )
    made.add_argument("--json", action="store_true", help="print one JSON object")
    made.set_defaults(do=do)


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops import service
    from jupyter_mlops.config import RunConfig

    if arguments.systemd:
        print(_unit(RunConfig()), end="")
        return 0
    if arguments.status or arguments.stop:
        known = service.stop_worker() if arguments.stop else service.worker_status()
        if arguments.json:
            print(json.dumps(known))
        elif known is None:
            print(service.worker_absence())
        else:
            print("\n".join(f"{name.replace('_', ' ')}: {value}" for name, value in known.items()))
        return 0 if known is not None else 1
    told: dict[str, Any] = json.loads(os.environ.pop("JUPYTER_MLOPS_SETTINGS", "{}"))  # by the server that starts it
    if arguments.jobs > 0:
        told["jobs"] = arguments.jobs
    if arguments.preload:
        told["preload"] = [m for m in arguments.preload.split(",") if m]
    if arguments.pool is not None:
        told["pool_size"] = max(0, arguments.pool)
    config = RunConfig(**told)

    def ready() -> None:
        print(f"ready: {config.home}", file=sys.stderr, flush=True)

    service.serve_worker(config, ready, kept=arguments.kept)
    return 0


def _unit(config: RunConfig) -> str:
    told = {"JUPYTER_MLOPS_HOME": config.home, "PATH": os.environ.get("PATH", "")}
    shared = {"JUPYTER_MLOPS_DATABASE": config.database, "JUPYTER_MLOPS_STORE": config.store}
    told |= {name: value for name, value in shared.items() if name in os.environ}
    environment = "\n".join(f'Environment="{name}={_escaped(value)}"' for name, value in told.items())
    return UNIT.format(python=_escaped(sys.executable).replace("$", "$$"), environment=environment)


def _escaped(text: str) -> str:
    """As it has to stand between the quotes of a unit file."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
