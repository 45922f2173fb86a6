"""The files that a call reads, writes or looks for, as far as its text shows."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field

from jupyter_mlops.analysis.effect_tables import (
    FILE_CHECK_METHODS,
    FILE_CHECKS,
    FILE_METHODS,
    HEARD,
    OPAQUE_READERS,
    READERS,
    URL,
    WRITER_METHODS,
    WRITERS,
)  # fmt: skip


@dataclass
class FileUses:
    """Files that calls use, "?" for one whose path is not in the text; a URL is a request instead."""

    reads: list[str] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    looks: bool = False

    def record(self, node: ast.Call, name: str, method: str, literals: Mapping[str, str]) -> None:
        """Record the files of one call.

        :param name: the dotted name of what is called; `method`: its last part, if it is an attribute.
        :param literals: variables of the cell that hold a text.
        """
        paths = literal_paths(node, literals)
        if url := next((p for p in paths if URL.match(p)), ""):
            is_heard = HEARD.fullmatch(name) and url.startswith("http")
            self.requests.append(f"network: {url}" if is_heard else f"network: {name}({url})")
            return
        if name in ("open", "builtins.open", "io.open", "codecs.open") or method == "open":
            self._record_open(node, name, paths, method)
        elif method in WRITER_METHODS and not WRITERS.fullmatch(name):
            is_path_method = method in ("write_text", "write_bytes")
            self.writes += literal_paths(node, literals, arguments=not is_path_method, receiver=is_path_method) or ["?"]
        elif WRITERS.fullmatch(name) or (method in FILE_METHODS and not _is_frame_method(node)):
            self.writes += paths or ["?"]
        elif READERS.fullmatch(name) or method in ("read_text", "read_bytes"):
            self.reads += paths
        elif OPAQUE_READERS.fullmatch(name):
            self.reads += paths
            self.looks = True
        elif FILE_CHECKS.fullmatch(name) or (method in FILE_CHECK_METHODS and not name.startswith(("re.", "fnmatch."))):
            self.looks = True

    def _record_open(self, node: ast.Call, name: str, paths: list[str], method: str) -> None:
        mode = "r"
        mode_position = 0 if method == "open" and name not in ("io.open", "codecs.open") else 1
        mode_node = node.args[mode_position] if len(node.args) > mode_position else None
        if isinstance(mode_node, ast.Constant):
            mode = str(mode_node.value)
        for keyword in node.keywords:
            if keyword.arg == "mode" and isinstance(keyword.value, ast.Constant):
                mode = str(keyword.value.value)
        writes = bool(set(mode) & set("wax+"))
        file_paths = [p for p in paths if p != mode]
        if writes:
            self.writes += file_paths or ["?"]
        else:
            self.reads += file_paths


def literal_paths(
    node: ast.Call, literals: Mapping[str, str], *, arguments: bool = True, receiver: bool = True
) -> list[str]:
    """Literal texts passed to a call, and to the call that created its object (`Path("a").open()`)."""
    result = []
    parts: list[ast.AST] = [*node.args, *(k.value for k in node.keywords)] if arguments else []
    if receiver and isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Call):
        parts += node.func.value.args
    for argument in parts:
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            result.append(argument.value)
        elif isinstance(argument, ast.Name) and argument.id in literals:
            result.append(literals[argument.id])
    return result


def _is_frame_method(call: ast.Call) -> bool:
    """Whether a method that files and frames share is called on a frame: `df.rename(columns=…)`, `s.str.extract(…)`."""
    function = call.func
    if (
        isinstance(function, ast.Attribute)
        and isinstance(function.value, ast.Attribute)
        and function.value.attr == "str"
    ):
        return True
    names = {keyword.arg for keyword in call.keywords}
    has_mapping = any(isinstance(argument, ast.Dict | ast.DictComp | ast.Lambda) for argument in call.args)
    return has_mapping or bool(names & {"columns", "index", "axis", "inplace", "mapper", "level", "expand"})
