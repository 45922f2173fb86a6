"""Running one case with all peers, in turns, and checking that each of them did the work."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.benchmarks.cases import CHANGED, Case
from tests.benchmarks.measure import Failed, Row, Sample, compare, run
from tests.benchmarks.runners import Runner, Script


def side_by_side(
    case: Case, peers: Sequence[Runner], rounds: int, base: Path, tell: Callable[[str], None], *, judge: bool = True
) -> list[Row]:
    """The rows of a case: each round runs every peer in a new folder, in the opposite order of the round before."""
    taking = [peer for peer in peers if peer.takes(case)]
    found: dict[str, dict[str, list[Sample] | str]] = {
        phase: {peer.name: [] for peer in taking} for phase in case.phases
    }
    notes: dict[str, dict[str, str]] = {phase: {} for phase in case.phases}
    able = []
    for peer in taking:
        try:
            peer.ready()
            able.append(peer)
        except Failed as reason:
            for phase in case.phases:
                found[phase][peer.name] = str(reason)
    for number in range(1, rounds + 1):
        expected = _expected(case, number, base)
        for peer in able if number % 2 else able[::-1]:
            tell(f"{case.title} · {peer.name} · round {number} of {rounds}")
            with tempfile.TemporaryDirectory(prefix="round-", dir=base, ignore_cleanup_errors=True) as folder:
                try:
                    peer.begin(case, Path(folder) / "peer")
                    _one_round(case, peer, number, Path(folder), expected, found, notes)
                except Failed as reason:
                    for phase in case.phases:
                        found[phase][peer.name] = str(reason)
                finally:
                    peer.end()
    rows = []
    for phase in case.phases:
        targets = {peer: aims for (at, peer), aims in case.targets.items() if at == phase} if judge else {}
        rows += compare(case.label(phase), found[phase], base=case.base, targets=targets, notes=notes[phase])
    return rows


def _one_round(
    case: Case,
    peer: Runner,
    number: int,
    folder: Path,
    expected: dict[str, str],
    found: dict[str, dict[str, list[Sample] | str]],
    notes: dict[str, dict[str, str]],
) -> None:
    for phase in case.phases:
        samples = found[phase][peer.name]
        if isinstance(samples, str):
            return
        folders = [folder] if case.copies == 1 else [folder / str(i) for i in range(case.copies)]
        for each in folders:
            each.mkdir(exist_ok=True)
            peer.write(case, number if phase == CHANGED else 0, each)
            (each / "out.ipynb").unlink(missing_ok=True)
        try:
            sample = peer.sample(folders)
            if any(peer.printed(each) != expected[phase] for each in folders):
                raise Failed("did not print what the script prints")
        except Failed as reason:
            for other in case.phases[case.phases.index(phase) :]:
                found[other][peer.name] = str(reason)
            return
        samples.append(sample)
        notes[phase][peer.name] = peer.note(folders[0])


def _expected(case: Case, number: int, base: Path) -> dict[str, str]:
    """What has to be printed in each phase. (It also brings what is imported into the page cache.)"""
    script = Script(base / "jupyter")
    found = {}
    with tempfile.TemporaryDirectory(prefix="expected-", dir=base) as made:
        folder = Path(made)
        for phase in case.phases:
            script.write(case, number if phase == CHANGED else 0, folder)
            run(script.command(folder), folder, script.environment(folder))
            found[phase] = script.printed(folder)
    return found
