"""Profiles that runs left, compared with those of other runs; the findings are in the database."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import delete, insert, select

from jupyter_mlops.db import tables as t
from jupyter_mlops.db.database import Database
from jupyter_mlops.jobs.capsules import capsules_of
from jupyter_mlops.jobs.records import Run
from jupyter_mlops.storage.store import Store
from jupyter_mlops.tracking.frame_tests import RunTimes
from jupyter_mlops.tracking.origin import Origin, StepProfiles, locate

Basis = Literal["baseline", "previous"]
MOST_EARLIER = 30


class DriftRecords:
    """Findings of the runs of one database."""

    def __init__(self, db: Database, store: Store, clock: Callable[[], float] = time.time) -> None:
        self.db, self.store, self.clock = db, store, clock

    def has_profiles(self, run_ids: Sequence[str]) -> list[str]:
        """Those of the runs that left profiles, in the given order."""
        rows = self._profiles(run_ids)
        present = {row["run_id"] for row in rows}
        return [run_id for run_id in run_ids if run_id in present]

    def steps(self, run: Run, reference: Run | None = None) -> list[StepProfiles]:
        """The profiles at the steps of a run, in the order of its steps.

        :param reference: a run to compare the capsule with, to tell what changed.
        """
        profiles: dict[str, dict[str, Any]] = {}
        for row in self._profiles([run.id]):
            profiles.setdefault(row["step"], {})[row["variable"]] = json.loads(self.store.get(row["digest"]))
        capsule, other = self._capsule(run), self._capsule(reference)
        order = [*(str(step["name"]) for step in run.steps), *profiles]
        latest: dict[str, Any] = {}
        result = []
        for name in dict.fromkeys(order):
            if name in profiles:
                facts = _step_facts(capsule, name)
                reads = {key: value for key, value in latest.items() if facts is None or key in facts["variables"]}
                changed = (None, None) if reads else _changes(capsule, other, name)
                result.append(StepProfiles(name, reads, profiles[name], *changed))
                latest.update(profiles[name])
        return result

    def compare(self, run: Run, reference: Run, basis: Basis, earlier: Sequence[str] = ()) -> list[Origin]:
        """Compare a run with a reference, and store what was found in place of earlier findings of the same basis.

        :param earlier: ids of runs whose numbers of rows say what is usual.
        :raises StoreError: if a profile can't be read.
        """
        rows: dict[tuple[str, str], list[int]] = {}
        for row in self._profiles(list(earlier)[:MOST_EARLIER]):
            rows.setdefault((row["step"], row["variable"]), []).append(int(row["rows"]))
        moments = [datetime.fromtimestamp(part.slot or part.created, UTC) for part in (reference, run)]
        origins = locate(
            self.steps(reference), self.steps(run, reference), earlier_rows=rows, times=RunTimes(*moments)
        )  # fmt: skip
        with self.db.write() as c:
            c.execute(delete(t.finding).where(t.finding.c.run_id == run.id, t.finding.c.basis == basis))
            for origin in origins:
                c.execute(insert(t.finding).values(**self._row(run, reference, basis, origin)))
        return origins

    def findings(self, run_id: str) -> list[dict[str, Any]]:
        """What comparisons of a run found, in the order in which they are shown."""
        with self.db.read() as c:
            rows = c.execute(select(t.finding).where(t.finding.c.run_id == run_id).order_by(t.finding.c.id))
            return [dict(row) for row in rows.mappings()]

    def _row(self, run: Run, reference: Run, basis: Basis, origin: Origin) -> dict[str, Any]:
        return {
            "run_id": run.id, "basis": basis, "reference": reference.id, "step": origin.step,
            "variable": origin.variable, "name": origin.finding.column, "kind": origin.finding.kind,
            "cause": origin.cause, "document": plain(asdict(origin)), "created": self.clock(),
        }  # fmt: skip

    def _profiles(self, run_ids: Sequence[str]) -> list[Mapping[str, Any]]:
        query = select(t.profile).where(t.profile.c.run_id.in_(run_ids)).order_by(t.profile.c.id)
        with self.db.read() as c:
            return [dict(row) for row in c.execute(query).mappings()]

    def _capsule(self, run: Run | None) -> dict[str, Any] | None:
        return None if run is None else capsules_of(self.db, self.store, [run.id]).get(run.id)


def _step_facts(capsule: Mapping[str, Any] | None, step: str) -> dict[str, Any] | None:
    facts = ((capsule or {}).get("steps") or {}).get(step)
    return dict(facts) if facts and "variables" in facts else None


def _changes(
    capsule: Mapping[str, Any] | None, reference: Mapping[str, Any] | None, step: str
) -> tuple[bool | None, bool | None]:
    """Whether code and inputs of a step differ from the reference's, as far as both capsules say."""
    if capsule is None or reference is None:
        return None, None
    code = (
        None
        if None in (capsule.get("version"), reference.get("version"))
        else capsule["version"] != reference["version"]
    )
    facts = [_step_facts(part, step) for part in (capsule, reference)]
    if facts[0] is None or facts[1] is None:
        return code, None
    files = [{path: file["digest"] for path, file in part.get("files", {}).items()} for part in facts if part]
    return code, files[0] != files[1] or capsule.get("parameters") != reference.get("parameters")


def plain(value: Any) -> Any:
    """A value for JSON: NaN and infinity as texts."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value
