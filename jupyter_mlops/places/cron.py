"""The crontab of this user as a place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from jupyter_mlops.errors import InvalidInputError, UnreachableError
from jupyter_mlops.export.folder import FileChange, digest_of, text_diff
from jupyter_mlops.places.commands import call, last_words
from jupyter_mlops.places.files import edited_error
from jupyter_mlops.places.installation import InstallationPlace
from jupyter_mlops.places.place import Export, ItemState, Written, require_one_of

SECTION = "crontab"  # the name of our section among the deployed items


class CrontabPlace(InstallationPlace):
    """Scripts in a folder, and a section of the crontab for each job. Other lines of the crontab stay as they are.

    Sections are at the end: the variables that they set don't count for lines above them.
    """

    def __init__(self, root: Path) -> None:
        super().__init__(root, f"crontab:{root}")

    def require_target(self, target: str) -> None:
        require_one_of(target, ("cron",), "a crontab")

    def items(self, export: Export) -> Mapping[str, str]:
        return {**super().items(export), SECTION: digest_of(_section(export).encode())}

    def changes(self, export: Export, deployed: Mapping[str, str]) -> list[FileChange]:
        files = super().changes(export, _without_section(deployed))
        return [*files, self._section_change(export, deployed)]

    def write(self, export: Export, deployed: Mapping[str, str], *, force: bool = False) -> Written:
        change = self._section_change(export, deployed)
        if change.edited and not force:
            raise edited_error([SECTION], self.location)
        result = super().write(export, _without_section(deployed), force=force)
        if change.state != "same":
            self._replace(with_section(self._crontab(), export.slug, _section(export)))
        return Written(self.items(export), "", result.changed or change.state != "same")

    def states(self, export: Export, deployed: Mapping[str, str]) -> dict[str, ItemState]:
        states = super().states(export, _without_section(deployed))
        if SECTION in deployed:
            section = section_of(self._crontab(), export.slug)
            is_same = section is not None and digest_of(section.encode()) == deployed[SECTION]
            states[SECTION] = "missing" if section is None else "same" if is_same else "edited"
        return states

    def remove(self, export: Export, deployed: Mapping[str, str], *, force: bool = False) -> tuple[str, ...]:
        if self.states(export, deployed).get(SECTION) == "edited" and not force:
            raise edited_error([SECTION], self.location, "removed")
        notes = super().remove(export, _without_section(deployed), force=force)
        text = self._crontab()
        if section_of(text, export.slug) is not None:
            self._replace(without_section(text, export.slug))
        return notes

    def _section_change(self, export: Export, deployed: Mapping[str, str]) -> FileChange:
        section, present = _section(export), section_of(self._crontab(), export.slug)
        difference = text_diff(SECTION, (present or "").encode(), section.encode())
        if present is None:
            return FileChange(SECTION, "new", len(section), diff=difference)
        if present == section:
            return FileChange(SECTION, "same", len(section))
        edited = digest_of(present.encode()) != deployed.get(SECTION)
        return FileChange(SECTION, "changed", len(section), edited, difference)

    def _crontab(self) -> str:
        listed = call(["crontab", "-l"], where=self.location)
        if listed.returncode != 0 and not re.search(r"no crontab for", listed.stderr, re.IGNORECASE):
            raise UnreachableError(f"the crontab can't be read: {last_words(listed)}", where=self.location)
        return listed.stdout if listed.returncode == 0 else ""

    def _replace(self, text: str) -> None:
        finished = call(["crontab", "-"], where=self.location, text=text)
        if finished.returncode != 0:
            raise InvalidInputError(f"cron refused the crontab: {last_words(finished)}", where=self.location)


def _section(export: Export) -> str:
    """The lines of an export. Raises InvalidInputError if it has none."""
    content = export.files.get(f"{export.slug}.crontab")
    if content is None:
        raise InvalidInputError("the export has no crontab", where=export.job)
    return content.decode("utf-8")


def _without_section(deployed: Mapping[str, str]) -> dict[str, str]:
    return {path: digest for path, digest in deployed.items() if path != SECTION}


def _markers(name: str) -> tuple[str, str]:
    return f"# BEGIN jupyter_mlops {name}\n", f"# END jupyter_mlops {name}\n"


def section_of(text: str, name: str) -> str | None:
    """The lines between the markers of a job; None if there are none."""
    begin, end = _markers(name)
    lines = f"{text}\n" if text and not text.endswith("\n") else text
    match = re.search(f"^{re.escape(begin)}(.*?)^{re.escape(end)}", lines, re.MULTILINE | re.DOTALL)
    return None if match is None else match[1]


def without_section(text: str, name: str) -> str:
    """The crontab without a job's section."""
    begin, end = _markers(name)
    lines = f"{text}\n" if text and not text.endswith("\n") else text
    return re.sub(f"^{re.escape(begin)}.*?^{re.escape(end)}", "", lines, flags=re.MULTILINE | re.DOTALL)


def with_section(text: str, name: str, section: str) -> str:
    """The crontab with a job's section, at its end."""
    begin, end = _markers(name)
    return f"{without_section(text, name)}{begin}{section}{end}"
