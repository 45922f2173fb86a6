"""The systemd manager of this user as a place."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from jupyter_mlops.errors import UnreachableError
from jupyter_mlops.export import folder as export_folder
from jupyter_mlops.export.folder import FileChange
from jupyter_mlops.places.commands import call, last_words
from jupyter_mlops.places.files import digests, edited_error, remove_files, states_in
from jupyter_mlops.places.installation import InstallationPlace
from jupyter_mlops.places.place import Export, ItemState, Written, require_one_of

UNITS = "units/"  # how names of units begin among the deployed items
USER_SETTINGS = """\
# A manager of a user can't make up users, and has no right to restrict what its services see.
[Service]
DynamicUser=no
PrivateTmp=no
PrivateDevices=no
ProtectSystem=no
ProtectHome=no
ProtectKernelTunables=no
ProtectKernelModules=no
ProtectControlGroups=no
ProtectClock=no
"""


class SystemdPlace(InstallationPlace):
    """Bundles in a folder, and services and timers in the folder of user units; timers are enabled."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, f"systemd:{root}")

    def require_target(self, target: str) -> None:
        require_one_of(target, ("systemd",), "systemd")

    def items(self, export: Export) -> Mapping[str, str]:
        units = digests(self._units(export))
        return {**super().items(export), **{f"{UNITS}{name}": digest for name, digest in units.items()}}

    def changes(self, export: Export, deployed: Mapping[str, str]) -> list[FileChange]:
        files, names = _split(deployed)
        units = export_folder.changes(self._units(export), unit_folder(), names, has_record=False)
        return [*super().changes(export, files), *(replace(unit, path=f"{UNITS}{unit.path}") for unit in units)]

    def write(self, export: Export, deployed: Mapping[str, str], *, force: bool = False) -> Written:
        files, names = _split(deployed)
        units = self._units(export)
        changes = export_folder.changes(units, unit_folder(), names, has_record=False)
        edited = [change.path for change in changes if change.edited]
        if edited and not force:
            raise edited_error(edited, str(unit_folder()))
        self._systemctl("daemon-reload")  # before anything is written: is there a manager at all?
        result = super().write(export, files, force=force)
        self._disable(names.keys() - units.keys())
        export_folder.write(units, unit_folder(), export.facts, names, force=force, has_record=False)
        timers = [name for name in units if name.endswith(".timer")]
        self._systemctl("daemon-reload")
        if timers:
            self._systemctl("enable", "--now", *timers)
        is_changed = result.changed or any(change.state != "same" for change in changes)
        notes = ("Timers fire while you are logged in; always after: loginctl enable-linger.",) if timers else ()
        return Written(self.items(export), "", is_changed, notes)

    def states(self, export: Export, deployed: Mapping[str, str]) -> dict[str, ItemState]:
        files, names = _split(deployed)
        units = states_in(unit_folder(), names)
        return {**super().states(export, files), **{f"{UNITS}{name}": state for name, state in units.items()}}

    def remove(self, export: Export, deployed: Mapping[str, str], *, force: bool = False) -> tuple[str, ...]:
        edited = [name for name, state in self.states(export, deployed).items() if state == "edited"]
        if edited and not force:
            raise edited_error(edited, self.location, "removed")
        files, names = _split(deployed)
        self._disable(names.keys())
        remove_files(unit_folder(), names, has_record=False, force=force)
        self._systemctl("daemon-reload")
        return super().remove(export, files, force=force)

    def _units(self, export: Export) -> dict[str, bytes]:
        units = {path: c for path, c in export.files.items() if path.endswith((".service", ".timer"))}
        for path in list(units):
            if path.endswith(".service"):
                settings = USER_SETTINGS
                if b"\nEnvironmentFile=" in units[path]:
                    settings += f"EnvironmentFile=\nEnvironmentFile={self.root / export.slug / 'secrets.env'}\n"
                units[f"{path}.d/user.conf"] = settings.encode()
        return units

    def _disable(self, names: Iterable[str]) -> None:
        timers = sorted(name for name in names if name.endswith(".timer"))
        if timers:
            self._systemctl("disable", "--now", *timers)

    def _systemctl(self, *words: str) -> None:
        finished = call(["systemctl", "--user", *words], where=self.location)
        if finished.returncode != 0:
            raise UnreachableError(
                f"systemctl --user {words[0]} failed: {last_words(finished)}", where=self.location,
                remedy="Is there a manager of this user? `systemctl --user status` tells.",
            )  # fmt: skip


def unit_folder() -> Path:
    """Where units of this user are."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "systemd" / "user"


def _split(deployed: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """The files of the job's folder, and its units."""
    files = {name: digest for name, digest in deployed.items() if not name.startswith(UNITS)}
    return files, {name.removeprefix(UNITS): d for name, d in deployed.items() if name.startswith(UNITS)}
