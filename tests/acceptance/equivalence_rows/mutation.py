"""Values changed in place: directly, through calls, through other names."""

from __future__ import annotations

from tests.acceptance.row import Row

ROWS = [
    Row("item-store", r"""
        # %% step:a
        d = {"x": 1}
        # %% step:b
        d["y"] = 2
        # %% step:c
        d["x"] += 10
        # %% step:d
        print(d)
    """),
    Row("attribute-store", r"""
        # %% step:a
        class Config:
            pass
        config = Config()
        # %% step:b
        config.depth = 3
        # %% step:c
        config.depth *= 2
        print(config.depth, vars(config))
    """),
    Row("deep-store-through-a-path", r"""
        # %% step:a
        tree = {"kids": [{"kids": []}]}
        # %% step:b
        tree["kids"][0]["kids"].append({"name": "leaf"})
        # %% step:c
        print(tree)
    """),
    Row("delete-items-and-attributes", r"""
        # %% step:a
        items = [1, 2, 3, 4]
        class Bag: pass
        bag = Bag()
        bag.a = bag.b = 1
        # %% step:b
        del items[1:3], bag.a
        # %% step:c
        print(items, vars(bag))
    """),
    Row("method-as-a-statement", r"""
        # %% step:a
        names = ["b", "a"]
        # %% step:b
        names.sort()
        # %% step:c
        names.extend(["c"]); names.reverse()
        # %% step:d
        print(names)
    """),
    Row("method-whose-value-is-used", r"""
        # %% step:a
        stack = [1, 2, 3]
        # %% step:b
        top = stack.pop()
        # %% step:c
        print(top, stack)
    """),
    Row("mutation-through-a-function", r"""
        # %% step:a
        def add(store, item):
            store.append(item)
        store = []
        # %% step:b
        add(store, "b")
        # %% step:c
        add(store, "c")
        # %% step:d
        print(store)
    """),
    Row("mutation-through-a-function-with-result", r"""
        # %% step:a
        def take(queue):
            return queue.pop(0)
        queue = list("abc")
        # %% step:b
        first = take(queue)
        # %% step:c
        second = take(queue)
        # %% step:d
        print(first, second, queue)
    """),
    Row("mutation-hidden-in-a-global", r"""
        # %% step:a
        seen = []
        def look(x):
            seen.append(x)
            return x
        # %% step:b
        total = look(1) + look(2)
        # %% step:c
        print(total, seen)
    """),
    Row("mutation-through-setattr-and-dunder", r"""
        # %% step:a
        class Box: pass
        box, data = Box(), {"k": 0}
        # %% step:b
        setattr(box, "lid", "open")
        data.__setitem__("k", 1)
        box.__dict__["size"] = 3
        # %% step:c
        print(vars(box), data)
    """),
    Row("mutation-in-a-comprehension", r"""
        # %% step:a
        out = []
        # %% step:b
        _ = [out.append(i * i) for i in range(4)]
        # %% step:c
        print(out)
    """),
    Row("mutation-in-an-expression", r"""
        # %% step:a
        registry = {}
        # %% step:b
        value = registry.setdefault("k", []) or registry["k"].append(1)
        # %% step:c
        print(registry, value)
    """),
    Row("mutation-by-operator", r"""
        # %% step:a
        import operator
        xs = [3, 1]
        d = {"k": 1}
        # %% step:b
        operator.setitem(d, "k", 9)
        operator.iadd(xs, [7])
        # %% step:c
        print(xs, d)
    """),
    Row("mutation-by-a-property", r"""
        # %% step:a
        class Meter:
            def __init__(self):
                self.reads = 0
            @property
            def value(self):
                self.reads += 1
                return self.reads * 10
        meter = Meter()
        # %% step:b
        first = meter.value
        # %% step:c
        print(first, meter.value, meter.reads)
    """),
    Row("mutation-by-equality-and-repr", r"""
        # %% step:a
        class Nosy:
            asked = 0
            def __eq__(self, other):
                self.asked += 1
                return True
            def __repr__(self):
                self.asked += 1
                return f"Nosy({self.asked})"
        nosy = Nosy()
        # %% step:b
        nosy == 3
        # %% step:c
        nosy
        # %% step:d
        print(nosy.asked, nosy)
    """),
    Row("mutation-by-shuffle", r"""
        # %% step:a
        import random
        random.seed(1)
        cards = list(range(8))
        # %% step:b
        random.shuffle(cards)
        # %% step:c
        print(cards)
    """),
    Row("mutation-by-update-of-globals-like-dict", r"""
        # %% step:a
        settings = dict(a=1)
        # %% step:b
        settings |= {"b": 2}
        settings.update(c=3)
        # %% step:c
        print(list(settings.items()))
    """),
    Row("mutation-of-a-loop-item", r"""
        # %% step:a
        rows = [{"n": i} for i in range(3)]
        # %% step:b
        for row in rows:
            row["sq"] = row["n"] ** 2
        # %% step:c
        print(rows)
        # %% step:d
        row["n"] = "last"
        # %% step:e
        print(rows[-1])
    """),
    Row("mutation-while-iterating-by-zip", r"""
        # %% step:a
        a, b = [[1], [2]], [[3], [4]]
        # %% step:b
        for left, right in zip(a, b):
            left += right
        # %% step:c
        print(a, b)
    """),
    Row("mutation-through-a-context-manager", r"""
        # %% step:a
        class Record:
            def __init__(self): self.events = []
            def __enter__(self): self.events.append("in"); return self
            def __exit__(self, *exc): self.events.append(exc[0].__name__ if exc[0] else "out"); return True
        record = Record()
        # %% step:b
        with record:
            raise KeyError("k")
        # %% step:c
        with record as again:
            pass
        print(record.events, again is record)
    """),
    Row("mutation-through-iteration", r"""
        # %% step:a
        class Countdown:
            def __init__(self, n): self.n = n
            def __iter__(self): return self
            def __next__(self):
                if not self.n: raise StopIteration
                self.n -= 1
                return self.n
        down = Countdown(5)
        # %% step:b
        first = next(down)
        # %% step:c
        print(first, list(zip(down, "ab")), down.n)
    """),
    Row("bytearray-and-memoryview", r"""
        # %% step:a
        raw = bytearray(b"hello")
        view = memoryview(raw)[1:3]
        # %% step:b
        view[0] = ord("E")
        # %% step:c
        print(raw, bytes(view))
    """),
    Row("array-module", r"""
        # %% step:a
        from array import array
        xs = array("d", [1, 2, 3])
        # %% step:b
        xs[1] = 20
        xs.append(4)
        # %% step:c
        print(xs, xs.itemsize)
    """),
    Row("deque-with-maxlen", r"""
        # %% step:a
        from collections import deque
        last = deque(maxlen=3)
        # %% step:b
        for i in range(5): last.append(i)
        # %% step:c
        last.rotate(1)
        print(last, last.maxlen)
    """),
    Row("defaultdict-grows-when-read", r"""
        # %% step:a
        from collections import defaultdict
        groups = defaultdict(list)
        # %% step:b
        groups["empty"]
        n = len(groups["also"])
        # %% step:c
        print(dict(groups), groups.default_factory)
    """),
]
