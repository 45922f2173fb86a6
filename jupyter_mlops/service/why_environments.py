"""The environments that hybrids need, built before a hybrid is queued."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlops.errors import MlopsError

if TYPE_CHECKING:
    from jupyter_mlops.jobs.workspace import Workspace
    from jupyter_mlops.versions.hybrid import Hybrids, Recipe
    from jupyter_mlops.versions.manifest import Environment


class Environments:
    """Whether the environment of a recipe can be built; each is tried once."""

    def __init__(self, space: Workspace, hybrids: Hybrids) -> None:
        self.space, self.hybrids = space, hybrids
        self._problems: dict[str, str] = {}
        self._live: dict[str, Environment] = {}

    def problem(self, recipe: Recipe) -> str:
        """Why the environment of a recipe is not available; "" if it is."""
        if not self.hybrids.locks.keys:
            return ""
        key = recipe.lock[0] if recipe.lock is not None else ""
        if key not in self._problems:
            self._problems[key] = self._build(recipe)
        return self._problems[key]

    def number_to_build(self, recipes: list[Recipe]) -> int:
        """How many environments these recipes need that are not there yet."""
        needed = {r.lock for r in recipes if r.lock is not None and not self._is_live(r) and not self._is_built(r)}
        return len(needed)

    def _build(self, recipe: Recipe) -> str:
        from jupyter_mlops.versions import environment as env
        from jupyter_mlops.versions.manifest import Manifest

        if self._is_live(recipe):
            return ""
        if recipe.lock is None:
            return "the environment was not locked"
        manifest = Manifest.get(self.space.store, recipe.manifest)
        try:
            text = self.space.store.get(recipe.lock[0]).decode()
            env.build(text, recipe.lock[1], manifest.environment, Path(self.space.home))
        except MlopsError as error:
            return f"its environment can't be built here: {error.message.strip().splitlines()[-1][:300]}"
        return ""

    def _is_live(self, recipe: Recipe) -> bool:
        """Whether the kernel's own environment is the one that the recipe needs."""
        from jupyter_mlops.execution.environment import interpreter_of
        from jupyter_mlops.versions import environment as env
        from jupyter_mlops.versions.manifest import Manifest

        manifest = Manifest.get(self.space.store, recipe.manifest)
        if manifest.kernel not in self._live:
            try:
                self._live[manifest.kernel] = env.describe(interpreter_of(manifest.kernel))
            except MlopsError:
                return False
        return not env.differences(manifest.environment, self._live[manifest.kernel])

    def _is_built(self, recipe: Recipe) -> bool:
        import hashlib

        assert recipe.lock is not None
        text = self.space.store.get(recipe.lock[0])
        folder = Path(self.space.home) / "environments" / hashlib.blake2b(text, digest_size=12).hexdigest()
        return (folder / ".complete").is_file()
