"""What stands for a magic or a shell line in a script that runs without IPython."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass

from jupyter_mlops.analysis.magics import Use
from jupyter_mlops.export.quoting import python
from jupyter_mlops.export.script.runtime import Runtime

SHELL_COMMANDS = frozenset("cat cp ldir less lf lk ll ls lx man mkdir more mv rm rmdir".split())
BACKENDS = frozenset({"", "inline", "agg"})
LEFT_OUT = {  # line magic -> what a script does without
    "timeit": "%timeit measures time alone",
    "load_ext": "extensions of IPython belong to a notebook",
    "reload_ext": "extensions of IPython belong to a notebook",
    "autoreload": "a script loads modules once",
    "aimport": "a script loads modules once",
    "pip": "requirements.txt names the packages",
    "conda": "requirements.txt names the packages",
    "mamba": "requirements.txt names the packages",
    "uv": "requirements.txt names the packages",
    "xmode": "tracebacks are Python's own",
    "colors": "tracebacks are Python's own",
    "pinfo": "help texts belong to a notebook",
    "pinfo2": "help texts belong to a notebook",
    "pdoc": "help texts belong to a notebook",
    "psource": "help texts belong to a notebook",
}
HARMLESS_EXTENSIONS = frozenset({"autoreload", "google.colab.data_table", "tensorboard", "dotenv_off"})
RICH_TEXTS = {
    "html": "HTML", "HTML": "HTML", "svg": "SVG", "SVG": "SVG", "javascript": "Javascript", "js": "Javascript",
    "latex": "Latex", "markdown": "Markdown",
}  # fmt: skip
PROGRAMS = {"bash": '["bash"]', "sh": '["sh"]', "python": "[sys.executable]", "python3": "[sys.executable]"}
CAPTURES = {"--no-stdout": "stdout=False", "--no-stderr": "stderr=False", "--no-display": ""}
EXPANDS = re.compile(r"[{$]")


@dataclass(frozen=True)
class Translation:
    """Python for a magic.

    :param expression: "" where a script does without the magic.
    :param parts: of the runtime that it uses.
    :param note: what a script does without, "" where it is nothing that counts.
    """

    expression: str
    parts: frozenset[str] = frozenset()
    note: str = ""


def line_magic(use: Use, method: str, runtime: Runtime, namespace: str) -> Translation | None:
    """Python for a line magic or a shell line; None if a script can't do it.

    :param method: what IPython calls for it: `system`, `getoutput` or `run_line_magic`.
    :param namespace: an expression for the names that `{name}` and `$name` may stand for.
    """
    if use.name == "!":
        return _shell("shell" if method == "system" else "lines", use.line, runtime, namespace)
    name, line = use.name, use.line.strip()
    if name in SHELL_COMMANDS:
        return _shell("shell", f"{name} {use.line}".strip(), runtime, namespace)
    if name in ("sx", "system"):
        return _shell("lines", use.line, runtime, namespace)
    if name not in TRANSLATORS and name not in LEFT_OUT:
        return None
    if EXPANDS.search(line) and name not in ("timeit", "pip", "conda", "mamba", "uv"):
        return None  # the line depends on values
    if name in TRANSLATORS:
        return TRANSLATORS[name](line, runtime)
    if name in ("load_ext", "reload_ext") and line not in HARMLESS_EXTENSIONS:
        return None
    note = "" if name in ("autoreload", "aimport", "load_ext", "reload_ext") else LEFT_OUT[name]
    return Translation("", note=note)


def cell_magic(use: Use, runtime: Runtime) -> Translation | None:
    """Python for a cell magic whose body is no code of the notebook; None if a script can't do it."""
    if use.name in PROGRAMS:
        return _program(use, runtime)
    if use.name in RICH_TEXTS and not use.line.strip():
        return Translation(f"print({python(f'<IPython.core.display.{RICH_TEXTS[use.name]} object>')})")
    if use.name in ("writefile", "file"):
        return _write_file(use, runtime)
    if use.name == "timeit":
        return Translation("", note=LEFT_OUT["timeit"])
    return None


def capture_arguments(line: str) -> tuple[str, str] | None:
    """The arguments of the context manager for `%%capture`, and the name it binds; None if they can't be read."""
    words = line.split()
    options = [word for word in words if word.startswith("-")]
    names = [word for word in words if not word.startswith("-")]
    if not set(options) <= set(CAPTURES) or len(names) > 1 or not all(name.isidentifier() for name in names):
        return None
    return ", ".join(CAPTURES[option] for option in options if CAPTURES[option]), "".join(names)


def _shell(part: str, command: str, runtime: Runtime, namespace: str) -> Translation:
    arguments = [python(command)]
    if EXPANDS.search(command):
        arguments.append(namespace)
    return Translation(f"{runtime[part]}({', '.join(arguments)})", frozenset({part}))


def _matplotlib(line: str, runtime: Runtime) -> Translation | None:
    return Translation("", frozenset({"figures"})) if line in BACKENDS else None


def _config(line: str, runtime: Runtime) -> Translation | None:
    if re.match(r"InlineBackend\.(figure_formats?|rc|print_figure_kwargs)\b", line):
        return Translation("", note="figures are saved as PNG files in the resolution of matplotlib")
    return Translation("") if line.startswith(("IPCompleter.", "Completer.")) else None


def _change_folder(line: str, runtime: Runtime) -> Translation | None:
    words = line.split()
    quiet = "-q" in words
    words = [word for word in words if word != "-q"]
    if len(words) != 1 or words[0].startswith("-") or not line.isprintable() or "'" in line or '"' in line:
        return None
    return Translation(f"{runtime['change_folder']}({python(words[0])}, quiet={quiet})", frozenset({"change_folder"}))


def _folder(line: str, runtime: Runtime) -> Translation | None:
    return None if line else Translation('__import__("os").getcwd()')


def _variable(line: str, runtime: Runtime) -> Translation | None:
    """`%env NAME`, `%env NAME=VALUE`, `%env NAME VALUE`."""
    match = re.fullmatch(r"([^\s=]+)(\s*=\s*|\s+|)(.*)", line, re.DOTALL)
    if match is None:
        return None
    name, sign, value = match.groups()
    if not sign:
        return Translation(f'__import__("os").environ[{python(name)}]')
    return _set_variable(f"{name} {value}", runtime)


def _set_variable(line: str, runtime: Runtime) -> Translation | None:
    name, _, value = line.partition(" ")
    if not value.strip() or "=" in name:
        return None
    call = f"{runtime['set_variable']}({python(name)}, {python(value.strip())})"
    return Translation(call, frozenset({"set_variable"}))


TRANSLATORS: dict[str, Callable[[str, Runtime], Translation | None]] = {
    "matplotlib": _matplotlib,
    "config": _config,
    "cd": _change_folder,
    "pwd": _folder,
    "env": _variable,
    "set_env": _set_variable,
}


def _program(use: Use, runtime: Runtime) -> Translation | None:
    """`%%bash` and others, with `--out NAME`, `--err NAME` and `--no-raise-error`."""
    try:
        words = shlex.split(use.line)
    except ValueError:
        return None
    names: dict[str, str] = {}
    options = ""
    while words:
        word = words.pop(0)
        if word == "--no-raise-error":
            options = ", check=False"
        elif word in ("--out", "--err") and words and words[0].isidentifier():
            names[word] = words.pop(0)
        else:
            return None
    for option in names:
        options += f", {option[2:]}={python(names[option])}"
    command = PROGRAMS[use.name].replace("sys.", '__import__("sys").')
    call = f"{runtime['program']}({command}, {_block(use.body)}{options})"
    return Translation(call, frozenset({"program"}))


def _write_file(use: Use, runtime: Runtime) -> Translation | None:
    words = use.line.split()
    append = bool(words) and words[0] in ("-a", "--append")
    path = " ".join(words[1:] if append else words)
    if not path or EXPANDS.search(path):
        return None
    call = f"{runtime['write_file']}({python(os.path.normpath(path).strip(chr(34)))}, {_block(use.body)}, {append})"
    return Translation(call, frozenset({"write_file"}))


def _block(text: str) -> str:
    """A text of several lines as a literal, one literal for each line."""
    lines = text.splitlines(keepends=True)
    if len(lines) < 2:
        return python(text)
    return "".join(["(\n", *(f"    {python(line)}\n" for line in lines), ")"])
