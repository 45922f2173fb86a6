"""The run loop: one main line in notebook order, helpers ahead of it, results adopted in order."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import signal
import time
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import nbformat
from nbclient.exceptions import CellExecutionError

from jupyter_mlops.config import RunConfig
from jupyter_mlops.errors import KernelDied, MlopsError, NotEqual, RunFailed, RunStopped, TimedOut
from jupyter_mlops.kernels.preload import SAFE, preload
from jupyter_mlops.pipeline.model import Block, Pipeline, Settings
from jupyter_mlops.run import plan, retry
from jupyter_mlops.run.cache import Cache, key_of
from jupyter_mlops.run.evidence import Evidence, block_id, learn
from jupyter_mlops.run.kernels import Kernels
from jupyter_mlops.run.launch import Fork, Wanted
from jupyter_mlops.run.line import Artifact, BlockResult, Line
from jupyter_mlops.run.record import Record
from jupyter_mlops.run.redaction import Flow, Redaction
from jupyter_mlops.run.session import Session, blank_copy

EAGER = 1 << 25  # bytes of a pickle up to which the main kernel loads what it may not need


@dataclass(frozen=True)
class Options:
    """What one run was asked for.

    :param jobs: kernels at most, the main line's included.
    :param isolate: each step in a kernel of its own, as clusters do.
    :param redo_from: steps from this one on run even if a result is kept.
    :param only: run this step, and before it what it stands on and has no kept result.
    :param stop_before: end where this step would begin; the main kernel has its inputs then, and is left alone.
    :param cell_timeout: seconds a cell may take; run_timeout: seconds the run may take.
    :param env: environment variables of the kernels; None: those of this process.
    :param secrets: values that are taken out of all that is shown and kept.
    """

    jobs: int = 1
    isolate: bool = False
    redo_from: str = ""
    only: str = ""
    stop_before: str = ""
    cell_timeout: float | None = None
    run_timeout: float | None = None
    env: Mapping[str, str] | None = None
    secrets: tuple[str, ...] = ()


@dataclass
class Outcome:
    """What became of a run. `error` has step, cell (position), ename, evalue and traceback; `wrote` are files."""

    state: str = "completed"
    steps: list[plan.StepRecord] = field(default_factory=list)
    metrics: dict[str, float | int | str] = field(default_factory=dict)
    error: dict[str, Any] | None = None
    fused: list[dict[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    wrote: list[str] = field(default_factory=list)


@dataclass
class Ahead:
    """A helper at work on a block."""

    task: asyncio.Task[tuple[BlockResult, Session] | None]
    wrote_files_at: int
    running: bool = False


class RunLoop:
    """Runs a pipeline once."""

    def __init__(
        self,
        pipeline: Pipeline,
        record: Record,
        kernel_name: str,
        cwd: str,
        folder: Path,
        *,
        config: RunConfig | None = None,
        options: Options | None = None,
        cache: Cache | None = None,
        base: str = "",
        evidence: Evidence | None = None,
        kernels: Kernels | None = None,
        tell: Callable[[dict[str, Any]], None] = lambda event: None,
    ) -> None:
        self.kernels = kernels or Kernels()
        self.pipeline, self.record, self.kernel_name, self.cwd = pipeline, record, kernel_name, cwd
        self.folder, self.cache, self.base, self.tell = folder, cache, base, tell
        self.config, self.options = config or RunConfig(), options or Options()
        self.evidence = evidence or Evidence(None)
        self.python = pipeline.language == "python"
        self.blocks = pipeline.blocks
        self.steps = {s.name: s for s in pipeline.steps}
        self.prev = plan.prev_pairs(pipeline)
        self.modules = frozenset(n for b in self.blocks for n in b.access.modules)
        self.line = Line()
        self.main: Session | None = None
        self.idle: list[Session] = []
        self.ahead: dict[int, Ahead] = {}
        self.tried: set[int] = set()
        self.failed: list[tuple[Block, frozenset[str]]] = []
        self.displays: dict[str, dict[int, list[int]]] = {}
        self.records = {s.name: plan.StepRecord(s.name) for s in pipeline.steps}
        self.states: dict[str, list[str]] = {s.name: [] for s in pipeline.steps}
        self.outcome = Outcome(steps=list(self.records.values()))
        self.storing: list[asyncio.Task[None]] = []
        self.stop_reason = ""
        self.current: Block | None = None
        self.pinned = plan.pinned_until(self.blocks)
        retried = [b.index for b in self.blocks if b.owner in self.steps and self.steps[b.owner].settings.retries]
        self.retried_until = max(retried, default=0)
        beside = {p.stem for p in Path(cwd).glob("*") if p.suffix == ".py" or p.is_dir()}
        sources = [c.source for c in record.nb.cells]
        self.redaction = Redaction(self.options.secrets)
        self.flows: dict[str, Flow] = {}
        if self.redaction:
            record.before_save = self._hide
        self.facts = {
            "axes_apart": plan.axes_apart(sources, self.blocks, beside),
            "memory_seen": plan.memory_seen(sources),
            "identity_seen": plan.identity_seen(sources),
        }
        self.base = f"{self.base} {self.facts}"
        self.preload = preload((m for b in self.blocks for m in b.access.imports), {*SAFE, *self.config.fork_safe})
        self.all_kept = False
        self.began_at = time.monotonic()
        self.started: set[str] = set()

    # -- the whole run

    async def run(self) -> Outcome:
        """Run to the end, to the first failure that leaves nothing to do, or until it is stopped."""
        work = asyncio.ensure_future(self._run())
        handled = self._catch_signals(work) if self.kernels.hears_signals else []
        try:
            done, _ = await asyncio.wait({work}, timeout=self.options.run_timeout)
            if not done:
                self._stop(work, f"the run took longer than {self.options.run_timeout:g} s")
                with contextlib.suppress(asyncio.CancelledError):
                    await work
                self._fail_current("TimedOut", self.stop_reason)
            else:
                await work
        except asyncio.CancelledError:
            if not self.stop_reason:
                self.stop_reason = "cancelled"
                work.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await work
            self.outcome.state = "stopped"
            self._mark_current("stopped")
        finally:
            for number in handled:
                asyncio.get_running_loop().remove_signal_handler(number)
        if not self.stop_reason and self.main is not None and self.main.client is not None:
            self.main.client.set_widgets_metadata()
        self._settle()
        return self.outcome

    def _catch_signals(self, work: asyncio.Future[None]) -> list[signal.Signals]:
        handled = []
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                asyncio.get_running_loop().add_signal_handler(number, self._stop, work, number.name)
                handled.append(number)
        return handled

    def _stop(self, work: asyncio.Future[None], reason: str) -> None:
        if not self.stop_reason:
            self.stop_reason = reason
            work.cancel()

    async def _run(self) -> None:
        self.all_kept = await self._everything_kept()
        for block in self.blocks:
            self.current = block
            if block.owner == self.options.stop_before:
                await self._leave_before(block)
                return
            if not self._wanted(block):
                self._finish_block(block, "skipped", 0.0)
                continue
            cause = plan.poisoned(block, self.failed, self.line, self.prev) if self.failed else ""
            if cause or (self.failed and not self.config.keep_going):
                self.failed.append((block, frozenset()))
                self._finish_block(block, "skipped", 0.0, why=f"{cause} failed" if cause else "an earlier step failed")
                continue
            try:
                await self._retire(block)
            except _LeftEarly:
                self.current = None
                self.outcome.notes.append(f"cell {block.cells[-1] + 1} ended the run with sys.exit()")
                return
            except MlopsError as error:
                self._failed(block, error)
        self.current = None
        if self.storing:
            await asyncio.gather(*self.storing)

    async def _leave_before(self, block: Block) -> None:
        """Give the main kernel what a block needs, and let go of it. Raises what an earlier block failed with."""
        self.current = None
        if self.failed:
            return
        main = await self._main_session()
        await self._bring(main, block)
        await main.greet()
        self.main = None
        main.leave()
        if self.storing:
            await asyncio.gather(*self.storing)

    def _wanted(self, block: Block) -> bool:
        if not self.options.only:
            return True
        needed = plan.needed_for(self.options.only, self.pipeline)
        last = max(b.index for b in self.blocks if b.owner == self.options.only)
        return block.index <= last and (block.role != "step" or block.owner in needed)

    def _redo(self, block: Block) -> bool:
        if self.options.only:
            return block.owner == self.options.only
        if not self.options.redo_from:
            return False
        return block.index >= min(b.index for b in self.blocks if b.owner == self.options.redo_from)

    async def _everything_kept(self) -> bool:
        """Whether every block has a kept result: then no kernel is needed at all."""
        if self.cache is None or not self.python or self.options.stop_before:
            return False
        line = Line()
        for block in self.blocks:
            if not self._wanted(block):
                continue
            found = None if self._redo(block) else self.cache.find(self._key(block, line), line)
            if found is None:
                return False
            self._advance(line, block, found)
            await asyncio.sleep(0)
        return True

    # -- one block

    async def _retire(self, block: Block) -> None:
        self._begin_step(block)
        found = self._kept(block)
        if found is not None:
            key = block_id(self._sources(block))
            self.evidence.put(key, self.evidence.get(key) or learn(found))
            self._adopt(block, found, "cached")
            return
        result = await self._from_helper(block)
        if result is not None:
            self._store(block, result)
            self._adopt(block, result, "completed")
            return
        await self._on_main(block)
        if self.options.isolate:
            await self._renew(block)

    def _kept(self, block: Block) -> BlockResult | None:
        if self.cache is None or not self.python or self._redo(block) or not block.cells:
            return None
        later = [b for b in self.blocks[block.index + 1 :] if self._wanted(b)]
        if not self.all_kept and (block.index < self.pinned or self.line.stuck or plan.module_changes(block, later)):
            return None
        found = self.cache.find(self._key(block, self.line), self.line)
        if found is None or self.all_kept:
            return found
        return None if found.stuck or plan.why_incomplete(found, later) else found

    def _key(self, block: Block, line: Line) -> str:
        cells = self.record.nb.cells
        raises = any("raises-exception" in cells[i].metadata.get("tags", []) for i in block.cells)
        opaque = plan.opaque(block)
        base = self.base
        if opaque:
            before = [cells[i].source for b in self.blocks[: block.index] for i in b.cells]
            base = hashlib.blake2b("\0".join([base, *before]).encode(), digest_size=16).hexdigest()
        return key_of(block, [cells[i].source for i in block.cells], raises or opaque, line, base, opaque)

    def _advance(self, line: Line, block: Block, result: BlockResult) -> None:
        """Move the line on over a block: from here on it is as if the block had run."""
        for name in block.effects.modules_changed:
            line.touched_modules[name] = f"{block.index}:{block_id(self._sources(block))}"
        if opened := plan.opens_descriptor(block):
            line.stuck_for_good["descriptors"] = f"what {opened} opened"
        drew = line.drew_unseeded(result)
        line.apply(result, block.access.imports)
        line.unseeded |= set(drew)

    def _adopt(self, block: Block, result: BlockResult, state: str) -> None:
        cells = self.record.nb.cells
        places = sorted(result.cells)
        for offset, index in enumerate(block.cells):
            kept, cell = result.cells[places[offset]], cells[index]
            cell.outputs = [nbformat.from_dict(o) for o in kept["outputs"]]
            cell.execution_count = self.line.count + offset
            for output in cell.outputs:
                if output.output_type == "execute_result":
                    output["execution_count"] = cell.execution_count
            times = kept.get("papermill") or {}
            cell.metadata.setdefault("papermill", nbformat.from_dict({})).update(nbformat.from_dict(times))
            if kept.get("execution"):
                cell.metadata["execution"] = nbformat.from_dict(kept["execution"])
            cell.metadata.papermill["status"] = "completed"
        self._retired(block, result)
        self._finish_block(block, state, 0.0 if state == "cached" else result.seconds, result)

    def _retired(self, block: Block, result: BlockResult) -> None:
        self._advance(self.line, block, result)
        now_at = dict(zip(sorted(result.cells), block.cells, strict=True))
        for update in result.updates:
            self._update_displays(update, block)
        for display_id, places in result.displays.items():
            known = self.displays.setdefault(display_id, {})
            known.update({now_at[int(cell)]: at for cell, at in places.items()})
        self.outcome.metrics.update(result.metrics)

    def _update_displays(self, update: Mapping[str, Any], block: Block) -> None:
        for index, places in self.displays.get(update["id"], {}).items():
            outputs = self.record.nb.cells[index].outputs
            for at in places:
                if index not in block.cells and at < len(outputs):
                    outputs[at]["data"] = nbformat.from_dict(update["data"])
                    outputs[at]["metadata"] = nbformat.from_dict(update["metadata"])

    # -- on the main line

    async def _on_main(self, block: Block) -> None:
        step = self.steps.get(block.owner)
        settings = step.settings if step is not None else Settings()
        failed_before = list(self.failed)
        for attempt in range(1, settings.retries + 2):
            if step is not None:
                self.records[block.owner].attempts = max(attempt, self.records[block.owner].attempts)
            try:
                result = await self._attempt(block, settings.timeout)
            except RunFailed as error:
                if not await self._begins_again(block, attempt, settings, error):
                    raise
                self.failed = list(failed_before)
                continue
            self._store(block, result)
            self._retired(block, result)
            if self.main is not None:
                self._now_has(self.main, result)
            self._finish_block(block, "completed", result.seconds, result)
            return

    async def _begins_again(self, block: Block, attempt: int, settings: Settings, error: RunFailed) -> bool:
        """Whether a block that failed is to run again, once it is time; the main kernel is gone then."""
        attempts = settings.retries + 1
        if attempt == attempts:
            return False
        told = _told(error)
        said = self.redaction.text(f"{told['ename']}: {told['evalue']}")
        if blocker := retry.why_not(self.line, self.blocks[block.index :]):
            self.outcome.notes.append(retry.note(block.owner, attempt, attempts, said, f"not tried again: {blocker}"))
            return False
        await self._drop_main()
        wait = retry.wait_after(attempt, settings.backoff)
        self.outcome.notes.append(retry.note(block.owner, attempt, attempts, said, f"tried again after {wait:g} s"))
        self.tell(
            {"event": "retry", "step": block.owner, "attempt": attempt, "of": attempts, "wait": wait, "why": said}
        )
        for index in block.cells:
            self.record.nb.cells[index].update(outputs=[], execution_count=None)
        await asyncio.sleep(wait)
        return True

    async def _attempt(self, block: Block, limit: float | None) -> BlockResult:
        await self._main_session()  # the time that a kernel takes to start is none of the step's
        work = asyncio.ensure_future(self._execute_on_main(block))
        until = None if limit is None else time.monotonic() + limit
        delay = self.config.ahead_after
        if delay <= 0:
            self._launch(block.index)
        try:
            while True:
                left = 0.25 if until is None else min(0.25, until - time.monotonic())
                done, _ = await asyncio.wait({work}, timeout=max(0.001, min(left, delay) if delay > 0 else left))
                if done:
                    return await work
                if until is not None and time.monotonic() >= until:
                    late = TimedOut(f"the step {block.owner!r} took longer than {limit:g} s")
                    raise _Broken(self._running_cell(block), late)
                delay -= 0.25
                if delay <= 0:
                    self._launch(block.index)
        finally:
            if not work.done():
                work.cancel()
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await work
                await self._interrupt_main()

    async def _interrupt_main(self) -> None:
        """Stop what the main kernel is doing. Its variables are not trusted afterwards."""
        main, self.main = self.main, None
        if main is not None:
            await main.interrupt()
            await main.close(patience=1.0)

    async def _execute_on_main(self, block: Block) -> BlockResult:
        main = await self._main_session()
        if self.python:
            await self._bring(main, block)
            await main.ask("begin", seeds=self._seeds(block))
        began = time.monotonic()
        result = BlockResult(block.index, count=len(block.cells))
        client = main.client
        assert client is not None
        client.updates, client.comms = [], False
        for index in block.cells:
            await self._run_on_record(main, block, index, result)
        result.seconds = time.monotonic() - began
        await self._finish(main, block, result, ahead=False)
        return result

    async def _run_on_record(self, main: Session, block: Block, index: int, result: BlockResult) -> None:
        cell = self.record.nb.cells[index]
        self.record.cell_start(cell, index)
        self.tell({"event": "cell", "step": block.owner, "cell": index})
        try:
            await main.run_cell(index, self.options.cell_timeout)
        except asyncio.CancelledError as error:
            self.record.cell_exception(cell, cell_index=index, exception=error)
            raise
        except (CellExecutionError, KernelDied, TimedOut) as error:
            self.record.cell_exception(cell, cell_index=index, exception=error)
            if isinstance(error, CellExecutionError):
                await self._note_failed(main, block)
                leaves = error.ename == "SystemExit" and error.evalue in ("", "0", "None")
                raise (_LeftEarly() if leaves else _CellFailed(index, error)) from None
            await self._drop_main()
            raise _Broken(index, error) from None
        finally:
            self._let_flow()
            self.redaction.cell(cell)
            self.record.cell_complete(cell, cell_index=index)
            result.cells[index] = _cell_result(cell)

    async def _note_failed(self, main: Session, block: Block) -> None:
        """What a block wrote before it failed: nothing after it may take that for good."""
        wrote: set[str] = set(block.access.writes)
        if self.python:
            with contextlib.suppress(MlopsError):
                answer = await main.ask("finish", touched=sorted(plan.reach(block)), file=None, budget=1.0)
                for group in (*answer["groups"], *answer["live"]):
                    wrote |= set(group["names"])
        self.failed.append((block, frozenset(wrote)))

    async def _main_session(self) -> Session:
        if self.main is None:
            self.main = Session(
                self.record.nb,
                self._kernel("start" if self.options.isolate else "running"),
                facts=self.facts,
                startup_timeout=self.config.startup_timeout,
                on_output=self._on_output,
            )
            await self.kernels.start(self.main)
            if self.main.language_info:
                self.record.nb.metadata["language_info"] = nbformat.from_dict(self.main.language_info)
        return self.main

    def _kernel(self, fork: Fork) -> Wanted:
        """The kernel that this run wants; fork servers that a single run starts are for kernels it has many of."""
        if not self.config.fork_kernels:
            fork = ""
        elif self.kernels.one_of_many:
            fork = "start"
        return Wanted(
            self.kernel_name, self.cwd, self.config.hash_seed, self.python, fork, self.preload, self.options.env
        )  # fmt: skip

    def _on_output(self, output: Any) -> None:
        self.record.autosave_cell()
        if self.redaction:
            stream = output.output_type == "stream"
            output = self._flowing(output) if stream else self.redaction.output(deepcopy(output))
        if output.get("text") != "":
            self.tell({"event": "output", "output": output})

    def _flowing(self, output: Any) -> Any:
        """A piece of a stream without secrets, be they spread over pieces."""
        flow = self.flows.setdefault(output.name, Flow(self.redaction))
        return nbformat.from_dict({**output, "text": flow.feed(output.text)})

    def _let_flow(self) -> None:
        """A cell is over: what was held back of its streams is shown."""
        for name, flow in self.flows.items():
            if text := flow.rest():
                self.tell({"event": "output", "output": nbformat.v4.new_output("stream", name=name, text=text)})
        self.flows.clear()

    def _hide(self) -> None:
        """No secret is in outputs that are about to be written, those of a cell that still runs included."""
        for cell in self.record.nb.cells:
            self.redaction.outputs(cell.get("outputs", ()))

    async def _drop_main(self) -> None:
        main, self.main = self.main, None
        if main is not None:
            await main.kill()

    async def _bring(self, session: Session, block: Block) -> None:
        """Bring the main kernel to the line, before it runs a block."""
        needed = self.line.closure(None if plan.opaque(block) else plan.reach(block))
        manifests, seen = [], set()
        for name, group in self.line.groups.items():
            if session.versions.get(name) == group.digest or id(group) in seen:
                continue
            seen.add(id(group))
            if group.portable and (name in needed or group.stream[1] < EAGER or _shadows(group)):
                manifests.append(group)
            elif not group.portable and set(group.names) & needed:
                why = group.live.get(name) or "it was not stored"
                raise NotEqual(
                    f"`{name}` ({group.types.get(name, '?')}) is not in this kernel any more and can't be handed on: "
                    f"{why}",
                    where=f"cell {block.cells[0] + 1}",
                    remedy="Run again without the cache (--no-cache), or make it in the step that uses it.",
                )
        gone = [n for n in session.versions if n not in self.line.groups]
        await _sync(session, self.line, manifests, gone, (), f"cell {block.cells[0] + 1}")

    def _now_has(self, session: Session, result: BlockResult) -> None:
        for name in result.deleted:
            session.versions.pop(name, None)
        for group in result.groups:
            session.versions.update(dict.fromkeys(group.names, group.digest))
        session.state.update({r: d for r, (d, _) in result.state.items()})
        session.imports |= set(self.blocks[result.index].access.imports)

    async def _finish(self, session: Session, block: Block, result: BlockResult, *, ahead: bool) -> None:
        client = session.client
        assert client is not None
        if not self.python:
            return
        again = block.index < self.retried_until
        last = block.index == len(self.blocks) - 1
        handed_on = self.options.isolate or self.options.jobs > 1 or bool(self.options.stop_before)
        wanted = ahead or again or self.cache is not None or (handed_on and not last)
        opaque = plan.opaque(block)
        answer = await session.ask(
            "finish",
            touched=("*" if opaque else sorted(plan.reach(block))) if wanted else None,
            file=str(self.folder / f"{'ahead' if ahead else 'block'}-{block.index}.bin") if wanted else None,
            budget=None if self.options.isolate or again else max(1.0, 0.5 * result.seconds),
            worth=None if self.options.isolate or again or ahead else max(0.05, result.seconds),
            metrics=self._metric_names(block),
        )
        result.take(answer)
        result.displays = client.displays(block.cells)
        result.updates = [dict(self.redaction.output(update)) for update in client.updates]
        result.comms = client.comms
        if not ahead and self.cache is not None and any(g.live for g in result.groups):
            self._know_live(self.cache, block, result)

    def _know_live(self, cache: Cache, block: Block, result: BlockResult) -> None:
        """Live variables of a block that gives the same again are known by its key and by the files it read."""
        files = _files_of(cache, result)
        if files is None or plan.why_not_stored(block, result, "", Line(unseeded=set(self.line.unseeded))):
            return
        made = f"{self._stored_key} {sorted(files.items())}"
        result.groups = [
            replace(g, digest=f"live-{hashlib.blake2b(f'{made} {g.names}'.encode(), digest_size=20).hexdigest()}")
            if g.live
            else g
            for g in result.groups
        ]

    def _seeds(self, block: Block) -> dict[int, list[str]]:
        from jupyter_mlops.notebook.effects import cell_effects

        found = {}
        for ordinal, index in enumerate(block.cells):
            with contextlib.suppress(SyntaxError):
                seeds = cell_effects(self.record.nb.cells[index].source, self._modules_before(block)).seeds
                if seeds:
                    found[ordinal] = sorted(seeds)
        return found

    def _modules_before(self, block: Block) -> dict[str, str]:
        known: dict[str, str] = {}
        for other in self.blocks[: block.index + 1]:
            known.update(other.access.modules)
        return known

    def _metric_names(self, block: Block) -> list[str]:
        from jupyter_mlops.notebook.metrics import metric_names

        chosen = set(self.pipeline.metrics)
        return [n for i in block.cells if i in chosen for n in metric_names(self.record.nb.cells[i].source)]

    def _sources(self, block: Block) -> list[str]:
        return [self.record.nb.cells[i].source for i in block.cells]

    # -- isolated steps

    async def _renew(self, block: Block) -> None:
        """After an isolated step its kernel ends, unless something a later step needs can't leave it."""
        later = self.blocks[block.index + 1 :]
        if not later or self.main is None:
            return
        why, name, kind = "", "", ""
        if self.line.stuck:
            name, why = next(iter(self.line.stuck.items()))
        elif block.index + 1 < self.pinned:
            other = next(b for b in reversed(later) if plan.opaque(b))
            name, why = (*other.access.opaque, *other.access.history)[0], f"{other.owner} may read everything before it"
        elif any(map(plan.reads_process, self.blocks[: block.index + 1])) and any(map(plan.reads_process, later)):
            name, why = next(filter(None, map(plan.reads_process, later))), "it tells processes apart"
        elif any(map(plan.reads_generator, self.blocks[: block.index + 1])):
            name, why = "random", "the state of an unseeded generator was looked at"
        else:
            for other in self.blocks[: block.index + 1]:
                changed = plan.module_changes(other, later)
                if changed:
                    name, why = next(iter(changed)), "a module's own state was changed"
            for group in {id(g): g for g in self.line.groups.values()}.values():
                blocker = plan.why_incomplete(BlockResult(block.index, groups=[group]), later)
                if blocker:
                    name = next(iter(group.live), group.names[0])
                    kind, why = group.types.get(name, ""), blocker
        if why and any(name == fused["variable"] for fused in self.outcome.fused):
            return
        if why:
            users = [b.owner for b in later if plan.opaque(b) or name in plan.reach(b)]
            self.outcome.fused.append(
                {
                    "variable": name,
                    "type": kind,
                    "made_by": block.owner,
                    "needed_by": ", ".join(dict.fromkeys(users)),
                    "why": why,
                }
            )
            return
        main, self.main = self.main, None
        await main.close()

    # -- helpers

    def _launch(self, at: int) -> None:
        """Put free helpers on blocks ahead of the one at position `at`, which is unfinished."""
        if not self.python or self.options.jobs < 2 or self.line.stuck or self.stop_reason:
            return
        for block in self.blocks[at + 1 :]:
            if sum(not a.task.done() for a in self.ahead.values()) >= self.options.jobs - 1:
                return
            if not self.idle and not self.kernels.room:
                return
            if block.index in self.ahead or block.index in self.tried or not self._wanted(block):
                continue
            if self._may_run_ahead(block, at):
                self.tried.add(block.index)
                self.tell({"event": "ahead", "step": block.owner})
                ahead = Ahead(asyncio.ensure_future(self._run_ahead(block, at)), len(self.line.wrote_files))
                self.ahead[block.index] = ahead

    def _may_run_ahead(self, block: Block, at: int) -> bool:
        if block.index < self.pinned or block.role != "step" or not block.cells:
            return False
        if plan.reads_process(block) or plan.reads_generator(block):
            return False
        learned = self.evidence.get(block_id(self._sources(block)))
        if learned is not None and (learned.outside or learned.writes or learned.other_writes or learned.ahead_failed):
            return False
        if learned is not None and learned.seconds < min(0.2, self.config.ahead_after):
            return False
        if learned is None and (block.effects.outside or block.effects.files_written):
            return False
        names = self.line.closure(plan.reach(block)) | plan.reach(block)
        for earlier in self.blocks[at : block.index]:
            if not self._wanted(earlier):
                continue
            known = self.evidence.get(block_id(self._sources(earlier)))
            if plan.waits_for(earlier, block, names, known, self.prev, self.modules):
                return False
        if not all(self.line.groups[n].portable for n in names if n in self.line.groups):
            return False
        if any(plan.module_changes(b, [block]) for b in self.blocks[: block.index]):
            return False
        if self.cache is not None and not self._redo(block):
            return self.cache.find(self._key(block, self.line), self.line) is None
        return True

    async def _run_ahead(self, block: Block, at: int) -> tuple[BlockResult, Session] | None:
        session = self.idle.pop() if self.idle else None
        names = self.line.closure(plan.reach(block))
        groups = list({id(g): g for g in (self.line.groups[n] for n in names)}.values())
        unfinished = tuple(m for b in self.blocks[at : block.index] for m in b.access.imports)
        count = self.line.count + sum(len(b.cells) for b in self.blocks[at : block.index] if self._wanted(b))
        snapshot = replace(self.line, state=dict(self.line.state), imports=list(self.line.imports), count=count)
        try:
            if session is None:
                session = Session(
                    blank_copy(self.record.nb), self._kernel("start"),
                    facts=self.facts, startup_timeout=self.config.startup_timeout,
                )  # fmt: skip
                await self.kernels.start_helper(session)
            gone = [n for n in session.versions if n not in names]
            fresh = [g for g in groups if any(session.versions.get(n) != g.digest for n in g.names)]
            ahead = tuple(m for m in unfinished if m not in snapshot.imports)
            await _sync(session, snapshot, fresh, gone, ahead, f"cell {block.cells[0] + 1}")
            result = BlockResult(block.index, count=len(block.cells))
            result.loaded = {n: g.digest for g in groups for n in g.names}
            await session.ask("begin", guarded=True, seeds=self._seeds(block))
            client = session.client
            assert client is not None
            client.updates, client.comms = [], False
            began = time.monotonic()
            if block.index in self.ahead:
                self.ahead[block.index].running = True
            step = self.steps.get(block.owner)
            limit = None if step is None or step.settings.timeout is None else began + step.settings.timeout
            for index in block.cells:
                start = self.record.now()
                left = None if limit is None else max(0.001, limit - time.monotonic())
                allowed = [t for t in (self.options.cell_timeout, left) if t is not None]
                await session.run_cell(index, min(allowed, default=None))
                end = self.record.now()
                times = {
                    "start_time": start.isoformat(), "end_time": end.isoformat(),
                    "duration": (end - start).total_seconds(), "exception": False, "status": "completed",
                }  # fmt: skip
                cell = self.redaction.cell(session.nb.cells[index])
                result.cells[index] = {**_cell_result(cell), "papermill": times}
            result.seconds = time.monotonic() - began
            await self._finish(session, block, result, ahead=True)
            self._now_has(session, result)
            return result, session
        except (CellExecutionError, MlopsError):
            if session is not None:
                await session.kill()
            return None
        except BaseException:
            if session is not None:
                await session.kill()
            raise

    async def _from_helper(self, block: Block) -> BlockResult | None:
        ahead = self.ahead.pop(block.index, None)
        if ahead is None:
            return None
        if not ahead.task.done() and not ahead.running:
            ahead.task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                if (late := await ahead.task) is not None:  # it was done before it heard of that
                    await late[1].kill()
            return None
        while not ahead.task.done():
            await asyncio.wait({ahead.task}, timeout=0.25)
            self._launch(block.index)
        done = ahead.task.result()
        key = block_id(self._sources(block))
        if done is None:
            known = self.evidence.get(key) or plan.Learned()
            self.evidence.put(key, replace(known, ahead_failed=True))
            return None
        result, session = done
        since = self.line.wrote_files[ahead.wrote_files_at :]
        later = [b for b in self.blocks[block.index + 1 :] if self._wanted(b)]
        why = plan.why_not_adopted(block, result, self.line, _stat, since, later)
        if not why and plan.module_changes(block, later):
            why = "it changes a module's own state"
        if why:
            self.tell({"event": "discarded", "step": block.owner, "why": why})
            self.outcome.notes.append(f"{block.owner} ran ahead and then again on the main line: {why}")
            await session.kill()
            return None
        self.idle.append(session)
        return result

    # -- keeping results

    def _store(self, block: Block, result: BlockResult) -> None:
        known = learn(result)
        self.evidence.put(block_id(self._sources(block)), known)
        if self.cache is None or not self.python:
            return
        settings = self.steps[block.owner].settings.cache if block.owner in self.steps else ""
        line = Line(unseeded=set(self.line.unseeded))
        if plan.why_not_stored(block, result, settings, line):
            return
        if any(g.file is None and not g.live for g in result.groups):
            return
        key = self._stored_key
        if key:
            files = _files_of(self.cache, result)
            if files is None:
                return
            self.storing.append(
                asyncio.ensure_future(asyncio.to_thread(_keep, self.cache, key, result, files, self.redaction))
            )

    # -- bookkeeping

    def _begin_step(self, block: Block) -> None:
        self.began_at = time.monotonic()
        self._stored_key = self._key(block, self.line) if self.python else ""
        if block.owner in self.steps and block.owner not in self.started:
            self.started.add(block.owner)
            self.tell({"event": "step", "step": block.owner, "state": "running"})

    def _finish_block(
        self, block: Block, state: str, seconds: float, result: BlockResult | None = None, why: str = ""
    ) -> None:
        cells = self.record.nb.cells
        for index in block.cells:
            facts = {"step": block.owner, "state": state, **({"why": why} if why else {})}
            cells[index].metadata["jupyter_mlops_run"] = nbformat.from_dict(facts)
        if block.owner not in self.steps:
            return
        record = self.records[block.owner]
        self.states[block.owner].append(state)
        record.seconds += seconds
        record.why = why or record.why
        if state == "completed":
            record.attempts = max(1, record.attempts)
        if result is not None:
            record.reads = sorted({*record.reads, *result.read})
        last = max(b.index for b in self.blocks if b.owner == block.owner)
        record.state = plan.joined_state(self.states[block.owner])
        if block.index == last or state in ("failed", "stopped"):
            self.tell(
                {
                    "event": "step", "step": block.owner, "state": record.state, "seconds": record.seconds, "why": why,
                    "attempts": record.attempts,
                }
            )  # fmt: skip

    def _failed(self, block: Block, error: MlopsError) -> None:
        if not any(other is block for other, _ in self.failed):
            self.failed.append((block, frozenset(block.access.writes)))
        if isinstance(error, RunStopped):
            raise error
        cell = error.cell if isinstance(error, _Located) else (block.cells[0] if block.cells else 0)
        self.outcome.state = "failed"
        if self.outcome.error is None:
            self.outcome.error = {"step": block.owner, "cell": cell, **self.redaction.clean(_told(error))}
        why = self.redaction.text(str(error.message))
        self._finish_block(block, "failed", time.monotonic() - self.began_at, why=why)

    def _fail_current(self, ename: str, evalue: str) -> None:
        self.outcome.state = "failed"
        block = self.current
        if self.outcome.error is None:
            self.outcome.error = {
                "step": block.owner if block else "", "cell": self._running_cell(block),
                "ename": ename, "evalue": evalue, "traceback": [],
            }  # fmt: skip
        self._mark_current("failed")

    def _mark_current(self, state: str) -> None:
        if self.current is not None:
            index = self._running_cell(self.current)
            papermill = self.record.nb.cells[index].metadata.get("papermill")
            if papermill is not None and papermill.get("status") in ("running", "pending"):
                papermill["status"] = "failed"
                papermill["exception"] = True
            self._finish_block(self.current, state, time.monotonic() - self.began_at)

    def _running_cell(self, block: Block | None) -> int:
        for index in block.cells if block is not None else ():
            if self.record.nb.cells[index].metadata.get("papermill", {}).get("status") in (
                "running",
                "failed",
                "pending",
            ):
                return index
        return block.cells[0] if block is not None and block.cells else 0

    def _settle(self) -> None:
        for record in self.records.values():
            if record.state == "running":
                record.state = "stopped"
        self.outcome.wrote = list(self.line.wrote_files)
        self.redaction.clean(self.outcome.metrics)
        self.redaction.clean(self.outcome.notes)
        self.evidence.save()

    async def close(self) -> None:
        """End the kernels of a run that is over."""
        for ahead in self.ahead.values():
            ahead.task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                done = await ahead.task
                if done is not None:
                    await done[1].kill()
        for session in self.idle:
            await session.close(patience=2.0)
        if self.main is not None:
            if self.stop_reason:
                await self.main.interrupt()
            await self.main.close(patience=1.0 if self.stop_reason else 5.0)
        for task in self.storing:
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task


class _LeftEarly(MlopsError):
    """A cell called sys.exit()."""


class _Located(RunFailed):
    """A failure with its cell."""

    cell = 0


class _CellFailed(_Located):
    def __init__(self, cell: int, error: CellExecutionError) -> None:
        super().__init__(f"{error.ename}: {error.evalue}", where=f"cell {cell + 1}")
        self.cell, self.cause = cell, error


class _Broken(_Located):
    def __init__(self, cell: int, error: MlopsError) -> None:
        super().__init__(error.message, where=f"cell {cell + 1}", remedy=error.remedy)
        self.cell, self.cause = cell, error


async def _sync(
    session: Session, line: Line, groups: list[Artifact], gone: list[str], ahead: tuple[str, ...], where: str
) -> None:
    """Bring a kernel to a line: these groups, its process state, its imports, and its count of cells."""
    request: dict[str, Any] = {}
    if groups:
        request["groups"] = [g.to_dict() for g in groups]
    if gone:
        request["delete"] = gone
    if any(session.state.get(r, "") != d for r, (d, _) in line.state.items()):
        request["state"] = {r: list(v) for r, v in line.state.items()}
    new = [m for m in line.imports if m not in session.imports]
    if new:
        request["imports"] = new
    if ahead:
        request["ahead"] = list(ahead)
    if session.count != line.count:
        request["count"] = line.count
    if not request:
        return
    answer = await session.ask("sync", **request)
    for names, why in answer["unloaded"]:
        raise NotEqual(
            f"`{names[0]}` was pickled, but can't be loaded again: {why}",
            where=where,
            remedy="Run again without the cache (--no-cache), or make it in the step that uses it.",
        )
    session.imports |= {*new, *ahead}
    session.state = {r: d for r, (d, _) in line.state.items()}
    session.count = line.count
    for name in gone:
        session.versions.pop(name, None)
    for group in groups:
        session.versions.update(dict.fromkeys(group.names, group.digest))


def _told(error: MlopsError) -> dict[str, Any]:
    if isinstance(error, _CellFailed):
        traceback = error.cause.traceback
        lines = traceback.splitlines()
        return {"ename": error.cause.ename, "evalue": error.cause.evalue, "traceback": lines}
    if isinstance(error, _Broken):  # which cell it was is told beside it
        evalue = "\n".join(filter(None, (error.cause.message, error.cause.remedy)))
        return {"ename": type(error.cause).__name__, "evalue": evalue, "traceback": []}
    return {"ename": type(error).__name__, "evalue": str(error), "traceback": []}


def _cell_result(cell: Any) -> dict[str, Any]:
    return {
        "outputs": [dict(o) for o in cell.get("outputs", [])],
        "papermill": dict(cell.metadata.get("papermill", {})),
        "execution": dict(cell.metadata.get("execution", {})),
    }


def _files_of(cache: Cache, result: BlockResult) -> dict[str, str] | None:
    """The digests of the files that a block read (as they were) and wrote (as they are); None if one changed since."""
    files = {p: cache.file_digest(p) for p in (*result.read, *result.written, *result.modules.values())}
    changed = any(_stat(p) != facts for p, facts in result.read.items() if p not in result.written)
    return None if changed else files


def _keep(cache: Cache, key: str, result: BlockResult, files: dict[str, str], secrets: Redaction) -> None:
    with contextlib.suppress(OSError):
        kept = {g.file for g in result.groups if g.file} if secrets else set()
        if any(secrets.shows(Path(name).read_bytes()) for name in kept):
            return  # a variable holds a secret
        cache.store_result(key, result, files)


def _stat(path: str) -> list[int] | None:
    try:
        facts = os.stat(path)
    except OSError:
        return None
    return [facts.st_mtime_ns, facts.st_size, facts.st_ino]


def _shadows(group: Artifact) -> bool:
    import builtins

    return any(hasattr(builtins, name) for name in group.names)
