"""Two runs of a job between which one cause of a change was planted."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_mlops.jobs.workspace import Workspace
from jupyter_mlops.service import jobs, runs
from tests.jobs.workspace import write_notebook

ROWS = 6


@dataclass(frozen=True)
class Notebook:
    """A notebook of five steps whose metric depends on a table, a setting of each step and a parameter."""

    settings: tuple[str, str, str] = ("1", "1", "1")
    weight: float = 1.0
    table: dict[str, list[float]] = field(default_factory=lambda: {name: [1.0] * ROWS for name in "abc"})
    noise: str = "0"
    module: str = "def shift(x):\n    return x\n"
    comment: str = ""

    def write(self, path: Path) -> None:
        """The notebook with its table and module beside it."""
        one, two, three = self.settings
        write_notebook(
            path,
            f"# tags: parameters\nweight = {self.weight}",
            "# tags: step:load\nimport csv\nimport random\nimport planted_shift\n"
            "rows = list(csv.DictReader(open('table.csv')))\nsums = {k: sum(float(r[k]) for r in rows) for k in 'abc'}",
            f"# tags: step:first\nfirst = ({one}) * sums['a']",
            f"# tags: step:second\n{self.comment}\nsecond = ({two}) * sums['b'] + 0 * first",
            f"# tags: step:third\nthird = ({three}) * sums['c'] + 0 * second",
            "# tags: step:score metrics\n"
            f"score = planted_shift.shift(weight * (first + second + third)) + {self.noise}",
        )
        lines = [",".join(["id", *self.table])]
        lines += [",".join([str(n), *(str(v[n]) for v in self.table.values())]) for n in range(ROWS)]
        (path.parent / "table.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        (path.parent / "planted_shift.py").write_text(self.module, encoding="utf-8")


def run_of(space: Workspace, notebook: Notebook, folder: Path, parameters: dict[str, Any] | None = None) -> str:
    """Publish the notebook and run it; returns the run's id."""
    path = folder / "planted.ipynb"
    notebook.write(path)
    jobs.publish(space, path, folder.name)
    run = runs.start(space, folder.name, parameters or {})
    return str(runs.follow(space, run["id"], in_place=False)["id"])
