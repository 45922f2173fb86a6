"""Loads the agent into a kernel: from its files if the kernel has them, otherwise from their text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from jupyter_mlops.kernels import native

MODULE = "_jupyter_mlops_agent"
FOLDER = Path(__file__).with_name("agent")
# A part that kernels have without the agent, too.
ELSEWHERE = {"native": Path(native.__file__)}
# In the order that they need one another.
PARTS = (
    "here", "remake", "objects", "disposable", "memory", "figures", "frames", "pickler", "settings", "sources",
    "libraries", "registries", "resources", "draws", "looks", "native", "readers", "scratch", "seeded",
    "connections", "watch", "state", "patches", "worth", "bigs", "packing", "signature", "models", "points",
    "sketches", "columns", "profiles", "profile_merge", "budget", "prediction_files", "frame_reports", "agent",
)  # fmt: skip
# A file that the kernel has, as it does on this machine, was compiled before.
BOOTSTRAP = """
def _plant(name, paths, digest, texts):
    import hashlib, importlib.machinery, sys, types
    loaders = {{part: importlib.machinery.SourceFileLoader(name + '.' + part, path) for part, path in paths.items()}}
    if texts is None:
        found = hashlib.sha256()
        for loader in loaders.values():
            found.update(loader.get_data(loader.path))
        if found.hexdigest() != digest:
            raise OSError('other files')
    package = sys.modules[name] = types.ModuleType(name)
    package.__path__ = []
    for part, loader in loaders.items():
        code = loader.get_code(loader.name) if texts is None else compile(texts[part], loader.path, 'exec')
        module = sys.modules[loader.name] = types.ModuleType(loader.name)
        module.__spec__ = importlib.machinery.ModuleSpec(loader.name, None)
        module.__package__ = name
        setattr(package, part, module)
        exec(code, module.__dict__)
    package.agent.install(get_ipython())
_plant({name!r}, {paths!r}, {digest!r}, {texts!r})
del _plant
"""
ASK = "__import__('sys').modules[{module!r}].serve({request!r})"


@dataclass(frozen=True)
class AgentSource:
    """The agent's modules as of first use, so that a later upgrade does not change the protocol."""

    paths: Mapping[str, str]
    texts: Mapping[str, str]
    digest: str

    def code(self, *, as_text: bool = False) -> str:
        """The code that a kernel runs to load the agent. Raises in the kernel if its files are different or missing."""
        texts = dict(self.texts) if as_text else None
        return BOOTSTRAP.format(name=MODULE, paths=dict(self.paths), digest=self.digest, texts=texts)


@cache
def agent_source(folder: Path = FOLDER) -> AgentSource:
    """The agent of a folder."""
    paths = {part: ELSEWHERE.get(part, folder / f"{part}.py") for part in PARTS}
    data = {part: path.read_bytes() for part, path in paths.items()}
    return AgentSource(
        {part: str(path) for part, path in paths.items()},
        {part: text.decode() for part, text in data.items()},
        sha256(b"".join(data.values())).hexdigest(),
    )


def request_code(request: str) -> str:
    """The code that a kernel runs to answer a request to its agent."""
    return ASK.format(module=f"{MODULE}.agent", request=request)
