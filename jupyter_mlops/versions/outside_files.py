"""Files outside of a notebook's folder, put in place of others for a run.

A run can't change what is at an absolute path. A copy below its own folder takes its place, and texts in the code and
in parameters that name the path, or a folder above it, name the copy.
"""

from __future__ import annotations

import re
from collections.abc import Collection

FOLDER = "outside-files"  # of the copies, beside the notebook
_TEXT = re.compile(r"""(['"])((?:[A-Za-z]:)?[/\\][^'"\n]+)\1""")
_VARIABLE = re.compile(r"[{*?%\[]")  # from here on, a text is filled in or matched at run time


def copy_of(path: str) -> str:
    """The relative path of the copy of a file."""
    return f"{FOLDER}/{path.replace(':', '').replace(chr(92), '/').lstrip('/')}"


def redirected(source: str, paths: Collection[str]) -> str:
    """Source code whose texts name the copies of the files."""

    def replacement(match: re.Match[str]) -> str:
        quote, text = match.groups()
        return f"{quote}{copy_of(text)}{quote}" if _covered(text, paths) else match.group()

    return _TEXT.sub(replacement, source)


def redirected_value(value: object, paths: Collection[str]) -> object:
    """The value of a parameter that names a file, or a folder above it."""
    return copy_of(value) if isinstance(value, str) and _covered(value, paths) else value


def unnamed(paths: Collection[str], sources: Collection[str], values: Collection[object]) -> list[str]:
    """The files that neither the code nor a parameter names as text, so that no copy can take their place."""
    texts = [text for source in sources for _, text in _TEXT.findall(source)]
    texts += [value for value in values if isinstance(value, str)]
    return sorted(path for path in paths if not any(_covered(text, [path]) for text in texts))


def _covered(text: str, paths: Collection[str]) -> bool:
    """Whether a text names one of the files, a folder above one, or a pattern below such a folder."""
    constant = _VARIABLE.split(text)[0]
    if constant != text:
        constant = constant.replace("\\", "/").rpartition("/")[0]
    constant = constant.replace("\\", "/").rstrip("/")
    if constant.count("/") < 1 or not constant.strip("/"):
        return False
    return any(path == constant or path.startswith(f"{constant}/") for path in (p.replace("\\", "/") for p in paths))
