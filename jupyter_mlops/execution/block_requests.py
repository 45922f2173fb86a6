"""Requests to the agent in a kernel before and after a block, for the main kernel and for helpers."""

from __future__ import annotations

from typing import Any

from jupyter_mlops.errors import EquivalenceError
from jupyter_mlops.execution import environ_names, planner
from jupyter_mlops.execution.ahead_rules import AheadRules
from jupyter_mlops.execution.cached_results import CachedResults
from jupyter_mlops.execution.committed_state import BlockResult, CommittedState, VariableGroup
from jupyter_mlops.execution.kernel_session import KernelSession
from jupyter_mlops.execution.run_context import RunContext
from jupyter_mlops.pipeline.model import Block

EAGER = 1 << 25  # bytes of a pickle up to which the main kernel loads what it may not need
RUN_AGAIN = "Run again without the cache (--no-cache), or create it in the step that uses it."


class BlockRequests:
    """Brings kernels to the committed state, and collects what a block left in one."""

    def __init__(
        self, context: RunContext, committed: CommittedState, cached: CachedResults, rules: AheadRules
    ) -> None:
        self.context, self.committed, self.cached, self.rules = context, committed, cached, rules

    async def sync(self, session: KernelSession, block: Block) -> None:
        """Bring the main kernel to the committed state before it runs a block."""
        committed, where = self.committed, f"cell {block.cells[0] + 1}"
        opaque = planner.opaque(block)
        needed = committed.closure(None if opaque else planner.reach(block))
        must = committed.closure(None if opaque else planner.must_have(block, self.context.read_by_functions))
        groups, dead, seen_groups = list[VariableGroup](), list[str](), set[int]()
        for name, group in committed.groups.items():
            if session.versions.get(name) == group.digest or id(group) in seen_groups:
                continue
            seen_groups.add(id(group))
            if group.dead:
                dead.append(name)
            elif group.portable and (name in needed or group.stream[1] < EAGER or _shadows(group)):
                groups.append(group)
            elif not group.portable and set(group.names) & (must if planner.goes_unseen(group) else needed):
                why = group.live.get(name) or "it was not stored"
                raise EquivalenceError(
                    f"`{name}` ({group.types.get(name, '?')}) is no longer in this kernel and can't be transferred: "
                    f"{why}",
                    where=where,
                    remedy=RUN_AGAIN,
                )
        removed = [n for n in session.versions if n not in committed.groups or n in dead]
        await sync(session, committed, groups, removed, (), where)

    async def begin(self, session: KernelSession, block: Block, result: BlockResult, *, guarded: bool) -> None:
        """Have the agent observe a block. It detects afterwards which of these names changed."""
        context = self.context
        needed = planner.needed_by(self.committed, self.context.later(block))
        answer = await session.ask(
            "begin",
            guarded=guarded,
            environ=context.environ_names(block),
            seeds=self.context.seeds(block),
            touched="*" if planner.opaque(block) else sorted(planner.reach(block)),
            certain=sorted(block.access.certain_mutations - self.context.modules),
            needed="*" if needed is None else sorted(needed),
        )
        result.environ = environ_names.digests(answer["environ"], context.environ_key, context.options.secrets)

    async def finish(self, session: KernelSession, block: Block, result: BlockResult, *, ahead: bool) -> None:
        """Complete a result with what the block left in the kernel."""
        context, options, cached = self.context, self.context.options, self.cached
        client = session.client
        assert client is not None
        if not context.python:
            return
        retried = block.index < context.handed_until
        last = block.index == len(context.blocks) - 1 and options.task is None
        transferred = options.hands_on_all or options.jobs > 1 or bool(options.stop_before)
        stored = ahead or retried or context.cache is not None or (transferred and not last)
        names = "*" if planner.opaque(block) else sorted(planner.reach(block))
        answer = await session.ask(
            "finish",
            touched=names if stored else None,
            alive=None if planner.opaque(block) or not stored else context.alive_after(block),
            file=str(context.folder / f"{'ahead' if ahead else 'block'}-{block.index}.bin") if stored else None,
            budget=None if options.hands_on_all or retried else max(1.0, 0.5 * result.seconds),
            worth=None if options.hands_on_all or retried or ahead else max(0.05, result.seconds),
            cost=0.0 if context.cache is None else min(cached.cost(block, result), 1e9),
            handed=sorted(self.rules.needed_ahead(block)),
            ids=cached.identities(block, result),
            metrics=context.metric_names(block),
            **context.frames.request(block, result, ahead=ahead),
        )
        result.take(answer)
        await context.frames.take(block, result, ahead=ahead)
        result.displays = client.displays(block.cells)
        result.updates = [dict(context.redaction.output(update)) for update in client.updates]
        result.widgets = context.redaction.clean(client.widgets())
        result.comms = client.comms
        await context.models.keep(session, block, result, context.settings(block).models)
        if not ahead:
            cached.identify_live(block, result)

    def note_versions(self, session: KernelSession, result: BlockResult) -> None:
        """Record that a kernel has what a block that ran in it left."""
        for name in result.deleted:
            session.versions.pop(name, None)
        for group in result.groups:
            session.versions.update(dict.fromkeys(group.names, group.digest))
        session.state.update({r: d for r, (d, _) in result.state.items()})
        session.imports |= set(self.context.blocks[result.index].access.imports)


async def sync(
    session: KernelSession,
    state: CommittedState,
    groups: list[VariableGroup],
    removed: list[str],
    ahead: tuple[str, ...],
    where: str,
) -> None:
    """Bring a kernel to a committed state: these groups, its process state, imports and cell count."""
    request: dict[str, Any] = {}
    if groups:
        request["groups"] = [g.to_dict() for g in groups]
    if removed:
        request["delete"] = removed
    if any(session.state.get(r, "") != d for r, (d, _) in state.state.items()):
        request["state"] = {r: list(v) for r, v in state.state.items()}
    new = [m for m in state.imports if m not in session.imports]
    if new:
        request["imports"] = new
    if ahead:
        request["ahead"] = list(ahead)
    if session.count != state.count:
        request["count"] = state.count
    if not request:
        return
    answer = await session.ask("sync", **request)
    for names, why in answer["unloaded"]:
        raise EquivalenceError(
            f"`{names[0]}` was pickled, but can't be loaded again: {why}", where=where, remedy=RUN_AGAIN
        )
    session.imports |= {*new, *ahead}
    session.state = {r: d for r, (d, _) in state.state.items()}
    session.count = state.count
    for name in removed:
        session.versions.pop(name, None)
    for group in groups:
        session.versions.update(dict.fromkeys(group.names, group.digest))


def _shadows(group: VariableGroup) -> bool:
    import builtins

    return any(hasattr(builtins, name) for name in group.names)
