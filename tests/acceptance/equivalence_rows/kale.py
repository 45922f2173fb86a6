"""Notebooks as Kale's users write them, and what Kale's analysis misses."""

from __future__ import annotations

from tests.acceptance.row import Row

ROWS = [
    Row("kale-candies", r"""
        # %% imports
        import random
        # %% functions
        def get_handful(left):
            if left == 0:
                print("There are no candies left! I want to cry :(")
                return 0
            c = random.randint(1, left)
            print(f"I got {c} candies!")
            return c
        # %% pipeline-parameters
        CANDIES = 20
        # %% step:sack
        random.seed(5)
        print(f"Let's put in a bag {CANDIES} candies")
        # %% step:kid1 prev:sack
        kid1 = get_handful(CANDIES)
        # %% step:kid2 prev:kid1
        kid2 = get_handful(CANDIES - kid1)
        # %% step:kid3 prev:kid2
        kid3 = get_handful(CANDIES - kid1 - kid2)
        # %% pipeline-metrics
        print(kid1)
        print(kid2)
    """, params={"CANDIES": 30}),
    Row("kale-diamond-with-metrics", r"""
        # %% imports
        import math
        # %% pipeline-parameters
        n = 4
        # %% step:load
        data = list(range(n))
        # %% step:left prev:load
        left = sum(data)
        # %% step:right prev:load
        right = math.prod(x + 1 for x in data)
        # %% step:join prev:left prev:right
        result = left + right
        print(result)
        # %% pipeline-metrics
        print(result)
    """),
    Row("kale-step-name-repeated", r"""
        # %% block:train
        weights = [1.0]
        # %% block:report prev:train
        print(weights)
        # %% block:train
        weights.append(2.0)
        # %% block:final prev:train
        print(weights)
    """),
    Row("kale-functions-use-imports-below", r"""
        # %% functions
        def root(x):
            return math.sqrt(x)
        # %% imports
        import math
        # %% step:a
        print(root(9))
    """),
    Row("kale-magic-and-shell-in-steps", r"""
        # %% step:a
        %env MODE=fast
        # %% step:b
        import os
        names = !echo one two
        print(names, os.environ["MODE"])
        # %% step:c
        word = names[0].split()[1]
        !echo shell says {word}
    """, python_only=False),
    Row("kale-free-variable-of-a-method", r"""
        # %% step:a
        rate = 3
        class Model:
            def predict(self, x):
                return x * rate
        # %% step:b
        model = Model()
        # %% step:c
        print(model.predict(2))
        # %% step:d
        rate = 10
        print(model.predict(2))
    """),
    Row("kale-free-variable-of-a-lambda", r"""
        # %% step:a
        shift = 1
        # %% step:b
        move = lambda x: x + shift
        # %% step:c
        print(list(map(move, [1, 2])))
    """),
    Row("kale-free-variable-of-a-closure", r"""
        # %% step:a
        base = 10
        def adder(n):
            def add(x):
                return x + n + base
            return add
        # %% step:b
        add2 = adder(2)
        base = 20
        # %% step:c
        print(add2(1), add2.__closure__[0].cell_contents)
    """),
    Row("kale-free-variable-of-a-partial", r"""
        # %% step:a
        from functools import partial
        unit = 100
        def convert(x, k):
            return x * k / unit
        # %% step:b
        pct = partial(convert, k=5)
        # %% step:c
        print(pct(20), pct.keywords, pct.func is convert)
    """),
    Row("kale-function-calls-function-calls-global", r"""
        # %% functions
        def outer(x):
            return inner(x) + 1
        def inner(x):
            return x * TABLE["k"]
        # %% step:a
        TABLE = {"k": 2}
        # %% step:b
        print(outer(3))
        # %% step:c
        TABLE["k"] = 5
        # %% step:d
        print(outer(3))
    """),
    Row("kale-alias-of-a-function", r"""
        # %% step:a
        def work(x):
            return x + delta
        task = work
        # %% step:b
        delta = 4
        # %% step:c
        print(task(1), task.__name__)
    """),
    Row("kale-mutation-through-a-call", r"""
        # %% functions
        def clean(table):
            table["rows"] = [row for row in table["rows"] if row is not None]
        # %% step:load
        table = {"rows": [1, None, 2]}
        # %% step:clean prev:load
        clean(table)
        # %% step:report prev:clean
        print(table)
    """),
    Row("kale-mutation-on-parallel-branches", r"""
        # %% step:load
        data = {"n": 1}
        # %% step:left prev:load
        data["left"] = data["n"] + 1
        # %% step:right prev:load
        data["right"] = len(data)
        # %% step:join prev:left prev:right
        print(data)
    """),
    Row("kale-prev-against-notebook-order-of-data", r"""
        # %% step:a
        x = 1
        # %% step:b
        x = 2
        # %% step:c prev:a
        print(x)
    """),
    Row("kale-global-statement", r"""
        # %% functions
        count = 0
        def tick():
            global count
            count += 1
            return count
        # %% step:a
        tick()
        # %% step:b
        tick(); tick();
        # %% step:c
        print(count)
    """),
    Row("kale-star-import-in-imports", r"""
        # %% imports
        from collections import *
        # %% step:a
        c = Counter("banana")
        # %% step:b
        print(c.most_common(1), OrderedDict(c))
    """),
]
