"""The verbs of notebooks that are worked on: what they are as pipelines, running them, and what came out."""

from __future__ import annotations

import codecs
import contextlib
import json
import re
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops.errors import BadNotebook, Conflict, MlopsError, Unknown
from jupyter_mlops.service import jobs

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from jupyter_mlops.config import RunConfig
    from jupyter_mlops.jobs.records import Run
    from jupyter_mlops.jobs.workspace import Workspace
    from jupyter_mlops.pipeline.checks.rule import KernelFacts
    from jupyter_mlops.pipeline.model import Pipeline

CELL = re.compile(r"cell (\d+)")
LOG_PIECE = 1 << 20  # bytes of a log that are told at once
RESTORED_WITHIN = 1800.0  # seconds
_facts: dict[tuple[str, frozenset[str], str], frozenset[str] | None] = {}
_asking = threading.Lock()


def notebook_of(plain: Mapping[str, Any], where: str = "") -> NotebookNode:
    """The notebook that plain JSON is. Raises BadNotebook."""
    from jupyter_mlops.notebook.read import parse_notebook

    return parse_notebook(json.dumps(plain).encode(), where)


def parse(text: str, where: str) -> NotebookNode:
    """The notebook that a file's text is. Raises BadNotebook."""
    from jupyter_mlops.notebook.read import parse_notebook

    return parse_notebook(text.encode(), where)


def analyse(
    nb: NotebookNode, name: str, config: RunConfig, folder: Path | None = None, *, checks: bool = True
) -> dict[str, Any]:  # fmt: skip
    """What a notebook is as a pipeline, and whether it will run headless; what is wrong with its tags is a finding.

    :param name: the notebook's file name without `.ipynb`.
    :param folder: where it would run.
    :param checks: whether it is checked as well, which takes longer.
    :returns: `pipeline` (None if it can't be one), `cells` (what each belongs to), `checks`, and whether those
        `complete`; if not, asking again soon tells more.
    """
    from jupyter_mlops.pipeline.build import build

    pipeline, problem = None, None
    try:
        pipeline = build(nb, name)
        if learned := _learned(pipeline, nb, config):
            pipeline = build(nb, name, learned)
    except MlopsError as error:
        problem = error
    found, complete = _findings(nb, pipeline, folder) if checks else ([], False)
    if problem is not None and not any(f["message"] == problem.message for f in found):
        at = CELL.search(problem.where)
        told = {"rule": "tags", "severity": "error", "cell": int(at[1]) - 1 if at else None}
        found.insert(0, {**told, "message": problem.message, "fix": problem.remedy})
    return {
        "pipeline": None if pipeline is None else _told(pipeline),
        "cells": [] if pipeline is None else _owners(pipeline),
        "checks": found,
        "complete": complete,
    }


def _findings(nb: NotebookNode, pipeline: Pipeline | None, folder: Path | None) -> tuple[list[dict[str, Any]], bool]:
    """What the rules have to say, and whether the kernel has been asked."""
    from jupyter_mlops.pipeline.checks import check
    from jupyter_mlops.pipeline.checks.missing_imports import imported
    from jupyter_mlops.pipeline.checks.rule import Context

    beside: frozenset[str] = frozenset()
    if folder is not None and folder.is_dir():
        beside = frozenset(p.stem for p in folder.iterdir() if p.suffix == ".py" or p.is_dir())
    context = Context(nb=nb, pipeline=pipeline, beside=beside)
    wanted = frozenset(m.split(".")[0] for m in imported(context)) if context.language == "python" else frozenset()
    kernel, complete = _kernel_facts(nb, context.language, wanted, folder)
    return [f.to_dict() for f in check(replace(context, kernel=kernel))], complete


def _learned(pipeline: Pipeline, nb: NotebookNode, config: RunConfig) -> dict[tuple[int, ...], Any]:
    """What earlier runs on this machine saw each block write."""
    from jupyter_mlops.run.evidence import Evidence, block_id

    path = Path(config.home) / "evidence" / f"{pipeline.name}.json"
    if not path.is_file():
        return {}
    evidence = Evidence(path)
    return {
        block.cells: known.wrote
        for block in pipeline.blocks
        if (known := evidence.get(block_id(nb.cells[i].source for i in block.cells))) is not None
    }


def _kernel_facts(
    nb: NotebookNode, language: str, wanted: frozenset[str], folder: Path | None
) -> tuple[KernelFacts, bool]:  # fmt: skip
    """What is known of the notebook's kernel at once, and whether that is all; the rest is asked meanwhile."""
    from jupyter_mlops.pipeline.checks.rule import KernelFacts
    from jupyter_mlops.run.environment import kernel_spec
    from jupyter_mlops.run.execute import kernel_name

    name = kernel_name(nb)
    found = kernel_spec(name) is not None
    if not wanted or not found:
        return KernelFacts(frozenset(), name, language, found), True
    key = (name, wanted, str(folder or Path.cwd()))
    if key in _facts:
        return KernelFacts(_facts[key], name, language, found), True
    threading.Thread(target=_ask_kernel, args=(key,), name="kernel facts", daemon=True).start()
    return KernelFacts(None, name, language, found), False


def _ask_kernel(key: tuple[str, frozenset[str], str]) -> None:
    from jupyter_mlops.run.environment import modules_missing

    with _asking:
        if key not in _facts:
            while len(_facts) > 200:
                _facts.pop(next(iter(_facts)))
            _facts[key] = modules_missing(*key)


def _told(pipeline: Pipeline) -> dict[str, Any]:
    """The public form, with what a person sees beside it."""
    told = pipeline.to_dict()
    for step, known in zip(told["steps"], pipeline.steps, strict=True):
        settings = known.settings
        step["settings"] = {
            "cache": settings.cache, "retries": settings.retries, "backoff": settings.backoff,
            "timeout": settings.timeout, "image": settings.image,
            "limits": dict(settings.limits),
        }  # fmt: skip
    for parameter, declared in zip(told["parameters"], pipeline.parameters, strict=True):
        parameter.update(choices=list(declared.choices), required=declared.required, cell=declared.cell)
    return {
        **told,
        "language": pipeline.language,
        "kernel": pipeline.kernel,
        "metrics": list(pipeline.metrics),
        "skipped": list(pipeline.skipped),
        "fusions": [{"steps": list(f.steps), "variable": f.variable, "reason": f.reason} for f in pipeline.fusions],
    }


def _owners(pipeline: Pipeline) -> list[dict[str, Any]]:
    """For each code cell that runs, the step it belongs to and its role."""
    named = {step.name for step in pipeline.steps}
    return sorted(
        (
            {"cell": cell, "step": block.owner if block.owner in named else "", "role": block.role}
            for block in pipeline.blocks
            for cell in block.cells
        ),
        key=lambda one: int(one["cell"]),
    )


def suggestion(nb: NotebookNode) -> dict[str, Any]:
    """Tags for an untagged notebook, by cell."""
    from jupyter_mlops.pipeline.suggest import suggest

    found = suggest(nb)
    return {
        "tags": [{"cell": cell, "tag": tag} for cell, tag in found.tags.items()],
        "steps": [{"name": s.name, "cells": list(s.cells), "heading": s.heading} for s in found.steps],
        "parameters": list(found.parameters),
        "message": found.message,
    }


def text_of(value: object) -> str:
    """A value as a command line would have it."""
    return value if isinstance(value, str) else json.dumps(value)


# -- running a notebook as it stands


def start(
    space: Workspace, nb: NotebookNode, path: str, given: Mapping[str, object], asked: Mapping[str, Any],
    folder: Path | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Put a run of a notebook into the queue, as it is now.

    :param path: where the contents manager has it; its runs are listed under this.
    :param given: values; a text is read by the parameter's declared type.
    :param folder: where it runs, with the files that are there; None: in a folder of its own.
    """
    from jupyter_mlops.jobs.queue import Wish

    job, version = _version(space, nb, path)
    values, texts = _by_type(jobs.manifest_of(space, version), given)
    parameters = jobs.checked_values(space, version, values, texts)
    steps = [step["name"] for step in jobs.manifest_of(space, version).pipeline["steps"]]
    for name in ("from_step", "only_step"):
        if asked.get(name) and asked[name] not in steps:
            raise Unknown(f"there is no step {asked[name]!r}", where=name, remedy=f"Steps: {', '.join(steps)}.")
    place = {"in_folder": str(folder)} if folder is not None else {}
    wish = Wish("notebook", job.id, version.id, parameters=parameters, asked={**asked, **place}, priority=10)
    made = space.queue.add(wish)
    jobs.poke(space)
    return run_told(made)


def start_job(space: Workspace, job: str, given: Mapping[str, object], asked: Mapping[str, Any]) -> dict[str, Any]:
    """Put a run of a job's version into the queue; texts are read by their parameter's type.

    :param job: its name, with `@v3` or `@production` behind it for a certain version.
    """
    name, selector = jobs.split_selector(job)
    known = space.catalog.job(name)
    values, texts = _by_type(jobs.manifest_of(space, space.catalog.version(known, selector)), given)
    made = jobs.start(space, job, values, texts, asked)
    return run_told(space.queue.run(made["id"]))


def _version(space: Workspace, nb: NotebookNode, path: str) -> tuple[Any, Any]:
    from jupyter_mlops.run.execute import kernel_name
    from jupyter_mlops.versions.snapshot import of_notebook

    job = space.catalog.notebook_job(path)
    manifest = of_notebook(nb, Path(path).name, space.store, kernel_name(nb))
    return job, space.catalog.add_version(job, manifest.put(space.store))[0]


def _by_type(manifest: Any, given: Mapping[str, object]) -> tuple[dict[str, object], dict[str, str]]:
    """Values as they are, and texts that have to be read by their parameter's type."""
    types = {k: v.get("x-type", "") for k, v in manifest.parameters.get("properties", {}).items()}
    plain = {k: v for k, v in given.items() if not isinstance(v, str) or types.get(k, "") in ("", "str")}
    return plain, {k: v for k, v in given.items() if k not in plain and isinstance(v, str)}


def repair(space: Workspace, run_id: str, sources: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Go on with a run that failed or was stopped; what completed is not run again.

    :param sources: cell id -> source. Where one was mended, the run goes on with it, under a version that has it.
    """
    full = space.queue.full_id(run_id)
    if sources:
        run = space.queue.run(full)
        if run.state not in ("failed", "stopped"):
            remedy = "Only one that failed or was stopped is repaired."
            raise Conflict(f"the run is {run.state}", where=full, remedy=remedy)
        nb = source_notebook(space, full)
        known = {cell.get("id"): cell for cell in nb.cells}
        missing = sorted(set(sources) - set(known))
        if missing:
            raise Unknown(f"the run has no cell {missing[0]!r}", where="cells")
        mended = {cell_id: text for cell_id, text in sources.items() if known[cell_id].source != text}
        for cell_id, source in mended.items():
            known[cell_id].source = source
        if mended:
            space.queue.set_version(full, _mended(space, run, nb).id)
    made = space.queue.again(full)
    jobs.poke(space)
    return run_told(made)


def repair_plan(space: Workspace, run_id: str) -> dict[str, Any]:
    """What it takes to mend the failed step of a run by hand: a `notebook` of its cells, the `kernel`'s name, the
    `folder` it runs in, and the `environ` it begins with.

    :raises Conflict: no step of it failed.
    """
    import nbformat

    from jupyter_mlops.run.launch import Wanted

    full = space.queue.full_id(run_id)
    run = space.queue.run(full)
    step = (run.error or {}).get("step", "")
    nb = source_notebook(space, full)
    if run.state != "failed" or not step or run.version_id is None:
        remedy = "Repair it as it is: `jupyter mlops repair`, or Resume."
        raise Conflict(f"no step of the run failed: it is {run.state}", where=full, remedy=remedy)
    manifest = jobs.manifest_of(space, space.catalog.version_by_id(run.version_id))
    if manifest.language != "python":
        raise Conflict("inputs can be restored for Python notebooks only", where=full)
    cells = next(one["cells"] for one in manifest.pipeline["steps"] if one["name"] == step)
    words = (
        f"### Repair of step `{step}`\n\nThe kernel of this notebook holds the step's inputs, as it failed with "
        f"them in run `{full}`. Mend the cells, try them, and resume the run from the MLOps panel."
    )
    made = nbformat.v4.new_notebook(metadata={"kernelspec": nb.metadata.get("kernelspec", {})})
    made.metadata["jupyter_mlops"] = {
        "repairs": {"run": full, "step": step, "cells": [nb.cells[at].id for at in cells]}
    }
    made.cells = [nbformat.v4.new_markdown_cell(words), *(nb.cells[at] for at in cells)]
    folder = run.asked.get("in_folder") or str(space.home / "runs" / full)
    wanted = Wanted(manifest.kernel, folder, space.config.hash_seed)
    return {
        "run": full, "step": step, "cells": list(cells), "kernel": manifest.kernel, "folder": folder,
        "environ": wanted.environment(), "notebook": json.loads(nbformat.writes(made)),
        "name": f"{Path(manifest.name).stem}-repair-{step}.ipynb", "path": run_told(run)["notebook"] or "",
    }  # fmt: skip


def restore(space: Workspace, run_id: str, connection_file: Path) -> dict[str, list[str]]:
    """Bring a kernel to where the failed step of a run begins: kept results are loaded, others run again.

    :returns: names of the steps that were `restored`, and of those that `ran`.
    :raises RunFailed: an earlier step failed this time.
    """
    import asyncio

    from jupyter_mlops.errors import RunFailed
    from jupyter_mlops.jobs.perform import environ
    from jupyter_mlops.run.attach import Guest
    from jupyter_mlops.run.execute import execute
    from jupyter_mlops.run.request import RunRequest

    plan = repair_plan(space, run_id)
    run = space.queue.run(plan["run"])
    folder = space.home / "runs" / run.id / "repair"
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / _name_of(space, run)
    source.write_bytes(_source_bytes(space, run))
    request = RunRequest(
        source, given=dict(run.parameters), output=folder / f"done-{source.name}", stop_before=plan["step"], jobs=1,
        kernel=plan["kernel"], cwd=Path(plan["folder"]), env=environ(),
    )  # fmt: skip
    guest = Guest(connection_file)
    record = asyncio.run(asyncio.wait_for(execute(request, space.config, kernels=guest), RESTORED_WITHIN))
    if record["state"] != "completed":
        error = record["error"] or {}
        raise RunFailed(
            f"an earlier step failed this time: {error.get('ename')}: {error.get('evalue')}",
            where=f"step {error.get('step')}",
        )
    states = {step["name"]: step["state"] for step in record["steps"]}
    return {
        "restored": [name for name, state in states.items() if state == "cached"],
        "ran": [name for name, state in states.items() if state == "completed"],
    }


def _name_of(space: Workspace, run: Run) -> str:
    assert run.version_id is not None
    return str(jobs.manifest_of(space, space.catalog.version_by_id(run.version_id)).name)


def _source_bytes(space: Workspace, run: Run) -> bytes:
    assert run.version_id is not None
    manifest = jobs.manifest_of(space, space.catalog.version_by_id(run.version_id))
    return space.store.get(manifest.notebook)


def _mended(space: Workspace, run: Run, nb: NotebookNode) -> Any:
    """A version like the run's, of another notebook: its files and environment stay."""
    from jupyter_mlops.versions.snapshot import of_notebook

    if run.version_id is None or run.job_id is None:
        raise Conflict("the run has no version", where=run.id)
    old = space.catalog.version_by_id(run.version_id)
    before = jobs.manifest_of(space, old)
    made = of_notebook(nb, before.name, space.store, before.kernel)
    manifest = replace(made, files=before.files, environment=before.environment)
    job = space.catalog.job_by_id(run.job_id)
    return space.catalog.add_version(
        job, manifest.put(space.store), message=f"mended in the repair of run {run.id}", provenance=old.provenance
    )[0]


# -- what runs are and left


def run_told(run: Run) -> dict[str, Any]:
    """A run as a surface shows it: of a notebook that is worked on, the notebook is told instead of a job."""
    told = jobs.run_told(run)
    if run.job and run.job.startswith("notebook:"):
        told.update(job=None, version=None, notebook=run.job.removeprefix("notebook:"))
    else:
        told["notebook"] = None
    return {**told, "asked": {k: v for k, v in run.asked.items() if k != "in_folder"}}


def run(space: Workspace, run_id: str) -> dict[str, Any]:
    """One run with its steps."""
    return run_told(space.queue.run(space.queue.full_id(run_id)))


def runs(
    space: Workspace, *, job: str = "", notebook: str = "", after: tuple[float, str] | None = None, limit: int = 50,
    sort: str = "-created", **filters: Any,
) -> tuple[list[dict[str, Any]], tuple[float, str] | None]:  # fmt: skip
    """A page of runs with their steps, and where the next page begins; None after the last."""
    job_id = None
    if job or notebook:
        try:
            job_id = space.catalog.job(job or f"notebook:{notebook}"[:200]).id
        except Unknown:
            if job:
                raise
            return [], None
    found = space.queue.runs(
        job_id=job_id, after=after, limit=limit + 1, sort=sort, hidden=bool(notebook) or not job, **filters
    )  # fmt: skip
    page = found[:limit]
    steps = space.queue.steps_of([r.id for r in page])
    following = None
    if len(found) > limit:
        last = page[-1]
        following = (getattr(last, sort.lstrip("-")) or 0.0, last.id)
    return [run_told(replace(r, steps=tuple(steps[r.id]))) for r in page], following


def moved(space: Workspace, old: str, new: str) -> None:
    """A notebook, or a folder of them, was renamed: their runs are found under the new path."""
    space.catalog.move_notebooks(old.strip("/"), new.strip("/"))


def executed(space: Workspace, run_id: str) -> str:
    """The executed notebook of a run as it is in its file, or what there is of it so far."""
    full = space.queue.full_id(run_id)
    known = space.queue.run(full)
    place = space.folder_of(full).notebook(known.output)
    if place is not None:
        with contextlib.suppress(OSError, UnicodeDecodeError):
            return place.read_text(encoding="utf-8")
    if known.version_id is not None and known.state in ("queued", "running"):
        return _source_bytes(space, known).decode()
    raise Unknown("the run has no executed notebook", where=full, remedy=f"It is {known.state}.")


def pipeline_of_run(space: Workspace, run_id: str) -> dict[str, Any]:
    """The notebook that a run was made of as a pipeline, as `analyse` tells it, without checks."""
    nb = source_notebook(space, run_id)
    known = space.queue.run(space.queue.full_id(run_id))
    return analyse(nb, Path(_name_of(space, known)).stem, space.config, checks=False)


def source_notebook(space: Workspace, run_id: str) -> NotebookNode:
    """The notebook that a run was made of, without outputs."""
    from jupyter_mlops.notebook.read import parse_notebook

    known = space.queue.run(space.queue.full_id(run_id))
    if known.version_id is None:
        raise Unknown("the run has no version", where=known.id)
    manifest = jobs.manifest_of(space, space.catalog.version_by_id(known.version_id))
    return parse_notebook(space.store.get(manifest.notebook), manifest.name)


def report(space: Workspace, run_id: str) -> str:
    """One HTML page of the executed notebook."""
    import tempfile

    from jupyter_mlops.run.report import write_report

    nb = parse(executed(space, run_id), run_id)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.html"
        write_report(nb, path, space.queue.full_id(run_id))
        return path.read_text(encoding="utf-8")


def log(space: Workspace, run_id: str, offset: int = 0) -> dict[str, Any]:
    """What a run wrote, from a byte on; `next` is where to go on, `over` whether there will be no more."""
    full = space.queue.full_id(run_id)
    known = space.queue.run(full)
    over = known.state not in ("queued", "running")
    path = jobs.log_of(space, known)
    data = b""
    if path.is_file():
        with path.open("rb") as stream:
            stream.seek(offset)
            data = stream.read(LOG_PIECE)
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    text = decoder.decode(data)
    begun = len(decoder.getstate()[0])  # bytes of a character that is not all there yet
    return {"text": text, "next": offset + len(data) - begun, "over": over and len(data) < LOG_PIECE}


def compare(space: Workspace, first: str, second: str) -> dict[str, Any]:
    """Two runs side by side: parameters, metrics, steps, and cells whose source or outputs differ."""
    one, two = (space.queue.run(space.queue.full_id(each)) for each in (first, second))
    cells = []
    with contextlib.suppress(Unknown, BadNotebook):
        cells = _cells_compared(*(parse(executed(space, run.id), run.id) for run in (one, two)))
    return {
        "first": run_told(one),
        "second": run_told(two),
        "parameters": _pairs(one.parameters, two.parameters),
        "metrics": _pairs(one.metrics, two.metrics),
        "cells": cells,
    }


def _pairs(one: Mapping[str, Any], two: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"name": name, "first": one.get(name), "second": two.get(name), "differs": one.get(name) != two.get(name)}
        for name in dict.fromkeys((*one, *two))
    ]


def _cells_compared(ours: NotebookNode, theirs: NotebookNode) -> list[dict[str, Any]]:
    """Cells that nbdime aligns, with the differences of their sources as a unified diff, and of their outputs."""
    import difflib

    from nbdime.diffing.notebooks import diff_notebooks

    from jupyter_mlops.versions.compare import masked

    for nb in (ours, theirs):
        nb.cells = [c for c in nb.cells if "injected-parameters" not in c.metadata.get("tags", ())]
    pairs: list[tuple[int | None, int | None]] = _aligned(diff_notebooks(ours, theirs), len(ours.cells))
    told = []
    for left, right in pairs:
        a = ours.cells[left] if left is not None else None
        b = theirs.cells[right] if right is not None else None
        sources = [(c.source if c is not None else "").splitlines() for c in (a, b)]
        outputs = [_shown(c) for c in (a, b)]
        change = "\n".join(difflib.unified_diff(sources[0], sources[1], lineterm="", n=3))
        differs = masked(outputs[0]) != masked(outputs[1])
        if (change or differs) and "code" in {c.cell_type for c in (a, b) if c is not None}:
            step = next(
                (s for c in (a, b) if c is not None and (s := c.metadata.get("jupyter_mlops_run", {}).get("step"))), ""
            )
            told.append(
                {"first": left, "second": right, "step": step, "source": change,
                 "outputs": [text[:20_000] for text in outputs] if differs else None}
            )  # fmt: skip
    return told


def _aligned(changes: Any, count: int) -> list[tuple[int | None, int | None]]:
    """Which cell of the second notebook stands for which of the first, by nbdime's difference of the two."""
    inner: Any = next((c["diff"] for c in changes if c["op"] == "patch" and c["key"] == "cells"), [])
    added: dict[int, int] = {}
    removed: set[int] = set()
    for change in inner:
        if change["op"] == "addrange":
            added[change["key"]] = added.get(change["key"], 0) + len(change["valuelist"])
        elif change["op"] == "removerange":
            removed |= set(range(change["key"], change["key"] + change["length"]))
    pairs: list[tuple[int | None, int | None]] = []
    at = 0
    for index in range(count + 1):
        for _ in range(added.get(index, 0)):
            pairs.append((None, at))
            at += 1
        if index < count and index in removed:
            pairs.append((index, None))
        elif index < count:
            pairs.append((index, at))
            at += 1
    return pairs


def _shown(cell: Any) -> str:
    """The outputs of a cell as text."""
    texts = []
    for output in (cell.get("outputs") or ()) if cell is not None else ():
        if output.output_type == "stream":
            texts.append(output.text)
        elif output.output_type == "error":
            texts.append(f"{output.ename}: {output.evalue}")
        else:
            data = output.get("data", {})
            pictures = [f"[{kind}, {len(str(data[kind]))} characters]" for kind in data if kind.startswith("image/")]
            texts.append("\n".join([*pictures, str(data.get("text/plain", ""))]))
    return "\n".join(texts)
