"""Notify people of runs through Apprise: mail, Slack, Teams, webhooks and others."""

from __future__ import annotations

import json
import logging
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops.execution.redaction import Redaction
from jupyter_mlops.jobs.policies import Policies
from jupyter_mlops.jobs.records import Run
from jupyter_mlops.jobs.secrets import reveal
from jupyter_mlops.states import EXPERIMENTS

if TYPE_CHECKING:
    from jupyter_mlops.jobs.catalog import Catalog
    from jupyter_mlops.jobs.run_queue import RunQueue

log = logging.getLogger("jupyter_mlops.notify")
TITLES = {
    "failure": "{job} failed",
    "recovery": "{job} succeeds again",
    "long-running": "{job} is taking long",
    "first-success": "{job} ran for the first time",
}


def events_of(run: Run, before: Run | None, first: bool) -> list[str]:
    """The events of a finished run, most significant first.

    :param before: the previous run that completed or failed; `first`: no other run has ever completed.
    """
    if run.state == "failed":
        return ["failure"]
    if run.state != "completed":
        return []
    recovered = before is not None and before.state == "failed"
    return ["first-success"] * first + ["recovery"] * recovered


class Notifier:
    """Sends notifications. Failures to send are logged and never raised."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.long: set[str] = set()

    def run_finished(self, run: Run, queue: RunQueue, catalog: Catalog) -> None:
        """Send the notification for a finished run, if its job's policies ask for one.

        :param run: as it was claimed; its current state is read from the queue.
        """
        self.long.discard(run.id)
        rules = Policies() if run.job_id is None else Policies.kept(catalog.job_by_id(run.job_id).policies)
        if rules.notify and run.trigger not in EXPERIMENTS:
            ended = queue.run(run.id)
            self.after(ended, rules, queue.before(ended), queue.is_first_success(ended))

    def after(self, run: Run, rules: Policies, before: Run | None, first: bool) -> None:
        """Send at most one notification for a finished run, the most significant event first."""
        events = [event for event in events_of(run, before, first) if event in rules.notify_on]
        if events:
            self._send_if_due(events[0], run, rules)

    def run_is_long(self, run: Run, rules: Policies) -> bool:
        """Whether a running run now counts as long-running; True at most once for each run."""
        if rules.long_running is None or run.started is None or run.id in self.long or run.trigger in EXPERIMENTS:
            return False
        if time.time() - run.started < rules.long_running:
            return False
        self.long.add(run.id)
        return True

    def while_running(self, run: Run, rules: Policies) -> None:
        """Send the notification for a long-running run."""
        self._send_if_due("long-running", run, rules)

    def _send_if_due(self, event: str, run: Run, rules: Policies) -> None:
        if event not in rules.notify_on or not rules.notify:
            return
        title, body = message(event, run)
        facts = {"event": event, "job": run.subject, "run": run.id, "state": run.state, "error": run.error}
        for address in rules.notify:
            try:
                if address.startswith("secret:"):
                    address = reveal([address.removeprefix("secret:")], self.home)[address.removeprefix("secret:")]
                send(address, title, body, facts)
            except Exception as error:  # senders may raise anything
                log.warning("run %s: notification not sent: %s", run.id, Redaction([address]).text(str(error)))


def message(event: str, run: Run) -> tuple[str, str]:
    """Title and text of a notification."""
    version = "" if run.version is None else f" v{run.version}"
    lines = [f"Run {run.id} of {run.subject}{version}: {run.state}."]
    if run.error:
        place = f"step {run.error['step']}, cell {run.error['cell'] + 1}: " if run.error.get("step") else ""
        lines.append(f"{place}{run.error.get('ename')}: {run.error.get('evalue')}")
    if run.seconds is not None:
        lines.append(f"It took {run.seconds:.1f} s.")
    return TITLES[event].format(job=run.subject), "\n".join(lines)


def send(address: str, title: str, body: str, facts: Mapping[str, Any]) -> None:
    """Send to an Apprise URL, or as JSON to a plain `http(s)://` one. Raises OSError or ValueError."""
    if address.startswith(("http://", "https://")):
        data = json.dumps({"title": title, "text": body, **facts}).encode()
        request = urllib.request.Request(address, data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=20):
            return
    try:
        import apprise
    except ImportError:
        raise ValueError("Apprise is not installed: pip install 'jupyter_mlops[notify]'") from None
    sender = apprise.Apprise()
    if not sender.add(address):
        raise ValueError("Apprise does not know this address")
    if not sender.notify(body=body, title=title):
        raise ValueError("the notification could not be delivered")
