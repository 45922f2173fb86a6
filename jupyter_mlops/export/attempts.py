"""Attempts in POSIX shell, for engines that don't repeat by exit code: exit code 2 is never repeated."""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_mlops.export.step_command import INVALID_INPUT


def seconds(value: float) -> str:
    """A number of seconds as people write it: `30`, `0.5`."""
    return f"{value:g}" if value != int(value) else str(int(value))


def waits(retries: int, backoff: float) -> list[float]:
    """Seconds before each repetition, twice as long each time."""
    return [backoff * 2**number for number in range(retries)]


def attempts(command: Sequence[str], retries: int, backoff: float, number: str = "attempt") -> list[str]:
    """Shell lines that run a command until it succeeds, and leave its exit code in `code`.

    The shell may run with `set -e`.

    :param command: the lines of the command, the later ones indented by the caller.
    :param number: the variable that has the number of the attempt, from 1.
    """
    if not retries:
        return [f"{number}=1", "code=0", *command[:-1], f"{command[-1]} || code=$?"]
    return [
        f"{number}=1",
        f"pause={max(1, round(backoff))}",
        "while :; do",
        "  code=0",
        *(f"  {line}" for line in command[:-1]),
        f"  {command[-1]} || code=$?",
        f"  # {INVALID_INPUT} means that the input is wrong: another attempt can't succeed.",
        f'  if [ "$code" -eq 0 ] || [ "$code" -eq {INVALID_INPUT} ] || [ "${number}" -gt {retries} ]; then break; fi',
        f'  echo "Attempt ${number} ended with exit code $code; the next one begins in $pause s." >&2',
        '  sleep "$pause"',
        f"  {number}=$(({number} + 1))",
        "  pause=$((pause * 2))",
        "done",
    ]
