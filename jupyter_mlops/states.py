"""The states of runs, steps and slots, and the policies of schedules: each declared once."""

from __future__ import annotations

from typing import Literal, get_args

RunState = Literal["queued", "running", "completed", "failed", "stopped", "missed", "skipped"]
StepState = Literal["queued", "running", "completed", "cached", "failed", "skipped", "stopped"]
SlotState = Literal["queued", "missed", "skipped"]
MissedPolicy = Literal["latest", "all", "skip"]
OverlapPolicy = Literal["queue", "skip", "allow", "replace"]

RUN_STATES: tuple[RunState, ...] = get_args(RunState)
MISSED_POLICIES: tuple[MissedPolicy, ...] = get_args(MissedPolicy)
OVERLAP_POLICIES: tuple[OverlapPolicy, ...] = get_args(OverlapPolicy)
ACTIVE: tuple[RunState, ...] = ("queued", "running")
FINISHED: tuple[RunState, ...] = ("completed", "failed", "stopped")
EXPERIMENTS = ("why", "backtest")  # triggers of runs that count neither as successes nor as failures of their job
