"""The run loop's own bookkeeping, without kernels."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import pytest

from jupyter_mlops.execution.block_profile import BlockProfile
from jupyter_mlops.execution.committed_state import BlockResult
from jupyter_mlops.execution.decision_events import TurnBegan
from jupyter_mlops.execution.decisions import decide
from jupyter_mlops.execution.displays import cell_result, take_outputs
from jupyter_mlops.execution.instructions import RunOnMain
from jupyter_mlops.execution.kernel_session import CellClient
from jupyter_mlops.execution.profile_store import learn
from jupyter_mlops.execution.reasons import Kind
from jupyter_mlops.execution.redaction import Redaction
from jupyter_mlops.execution.run_context import local_sources
from jupyter_mlops.execution.run_loop import RunLoop
from jupyter_mlops.execution.speculative_tasks import SpeculativeTask, end_task
from tests.execution.blocks import artifact, blocks, result
from tests.execution.contexts import context


def test_a_helper_that_is_done_before_it_hears_that_it_is_given_up_leaves_no_kernel() -> None:
    killed = []

    async def kill() -> None:
        killed.append(True)

    async def deaf() -> Any:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return "result", SimpleNamespace(kill=kill)

    async def go() -> None:
        loop = _loop("x = 1", "y = 2")
        helpers = loop.helpers
        helpers.tasks[0] = SpeculativeTask(asyncio.ensure_future(deaf()), 0)
        await asyncio.sleep(0)
        loop.core.handle(TurnBegan(block=0))
        assert await helpers.result_of(loop.context.blocks[0]) is None
        assert not helpers.tasks
        [ahead] = helpers.leaving
        assert ahead.unwanted
        await end_task(ahead)

    asyncio.run(go())
    assert killed == [True]


@pytest.mark.parametrize(
    ("name", "at_work", "seconds", "loaded", "why"),
    [
        ("it takes much longer than it is known to", 60.0, 0.5, {}, "it had not ended in 60"),
        ("what it was given is not what the line has", 0.1, 60.0, {"x": "old"}, "`x` changed since it started"),
    ],
)
def test_a_helper_that_can_not_pay_is_not_waited_for(
    name: str, at_work: float, seconds: float, loaded: dict[str, str], why: str
) -> None:
    """The helper never ends: a main line that waited for it would be here for ever."""
    ended: list[bool] = []
    told: list[dict[str, Any]] = []

    async def endless() -> Any:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    async def go() -> RunLoop:
        loop = _loop("x = 1", "y = x + 1", tell=told.append)
        block = loop.context.blocks[1]
        loop.committed.groups["x"] = artifact("x", digest="new")
        loop.context.evidence.put(loop.context.block_id(block), BlockProfile(seconds=seconds))
        loop.helpers.tasks[1] = SpeculativeTask(
            asyncio.ensure_future(endless()), 0, began=time.monotonic() - at_work, loaded=loaded or {"x": "new"}
        )
        await asyncio.sleep(0)
        loop.core.handle(TurnBegan(block=1))
        async with asyncio.timeout(30):
            assert await loop.helpers.result_of(block) is None
            await asyncio.gather(*loop.helpers.ending)
        return loop

    loop = asyncio.run(go())
    assert ended == [True], name
    [event] = told
    assert event["event"] == "discarded" and event["why"].startswith(why)
    [reason] = loop.records.steps["second"].reasons
    assert reason.kind == Kind.DISCARDED and reason.detail.startswith(why)


def test_a_block_whose_result_could_not_be_used_is_left_until_what_is_before_it_changes() -> None:
    loop = _loop("x = 1", "y = 2")
    run, helpers = loop.context, loop.helpers
    block = run.blocks[1]
    assert helpers.rules.why_not(block, 0) == ""
    helpers.learn_discarded(block, discarded="it opens widgets")
    assert "it opens widgets" in helpers.rules.why_not(block, 0)
    profile = run.profile(block)
    assert profile is not None
    changed = _loop("x = 3", "y = 2")
    changed.context.evidence.put(run.block_id(block), profile)
    assert changed.helpers.rules.why_not(changed.context.blocks[1], 0) == ""


def test_what_was_learned_of_helpers_outlives_a_run_on_the_main_line() -> None:
    known = BlockProfile(discarded="it opens widgets", discarded_below="b", ahead_failed=True)
    learned = learn(result(seconds=2.0), known)
    assert (learned.discarded, learned.ahead_failed, learned.seconds) == ("it opens widgets", True, 2.0)


@pytest.mark.parametrize(
    ("first", "second", "why"),
    [
        ("x = 1", "y = x", "it may use `x`, which cell 1 (first) writes"),
        ("import os\nos.chdir('/')", "y = 2", "cell 1 (first) changes the state of cwd"),
        ("x = 1", "eval('x')", "cell 2 (second) may look at everything before it"),
        ("x = 1", "open('a.txt', 'w').write('')", "it acts on the outside world"),
        ("x = 1", "y = 2", "its turn came before a second kernel could take it"),
    ],
)
def test_why_a_block_ran_on_the_main_line(first: str, second: str, why: str) -> None:
    loop = _loop(first, second)
    assert decide(loop.helpers.main_reached(loop.context.blocks[1])) == RunOnMain(reason=why)


def _loop(first: str, second: str, **facts: Any) -> RunLoop:
    return RunLoop(context(first, second, **facts))


def shown(text: str, identity: str, kind: str = "display_data") -> dict[str, Any]:
    content = {"data": {"text/plain": text}, "metadata": {}, "transient": {"display_id": identity}}
    return {"msg_type": kind, "header": {"msg_type": kind}, "content": content, "parent_header": {"msg_id": "m"}}


def notebook(*sources: str) -> nbformat.NotebookNode:
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])  # type: ignore[no-any-return]


def test_a_display_that_a_later_cell_updated_is_kept_as_it_was_at_the_end() -> None:
    nb = notebook("first", "second")
    client = CellClient(nb, None, lambda output: None)
    client.clear_before_next_output = False
    result = BlockResult(0)
    client.process_message(shown("0%", "bar"), nb.cells[0], 0)
    result.cells[0] = cell_result(nb.cells[0])
    client.process_message(shown("99%", "bar", "update_display_data"), nb.cells[1], 1)
    result.cells[1] = cell_result(nb.cells[1])
    take_outputs(Redaction(), nb, result)
    assert result.cells[0]["outputs"][0]["data"] == {"text/plain": "99%"}


def comm(kind: str, identity: str, **content: Any) -> dict[str, Any]:
    content = {"comm_id": identity, "data": {"state": {"_model_name": "M", "_model_module": "m"}}, **content}
    return {"msg_type": kind, "header": {"msg_type": kind}, "content": content, "parent_header": {"msg_id": "m"}}


def test_widgets_of_a_block_are_its_own_and_messages_to_others_are_not() -> None:
    nb = notebook("first")
    client = CellClient(nb, None, lambda output: None)
    client.process_message(comm("comm_open", "a", target_name="jupyter.widget"), nb.cells[0], 0)
    client.process_message(comm("comm_msg", "a"), nb.cells[0], 0)
    assert not client.comms
    assert client.widgets() == {"a": {"state": {"_model_name": "M", "_model_module": "m"}, "buffers": []}}
    client.begin_block()
    assert client.widgets() == {}
    client.process_message(comm("comm_msg", "a"), nb.cells[0], 0)
    assert client.comms


def test_a_comm_that_is_no_widgets_talks_to_a_front_end() -> None:
    nb = notebook("first")
    client = CellClient(nb, None, lambda output: None)
    client.process_message(comm("comm_open", "a", target_name="mine"), nb.cells[0], 0)
    assert client.comms


def test_widgets_that_were_taken_over_stand_in_the_notebook() -> None:
    nb = notebook("first")
    client = CellClient(nb, None, lambda output: None)
    client.take_widgets({"a": {"state": {"_model_name": "M"}, "buffers": [{"data": "x", "path": ["v"]}]}})
    client.set_widgets_metadata()
    state = nb.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"]
    assert state["a"]["model_name"] == "M"
    assert state["a"]["buffers"] == [{"data": "x", "path": ["v"]}]


def test_texts_of_the_modules_beside_a_notebook(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("a.index.name = 1")
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "__init__.py").write_text("b")
    assert local_sources(tmp_path, blocks("import os")) == []
    assert sorted(local_sources(tmp_path, blocks("import mine, pack"))) == ["a.index.name = 1", "b"]
