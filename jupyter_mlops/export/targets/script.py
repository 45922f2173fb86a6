"""A Python script: the notebook as one module, a function a step, that runs without Jupyter."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, ClassVar

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.export import quoting
from jupyter_mlops.export.plan import ExportPlan
from jupyter_mlops.export.requirements import require_secret_names
from jupyter_mlops.export.script.layout import ScriptBlock, block_code, script_blocks
from jupyter_mlops.export.script.readers import placeholder, reader_of
from jupyter_mlops.export.script.runtime import Runtime, runtime, with_needs
from jupyter_mlops.export.templates import render
from jupyter_mlops.notebook.parameter import Parameter

READER_MODULES = {
    "read_date": ("datetime",), "read_datetime": ("datetime",), "read_path": ("pathlib",),
    "read_container": ("ast", "json"),
}  # fmt: skip
REQUIREMENTS = "requirements.txt"


class ScriptExporter:
    """Writes `SLUG.py`, the files that the notebook imports and reads, `requirements.txt`, and the environment's lock.

    The cells run in notebook order in one process. Imports, definitions and defaults are at the top of the module
    where nothing runs before them; each block of other cells is a function whose names are declared `global`, so that
    they are the names of the notebook. What a function does otherwise than a cell (annotations of variables, star
    imports, `locals()`, `exec`) is rewritten; magics become Python. A cell that can't be written this way is refused.

    Proved: the plain interpreter gives the texts of Run All (tests/export/engines/test_script_engine.py).
    """

    name: ClassVar[str] = "script"
    label: ClassVar[str] = "Python script"
    summary: ClassVar[str] = "a module with a function for each step, and requirements.txt"
    needs_bundle: ClassVar[bool] = False

    def files(self, plan: ExportPlan) -> Mapping[str, str | bytes]:
        """All files. Raises InvalidInputError for a cell that a script can't have, and names it."""
        require_secret_names(plan, "A shell")
        module = f"{plan.slug}.py"
        files: dict[str, str | bytes] = {module: _module(plan, self.omissions(plan))}
        for path, content in _version_files(plan):
            if path in files:
                raise InvalidInputError(f"the script would have the name of {path}, which the notebook needs")
            files[path] = content
        if plan.packages and REQUIREMENTS not in files:
            files[REQUIREMENTS] = _requirements(plan)
        return files

    def omissions(self, plan: ExportPlan) -> tuple[str, ...]:
        sentences = []
        if plan.schedules:
            sentences.append("A script has no schedule: let cron or another scheduler call it.")
        if plan.retries or any(task.retries for task in plan.tasks):
            sentences.append("Nothing is repeated after a failure.")
        if plan.cell_timeout or plan.run_timeout or any(task.timeout for task in plan.tasks):
            sentences.append("Time limits do not hold.")
        if any(task.limits for task in plan.tasks):
            sentences.append("Limits of CPU, memory and GPUs are not reserved.")
        if any(task.image for task in plan.tasks):
            sentences.append("The steps share one environment, so their images are not used.")
        if plan.notify:
            sentences.append("There are no notifications.")
        missing = sorted(set(plan.files) - {path for path, _ in _version_files(plan)})
        if missing:
            sentences.append(f"These files are not in the folder, and must be where the notebook has them: {missing}.")
        for block in _blocks(plan)[0]:
            for cell in block.cells:
                sentences += [f"Cell {cell.index + 1}: {note}." for note in cell.notes]
        return tuple(sentences)


def _blocks(plan: ExportPlan) -> tuple[tuple[ScriptBlock, ...], Runtime]:
    """The notebook as a script has it, and the names of what the script includes."""
    from jupyter_mlops.notebook.reader import parse_notebook
    from jupyter_mlops.pipeline.build import build

    nb = parse_notebook(plan.source.encode("utf-8", "surrogatepass"), plan.notebook)
    pipeline = build(nb, PurePosixPath(plan.notebook).stem)
    names = runtime(nb.cells[index].source for block in pipeline.blocks for index in block.cells)
    return script_blocks(nb, pipeline, names), names


def _module(plan: ExportPlan, omissions: Sequence[str]) -> str:
    blocks, names = _blocks(plan)
    functions = [block for block in blocks if block.function]
    parts = set(with_needs(part for block in blocks for cell in block.cells for part in cell.parts))
    parts |= {"apply"} if any(block.parameters for block in functions) else set()
    parts |= {"text"} if "figures" in parts else set()
    readers = frozenset(part for p in plan.parameters for part in reader_of(p).parts)
    values: dict[str, Any] = {"n": names.names, "parts": parts, "readers": readers}
    text = render(
        "script_module.py.jinja",
        **values,
        header=quoting.comment(_header(plan, omissions)),
        top=[block_code(block, names) for block in blocks if not block.function],
        functions=[_titled(block, names) for block in functions],
        blocks=functions,
        secrets=plan.secrets,
        awaits=any(block.awaits for block in blocks) or "asyncio" in names.words,
        hides_file="__file__" in names.words,
        uses_pandas=any("pandas" in cell.modules for block in blocks for cell in block.cells),
        top_parameters=any(not block.function and "Parameters" in block.title for block in blocks),
        reader_modules=sorted({module for reader in readers for module in READER_MODULES.get(reader, ())}),
        description=f"{plan.label}, from {plan.notebook}".replace("%", "%%"),
        help_options=_help_options(plan.parameters),
        list_option=_free_option("list", plan.parameters),
        options=[_option(parameter) for parameter in plan.parameters],
        runtime=render("script_runtime.py.jinja", **values).rstrip("\n"),
    )
    _require_python(text, plan)
    return text


def _titled(block: ScriptBlock, names: Runtime) -> str:
    cells = ", ".join(str(cell.index + 1) for cell in block.cells)
    noun = "cell" if len(block.cells) == 1 else "cells"
    return f"{quoting.comment(f'{block.title}: {noun} {cells}')}\n{block_code(block, names)}"


def _header(plan: ExportPlan, omissions: Sequence[str]) -> str:
    lines = [
        plan.header("script"),
        "",
        f"Run it:            python {plan.slug}.py{''.join(f' --{p.name}=VALUE' for p in plan.parameters[:1])}",
        f"All parameters:    python {plan.slug}.py --help",
    ]
    if plan.packages:
        lines.append(f"Packages:          pip install -r {REQUIREMENTS}  (Python {plan.python})")
    if plan.secrets:
        lines.append(f"Secrets, from environment variables: {', '.join(plan.secrets)}")
    lines += ["", "Exit codes: 0 success, 1 a step failed, 2 a parameter or a secret is wrong."]
    if omissions:
        lines += ["", "What the script does without:", *(f"- {sentence}" for sentence in omissions)]
    return "\n".join(lines)


def _option(parameter: Parameter) -> dict[str, Any]:
    default = "" if parameter.is_required else f"default: {parameter.source or repr(parameter.default)}"
    choices = f"one of {', '.join(map(repr, parameter.choices))}" if parameter.choices else ""
    text = "; ".join(part for part in (parameter.help, choices, default) if part)
    return {
        "flag": f"--{parameter.name}",
        "name": parameter.name,
        "reader": reader_of(parameter).expression,
        "placeholder": placeholder(parameter),
        "help": text.replace("%", "%%"),
        "required": parameter.is_required,
    }


def _help_options(parameters: Iterable[Parameter]) -> list[str]:
    return ["-h"] if any(p.name == "help" for p in parameters) else ["-h", "--help"]


def _free_option(name: str, parameters: Sequence[Parameter]) -> str:
    """The name, or one like it that no parameter has."""
    while any(p.name == name for p in parameters):
        name += "-steps"
    return name


def _version_files(plan: ExportPlan) -> list[tuple[str, bytes]]:
    """The files of the version that lie in the notebook's folder or below, from the bundle."""
    inside = [path for path in plan.files if not path.startswith(("../", "/")) and path[1:2] != ":"]
    if not inside:
        return []
    with zipfile.ZipFile(io.BytesIO(plan.bundle)) as bundle:
        names = set(bundle.namelist())
        places = {path: next((place for place in (path, f"named/{path}") if place in names), "") for path in inside}
        return [(path, bundle.read(place)) for path, place in places.items() if place]


def _requirements(plan: ExportPlan) -> str:
    lines = [quoting.comment(plan.header("script"))]
    for name, version in sorted(plan.packages.items()):
        plain = "".join(version.split())
        lines.append(f"{name} @ {plain}" if "://" in plain else f"{name}=={plain}")
    return "\n".join(lines) + "\n"


def _require_python(text: str, plan: ExportPlan) -> None:
    """Raises InvalidInputError for a text that can't be written, or is no Python."""
    try:
        text.encode("utf-8")
        compile(text, plan.slug, "exec", dont_inherit=True)
    except (SyntaxError, UnicodeEncodeError, RecursionError) as error:
        raise InvalidInputError(f"the notebook can't be written as a script: {error}", where=plan.notebook) from None
