"""Causes of results that differ from run to run, by kind."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

CLOCKS = re.compile(
    r"time\.(time|time_ns|perf_counter|perf_counter_ns|monotonic|monotonic_ns|process_time|process_time_ns|thread_time"
    r"|thread_time_ns)|timeit\.default_timer|datetime\.datetime\.(now|utcnow|today)"
)


class VolatilityKind(StrEnum):
    CLOCK = "clock"  # the clock, in a way that a stopwatch reads it
    PROCESS = "process"  # which process or thread this is
    DESCRIPTOR = "descriptor"  # a number or an address that means something in this process alone
    GENERATOR = "generator"  # the state of a random generator
    OTHER = "other"


OF_CALLS = (
    (VolatilityKind.CLOCK, CLOCKS),
    (VolatilityKind.PROCESS, re.compile(r"os\.getp?pid|threading\.\w+|psutil\..*")),
    (
        VolatilityKind.DESCRIPTOR,
        re.compile(
            r"os\.(open|pipe2?|dup2?|openpty|memfd_create|eventfd)|tempfile\.mkstemp|ctypes\.addressof"
            r"|.*\.(fileno|buffer_info)"
        ),
    ),
    (VolatilityKind.GENERATOR, re.compile(r"random\.getstate|numpy\.random\.get_state|torch\..*get_rng_state")),
)


@dataclass(frozen=True)
class Volatility:
    """One cause.

    :param text: as the code names it, for people.
    """

    kind: VolatilityKind
    text: str

    def __str__(self) -> str:
        return self.text


def of_call(name: str) -> Volatility:
    """The cause that a call of a function is.

    :param name: dotted name of the function, resolved through the imports.
    """
    kind = next((kind for kind, pattern in OF_CALLS if pattern.fullmatch(name)), VolatilityKind.OTHER)
    return Volatility(kind, f"{name}()")
