"""Values as literals of other languages. Every name, parameter and text of an export passes through one of these."""

from __future__ import annotations

import json
import re
import shlex
from typing import Any

READ_OTHERWISE = re.compile(  # by YAML 1.1 or 1.2: words, numbers, times
    r"|~|y|n|yes|no|on|off|true|false|null|=|<<|[-+.]?[0-9][-+.:_0-9a-fox]*|[-+]?\.(inf|nan)", re.IGNORECASE
)
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x80-\x9f\u2028\u2029]")


def shell(text: str) -> str:
    """A POSIX shell word."""
    return shlex.quote(text)


def python(value: object) -> str:
    """A Python literal; texts with double quotes, as formatters write them."""
    if isinstance(value, str):
        return "".join(char if char.isprintable() else _escaped(char) for char in json.dumps(value, ensure_ascii=False))
    if isinstance(value, dict):
        return "{" + ", ".join(f"{python(key)}: {python(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(python, value))}]"
    if isinstance(value, tuple):
        return f"({', '.join(map(python, value))}{',' if len(value) == 1 else ''})"
    return repr(value)


def _escaped(char: str) -> str:
    """A character that can't be seen, as an escape of Python's."""
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def comment(text: str, sign: str = "#") -> str:
    """A text as comment lines. A line break can't end the comment."""
    lines = CONTROL.sub(" ", text.replace("\r", "\n")).split("\n")
    return "\n".join(f"{sign} {line}".rstrip() for line in lines)


def hcl(value: Any) -> str:
    """An HCL literal: `${` and `%{` are escaped, so no text becomes a template."""
    if isinstance(value, str):
        return '"' + re.sub(r"\$+\{|%+\{|[\\\"\x00-\x1f\x7f]", _hcl_escaped, value) + '"'
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, int | float):
        return json.dumps(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{hcl(str(k))} = {hcl(v)}" for k, v in value.items()) + "}"
    return "[" + ", ".join(map(hcl, value)) + "]"


def _hcl_escaped(match: re.Match[str]) -> str:
    """A sign, or the begin of a template: `$${` is read as `${`, but only where no other `$` stands before it."""
    text = match[0]
    if text in ("${", "%{"):
        return text[0] + text
    if text.endswith("{"):
        return f"\\u{ord(text[0]):04x}" * (len(text) - 1) + "{"
    return {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\"}.get(text, f"\\u{ord(text):04x}")


def systemd(text: str) -> str:
    """A word of a systemd unit's command line or assignment: specifiers, variables and quotes are escaped."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return '"' + escaped.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t") + '"'


def yaml(document: Any, indent: int = 0) -> str:
    """A YAML document in block style, keys in their order, any text quoted where YAML would read it otherwise."""
    import yaml as pyyaml

    text: str = pyyaml.dump(document, Dumper=_dumper(), sort_keys=False, allow_unicode=True, width=1 << 20)
    return "".join(f"{' ' * indent}{line}\n" for line in text.splitlines()) if indent else text


def _dumper() -> Any:
    """Texts of several lines as literal blocks; no aliases; `on`, `yes` and numbers as texts are quoted."""
    import yaml as pyyaml

    analyses: dict[str, Any] = {}

    class Dumper(pyyaml.SafeDumper):
        def analyze_scalar(self, scalar: str) -> Any:
            """Each text once: the script of a container is the same in every task."""
            if scalar not in analyses:
                analyses[scalar] = super().analyze_scalar(scalar)
            return analyses[scalar]

        def ignore_aliases(self, data: Any) -> bool:
            return True

        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
            super().increase_indent(flow, False)

    def text(dumper: Any, value: str) -> Any:
        block = "\n" in value and value.isprintable() is False and not CONTROL.search(value) and not re.search(
            r"[ \t]\n|^\s", value
        )  # fmt: skip
        style = "|" if block else '"' if CONTROL.search(value) or READ_OTHERWISE.fullmatch(value) else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Dumper.add_representer(str, text)
    return Dumper
