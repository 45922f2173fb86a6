"""Files of exports from templates in `targets/`. Values are quoted by `quoting.py`, in the template or before."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_mlops.export import quoting

FOLDER = Path(__file__).parent / "targets"


def render(template: str, **values: Any) -> str:
    """A Jinja template's text with values. Filters: `python`, `shell`, `comment`."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=False, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.filters |= {"python": quoting.python, "shell": quoting.shell, "comment": quoting.comment}
    return environment.from_string(text_of(template)).render(**values)


def fill(template: str, parts: Mapping[str, str]) -> str:
    """A template's text, each of these words replaced at once by text that its caller has quoted."""
    pattern = re.compile("|".join(map(re.escape, parts)))
    return pattern.sub(lambda word: parts[word[0]], text_of(template))


def text_of(template: str) -> str:
    return (FOLDER / template).read_text(encoding="utf-8")
