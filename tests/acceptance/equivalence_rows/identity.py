"""One object under two names stays one object; two stay two."""

from __future__ import annotations

from tests.acceptance.row import Row

ROWS = [
    Row("alias-made-in-one-step-changed-in-another", r"""
        # %% step:a
        a = [1]
        # %% step:b
        b = a
        # %% step:c
        b.append(2)
        # %% step:d
        print(a, a is b)
    """),
    Row("is-across-steps", r"""
        # %% step:a
        x = object()
        pair = (x, x)
        # %% step:b
        y = x
        # %% step:c
        print(x is y, pair[0] is pair[1], pair[0] is x)
    """),
    Row("equal-but-not-the-same", r"""
        # %% step:a
        a, b = [1, 2], [1, 2]
        # %% step:b
        b.append(3)
        # %% step:c
        print(a, b, a is b)
    """),
    Row("sentinel-as-default", r"""
        # %% step:a
        MISSING = object()
        def get(value=MISSING):
            return "nothing" if value is MISSING else value
        # %% step:b
        out = get(), get(MISSING), get(1)
        # %% step:c
        print(out)
    """),
    Row("id-kept-as-a-number", r"""
        # %% step:a
        x = [1, 2]
        mark = id(x)
        # %% step:b
        print(mark == id(x))
    """),
    Row("dict-keyed-by-id", r"""
        # %% step:a
        class Node: pass
        n1, n2 = Node(), Node()
        names = {id(n1): "one", id(n2): "two"}
        # %% step:b
        print([names.get(id(n)) for n in (n2, n1)])
    """),
    Row("default-hash-in-a-dict", r"""
        # %% step:a
        class Key: pass
        k = Key()
        table = {k: "found"}
        # %% step:b
        print(table[k], k in table, hash(k) == hash(next(iter(table))))
    """),
    Row("numpy-view-sees-later-change", r"""
        # %% step:a
        import numpy as np
        a = np.arange(6)
        # %% step:b
        v = a[:3]
        # %% step:c
        v[0] = 99
        # %% step:d
        print(a, v.base is a)
    """, needs=("numpy",)),
    Row("numpy-views-of-one-buffer", r"""
        # %% step:a
        import numpy as np
        base = np.zeros((3, 4))
        row, column, flat = base[1], base[:, 2], base.ravel()
        # %% step:b
        row += 1
        # %% step:c
        column[:] = 7
        # %% step:d
        flat[0] = -1
        # %% step:e
        print(base, np.shares_memory(row, flat), base.T.flags.f_contiguous)
    """, needs=("numpy",)),
    Row("numpy-view-outlives-its-base-name", r"""
        # %% step:a
        import numpy as np
        big = np.arange(100_000)
        head, tail = big[:4], big[2:6]
        del big
        # %% step:b
        head[3] = -5
        # %% step:c
        print(head, tail)
    """, needs=("numpy",)),
    Row("numpy-from-a-buffer", r"""
        # %% step:a
        import numpy as np
        raw = bytearray(8)
        view = np.frombuffer(raw, dtype="u1")
        # %% step:b
        view[2] = 255
        # %% step:c
        print(raw.hex(), view.flags.writeable)
    """, needs=("numpy",)),
    Row("pandas-column-is-a-copy", r"""
        # %% step:a
        import pandas as pd
        df = pd.DataFrame({"a": [1, 2, 3], "b": [4, 5, 6]})
        # %% step:b
        s = df["a"]
        # %% step:c
        s.iloc[0] = 100
        # %% step:d
        print(df, list(s))
        # %% step:e
        df.loc[1, "a"] = -1
        # %% step:f
        print(list(s), list(df["a"]))
    """, needs=("pandas",)),
    Row("pandas-shallow-copy", r"""
        # %% step:a
        import pandas as pd, numpy as np
        df = pd.DataFrame({"a": [1.0, 2.0]})
        shallow = df.copy(deep=False)
        # %% step:b
        print(np.shares_memory(df["a"].values, shallow["a"].values))
        shallow.loc[0, "a"] = 9
        # %% step:c
        print(df, shallow, np.shares_memory(df["a"].values, shallow["a"].values), sep="\n")
    """, needs=("pandas",)),
    Row("pandas-over-a-numpy-array", r"""
        # %% step:a
        import numpy as np, pandas as pd
        a = np.arange(4.0)
        df = pd.DataFrame(a, columns=["x"], copy=False)
        # %% step:b
        a[0] = 50
        # %% step:c
        print(df["x"].tolist(), a)
    """, needs=("pandas",)),
    Row("object-column-shares-lists", r"""
        # %% step:a
        import pandas as pd
        one, two = [1], [2]
        df = pd.DataFrame({"lists": [one, two]})
        # %% step:b
        one.append("more")
        # %% step:c
        df.loc[1, "lists"].append("also")
        # %% step:d
        print(df["lists"].tolist(), two, df["lists"].iloc[0] is one)
    """, needs=("pandas",)),
    Row("shared-part-of-two-dicts", r"""
        # %% step:a
        part = []
        d1, d2 = {"p": part}, {"p": part}
        # %% step:b
        d1["p"].append(1)
        # %% step:c
        print(d2, d1["p"] is d2["p"])
    """),
    Row("cycles", r"""
        # %% step:a
        loop = [1]
        loop.append(loop)
        d = {"self": None}
        d["self"] = d
        # %% step:b
        loop[1][1].append("end")
        # %% step:c
        print(loop, d["self"]["self"] is d, loop[1] is loop)
    """),
    Row("tree-with-parents", r"""
        # %% step:a
        class Node:
            def __init__(self, name, parent=None):
                self.name, self.parent, self.kids = name, parent, []
                if parent: parent.kids.append(self)
        root = Node("root")
        # %% step:b
        leaf = Node("leaf", Node("mid", root))
        # %% step:c
        leaf.parent.parent.name = "top"
        print(root.name, root.kids[0].kids[0] is leaf)
    """),
    Row("interned-and-small-values", r"""
        # %% step:a
        small, text, nothing, empty = 7, "word", None, ()
        # %% step:b
        print(small is 3 + 4, text is "word", nothing is None, empty is ())
    """),
    Row("large-int-and-float-identity", r"""
        # %% step:a
        big = 10 ** 30
        nan = float("nan")
        twin = big
        xs = [nan, 1.0]
        # %% step:b
        print(big is twin, nan in xs, xs.index(nan), nan == nan)
    """),
    Row("bound-method-keeps-its-object", r"""
        # %% step:a
        class Jar:
            def __init__(self): self.items = []
            def put(self, x): self.items.append(x)
        jar = Jar()
        put = jar.put
        # %% step:b
        put("jam")
        # %% step:c
        print(jar.items, put.__self__ is jar)
    """),
    Row("list-method-kept-under-a-name", r"""
        # %% step:a
        out = []
        emit = out.append
        # %% step:b
        emit(1); emit(2)
        # %% step:c
        print(out, emit.__self__ is out)
    """),
    Row("closure-shares-a-cell-with-another", r"""
        # %% step:a
        def pair():
            value = 0
            def get(): return value
            def add(n):
                nonlocal value
                value += n
            return get, add
        get, add = pair()
        # %% step:b
        add(3)
        # %% step:c
        add(4)
        print(get())
    """),
    Row("weakref-across-steps", r"""
        # %% step:a
        import weakref
        class Thing: pass
        thing = Thing()
        ref = weakref.ref(thing)
        # %% step:b
        print(ref() is thing)
        # %% step:c
        del thing
        # %% step:d
        print(ref())
    """),
    Row("weak-proxies-of-what-is-there-and-of-what-is-gone", r"""
        # %% step:point
        import weakref
        class Thing:
            value = 1
        thing, lost = Thing(), Thing()
        near, gone = weakref.proxy(thing), weakref.proxy(lost)
        held = {"near": near, "gone": gone, "not pickled": (x for x in "ab")}
        del lost
        # %% step:change
        thing.value = 2
        # %% step:look
        print(near.value, held["near"].value, type(gone).__name__)
        try:
            gone.value
        except ReferenceError as error:
            print(error)
    """),
    Row("weak-dictionaries", r"""
        # %% step:a
        import weakref
        class Thing: pass
        kept, lost = Thing(), Thing()
        pool = weakref.WeakValueDictionary(kept=kept, lost=lost)
        labels = weakref.WeakKeyDictionary({kept: "label"})
        # %% step:b
        del lost
        # %% step:c
        print(sorted(pool), labels[kept])
    """),
    Row("enum-members-are-the-same", r"""
        # %% step:a
        import enum
        class Color(enum.Enum):
            RED = 1
            BLUE = 2
        favourite = Color.RED
        # %% step:b
        saved = {"c": favourite, Color.BLUE: 1}
        # %% step:c
        print(saved["c"] is Color.RED, favourite in Color, saved[Color.BLUE])
    """),
    Row("class-object-identity", r"""
        # %% step:a
        class A: pass
        a = A()
        kinds = [A]
        # %% step:b
        print(type(a) is A, kinds[0] is A, isinstance(a, kinds[0]))
    """),
    Row("module-object-identity", r"""
        # %% step:a
        import math, sys
        modules = [math]
        # %% step:b
        print(modules[0] is sys.modules["math"], modules[0] is math)
    """),
]
