"""Programs that stand in for Slurm's: jobs run at once, in the order in which they are submitted, if their
dependencies allow it."""

from __future__ import annotations

import sys
from dataclasses import replace

from jupyter_mlops.export.provers.prover import ProofRequest

SBATCH = f"""#!{sys.executable}
import os, pathlib, subprocess, sys

state = pathlib.Path(__file__).parent / "jobs"
state.mkdir(exist_ok=True)
if sys.argv[1:] == ["--version"]:
    sys.exit(print("slurm 0 (stand-in)"))
words, options = sys.argv[1:], {{}}
while words[0].startswith("--"):
    name, _, value = words.pop(0).partition("=")
    options[name] = value
number = str(len(list(state.iterdir())) + 1)
kind, _, jobs = options.get("--dependency", "").partition(":")
codes = [(state / job).read_text() for job in jobs.split(":") if job]
code = "cancelled"
if kind == "afterany" or all(c == "0" for c in codes):
    with open(options["--output"].replace("%x", options["--job-name"]), "ab") as log:
        code = str(subprocess.run(["bash", *words], stdout=log, stderr=log, cwd=options["--chdir"]).returncode)
(state / number).write_text(code)
print(number)
sys.exit(int(code) if "--wait" in options and code.isdigit() else 0)
"""


def installed(request: ProofRequest) -> ProofRequest:
    """The request with these programs as its engine."""
    folder = request.folder.parent / "slurm"
    folder.mkdir(parents=True)
    for name, text in {
        "sbatch": SBATCH, "sinfo": "#!/bin/sh\necho 1\n", "squeue": "#!/bin/sh\n", "scancel": "#!/bin/sh\n"
    }.items():  # fmt: skip
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    return replace(request, engine=str(folder / "sbatch"))
