"""Progress of a run for people: a live table on a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from typing import Any, Protocol

from jupyter_mlops.execution import retry

MARKS = {
    "queued": "◌", "running": "◐", "completed": "✓", "cached": "✓", "failed": "✖", "skipped": "–", "stopped": "■",
}  # fmt: skip
COLOURS = {"running": "cyan", "completed": "green", "cached": "green dim", "failed": "red bold", "stopped": "yellow"}


def waiting_message(event: dict[str, Any]) -> str:
    """`waits for the worker: 2 runs go on, 1 waits before it`"""
    return f"waits for the worker: {event['running']} running, {event['queued']} before it in the queue"


class Progress(Protocol):
    def handle_event(self, event: dict[str, Any]) -> None: ...

    def summary(self, record: dict[str, Any]) -> None: ...


class Silent:
    """Shows nothing."""

    def handle_event(self, event: dict[str, Any]) -> None:
        pass

    def summary(self, record: dict[str, Any]) -> None:
        pass


class Lines:
    """Prints a line to standard error for each step that ends."""

    def handle_event(self, event: dict[str, Any]) -> None:
        if event["event"] == "step" and event["state"] != "running":
            reason = f"  {event['why']}" if event.get("why") else ""
            print(
                f"{MARKS[event['state']]} {event['step']}  {event['state']}  {event['seconds']:.2f} s{reason}",
                file=sys.stderr,
            )
        elif event["event"] == "retry":
            print(f"  {event['step']}: {retry.told(event)}", file=sys.stderr)
        elif event["event"] == "waiting":
            print(waiting_message(event), file=sys.stderr)
        elif event["event"] == "discarded":
            print(f"  {event['step']} runs again on the main line: {event['why']}", file=sys.stderr)

    def summary(self, record: dict[str, Any]) -> None:
        print_summary(record)


class Table:
    """Shows the steps as a live table on the terminal."""

    def __init__(self, live: Any) -> None:
        self.live = live
        self.steps: dict[str, dict[str, Any]] = {}
        self.start_times: dict[str, float] = {}
        self.waiting_text = ""

    def handle_event(self, event: dict[str, Any]) -> None:
        if event["event"] == "waiting":
            self.waiting_text = waiting_message(event)
        elif event["event"] == "run":
            self.waiting_text = ""
            self.steps = {name: {"state": "queued", "seconds": None, "why": ""} for name in event["steps"]}
        elif event["event"] == "step" and event["step"] in self.steps:
            self.steps[event["step"]].update(
                state=event["state"], seconds=event.get("seconds"), why=event.get("why", "")
            )
            if event["state"] == "running":
                self.start_times[event["step"]] = time.monotonic()
        elif event["event"] == "cell" and event["step"] in self.steps:
            self.steps[event["step"]]["why"] = f"cell {event['cell'] + 1}"
        elif event["event"] == "retry" and event["step"] in self.steps:
            self.steps[event["step"]]["why"] = retry.told(event)
        self.live.update(self)

    def __rich__(self) -> Any:
        from rich.table import Table as Grid
        from rich.text import Text

        grid = Grid.grid(padding=(0, 2))
        if self.waiting_text:
            grid.add_row(Text(self.waiting_text, style="dim"))
        for name, facts in self.steps.items():
            state = facts["state"]
            seconds = facts["seconds"]
            if state == "running":
                seconds = time.monotonic() - self.start_times.get(name, time.monotonic())
            mark = Text(f"{MARKS[state]} {state}", style=COLOURS.get(state, "dim"))
            grid.add_row(mark, name, "" if seconds is None else f"{seconds:.1f} s", Text(facts["why"], style="dim"))
        return grid

    def summary(self, record: dict[str, Any]) -> None:
        print_summary(record)


def print_summary(record: dict[str, Any]) -> None:
    """The summary of a run: its state, its failure, its metrics, and the path of the executed notebook."""
    error = record["error"]
    if error is not None:
        print(
            f"✖ {record['state']}: step {error['step']!r}, cell {error['cell'] + 1}: "
            f"{error['ename']}: {error['evalue']}"
        )
        for line in notebook_frames(error["traceback"]):
            print(f"    {line}")
    else:
        print(f"{MARKS[record['state']]} {record['state']}")
    for fusion in record["fused"]:
        kind = f" ({fusion['type']})" if fusion["type"] else ""
        print(f"  kept in one kernel from {fusion['made_by']} on: `{fusion['variable']}`{kind}: {fusion['why']}")
    for name, value in record["metrics"].items():
        print(f"  {name} = {value:.6g}" if isinstance(value, float) else f"  {name} = {value}")
    print(record["output"])


def notebook_frames(traceback: list[str]) -> list[str]:
    """The lines of a traceback that concern the notebook's own cells, and the last line."""
    import re

    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in traceback]
    arrows = [line.strip() for line in lines for line in line.splitlines() if line.lstrip().startswith("---->")]
    return arrows[-3:]


@contextlib.contextmanager
def progress(quiet: bool) -> Iterator[Progress]:
    """The progress display that suits the output stream."""
    if quiet:
        yield Silent()
    elif sys.stderr.isatty() and sys.stdout.isatty():
        from rich.console import Console
        from rich.live import Live

        with Live(console=Console(stderr=True), refresh_per_second=8, transient=False) as live:
            yield Table(live)
    else:
        yield Lines()
