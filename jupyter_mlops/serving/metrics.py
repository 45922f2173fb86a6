"""Counters of a server, shared by its processes, and their Prometheus text.

Each process writes to its own row of a mapped file and reads all rows, so that any process can answer for all.
"""

from __future__ import annotations

import bisect
import mmap
from collections.abc import Mapping
from pathlib import Path

PROTOCOLS = ("v2", "invocations", "other")
STATUSES = (200, 400, 401, 403, 404, 405, 408, 413, 415, 500, 503, 504)
BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
COUNTERS = ("in_progress", "swaps", "load_failures", "logged", "log_dropped")
PER_PROTOCOL = len(STATUSES) + 1 + len(BUCKETS) + 2  # other statuses; buckets; above the last one; sum of seconds
ROW = len(PROTOCOLS) * PER_PROTOCOL + len(COUNTERS)
TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """The counters of one process, and the sums over all.

    :param path: a file of `create`; None: this process alone.
    """

    def __init__(self, path: Path | None = None, row: int = 0, rows: int = 1) -> None:
        size = ROW * 8 * rows
        if path is None:
            self.memory = mmap.mmap(-1, size)
        else:
            with path.open("r+b") as file:
                self.memory = mmap.mmap(file.fileno(), size)
        self.values = memoryview(self.memory).cast("d")
        self.start, self.rows = row * ROW, rows

    @staticmethod
    def create(path: Path, rows: int) -> None:
        path.write_bytes(bytes(ROW * 8 * rows))

    def observe(self, protocol: str, status: int, seconds: float) -> None:
        """Count an answered request."""
        base = self.start + PROTOCOLS.index(protocol) * PER_PROTOCOL
        place = STATUSES.index(status) if status in STATUSES else len(STATUSES)
        self.values[base + place] += 1
        latency = base + len(STATUSES) + 1
        self.values[latency + bisect.bisect_left(BUCKETS, seconds)] += 1
        self.values[latency + len(BUCKETS) + 1] += seconds

    def add(self, counter: str, amount: float = 1) -> None:
        self.values[self.start + ROW - len(COUNTERS) + COUNTERS.index(counter)] += amount

    def _sums(self) -> list[float]:
        return [sum(self.values[row * ROW + place] for row in range(self.rows)) for place in range(ROW)]

    def total(self, counter: str) -> float:
        """A counter, summed over all processes."""
        return self._sums()[ROW - len(COUNTERS) + COUNTERS.index(counter)]

    def text(self, model: Mapping[str, str]) -> str:
        """The metrics in Prometheus' text format.

        :param model: labels of the model that is served.
        """
        sums = self._sums()
        counters = dict(zip(COUNTERS, sums[-len(COUNTERS) :], strict=True))
        lines = ["# HELP mlops_serve_requests_total Requests answered.", "# TYPE mlops_serve_requests_total counter"]
        errors = ["# HELP mlops_serve_errors_total Requests answered with a status of 400 or above.",
                  "# TYPE mlops_serve_errors_total counter"]  # fmt: skip
        latencies = ["# HELP mlops_serve_request_seconds Seconds from a request's headers to its answer.",
                     "# TYPE mlops_serve_request_seconds histogram"]  # fmt: skip
        for number, protocol in enumerate(PROTOCOLS):
            base = number * PER_PROTOCOL
            counts = sums[base : base + len(STATUSES) + 1]
            for code, count in zip((*STATUSES, "other"), counts, strict=True):
                if count:
                    lines.append(f'mlops_serve_requests_total{{protocol="{protocol}",code="{code}"}} {count:g}')
            errors.append(f'mlops_serve_errors_total{{protocol="{protocol}"}} {sum(counts[1:]):g}')
            latencies += self._histogram(protocol, sums[base + len(STATUSES) + 1 : base + PER_PROTOCOL])
        labels = ",".join(f'{name}="{_escaped(value)}"' for name, value in model.items())
        return "\n".join([
            *lines, *errors, *latencies,
            "# HELP mlops_serve_model_info The model that is served.", "# TYPE mlops_serve_model_info gauge",
            f"mlops_serve_model_info{{{labels}}} 1",
            "# HELP mlops_serve_model_version The number of the version that is served.",
            "# TYPE mlops_serve_model_version gauge",
            f"mlops_serve_model_version {model.get('version', 'v0').lstrip('v') or 0}",
            "# HELP mlops_serve_in_progress Requests in progress.", "# TYPE mlops_serve_in_progress gauge",
            f"mlops_serve_in_progress {max(0.0, counters['in_progress']):g}",
            *(line for name in ("swaps", "load_failures", "logged", "log_dropped") for line in (
                f"# TYPE mlops_serve_{name}_total counter", f"mlops_serve_{name}_total {counters[name]:g}")), "",
        ])  # fmt: skip

    @staticmethod
    def _histogram(protocol: str, values: list[float]) -> list[str]:
        lines, count = [], 0.0
        for bound, value in zip((*BUCKETS, "+Inf"), values[:-1], strict=True):
            count += value
            lines.append(f'mlops_serve_request_seconds_bucket{{protocol="{protocol}",le="{bound}"}} {count:g}')
        return [
            *lines,
            f'mlops_serve_request_seconds_sum{{protocol="{protocol}"}} {values[-1]:.9g}',
            f'mlops_serve_request_seconds_count{{protocol="{protocol}"}} {count:g}',
        ]


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
