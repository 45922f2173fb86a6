"""Top-level await, tasks and loops."""

from __future__ import annotations

from tests.acceptance.row import Row

ROWS = [
    Row("top-level-await", r"""
        # %% step:a
        import asyncio
        async def double(x):
            await asyncio.sleep(0)
            return x * 2
        # %% step:b
        y = await double(4)
        # %% step:c
        print(y, await asyncio.gather(double(1), double(2)))
    """),
    Row("task-left-pending", r"""
        # %% step:a
        import asyncio
        gate = asyncio.Event()
        async def wait():
            await gate.wait()
            return "through the gate"
        task = asyncio.ensure_future(wait())
        # %% step:b
        gate.set()
        # %% step:c
        print(await task, task.done())
    """),
    Row("task-writes-a-global-between-steps", r"""
        # %% step:a
        import asyncio
        log = []
        async def later():
            await asyncio.sleep(0)
            log.append("written")
        task = asyncio.ensure_future(later())
        # %% step:b
        await task
        # %% step:c
        print(log)
    """),
    Row("async-for-with-and-comprehension", r"""
        # %% step:a
        import contextlib
        async def count(n):
            for i in range(n): yield i
        @contextlib.asynccontextmanager
        async def room():
            print("in"); yield "r"; print("out")
        # %% step:b
        async with room() as r:
            evens = [i async for i in count(5) if i % 2 == 0]
        # %% step:c
        async for last in count(3): pass
        print(r, evens, last)
    """),
    Row("coroutine-made-here-awaited-there", r"""
        # %% step:a
        async def work(): return "worked"
        coro = work()
        # %% step:b
        result = await coro
        # %% step:c
        print(result)
    """),
    Row("async-generator-across-steps", r"""
        # %% step:a
        async def count():
            n = 0
            while True:
                yield n
                n += 1
        numbers = count()
        # %% step:b
        first = await anext(numbers)
        # %% step:c
        print(first, await anext(numbers))
        await numbers.aclose()
    """),
    Row("asyncio-queue-and-lock", r"""
        # %% step:a
        import asyncio
        q, lock = asyncio.Queue(), asyncio.Lock()
        # %% step:b
        await q.put("item")
        await lock.acquire()
        # %% step:c
        print(await q.get(), lock.locked())
        lock.release()
    """),
]
