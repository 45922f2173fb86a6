"""Random numbers that are drawn in several steps."""

from __future__ import annotations

from tests.acceptance.row import Row

ROWS = [
    Row("random-seeded-drawn-in-three-steps", r"""
        # %% step:a
        import random
        random.seed(42)
        a = random.random()
        # %% step:b
        b = random.randint(1, 1000)
        # %% step:c
        c = random.sample(range(100), 3)
        print(a, b, c)
    """),
    Row("numpy-legacy-drawn-in-three-steps", r"""
        # %% step:a
        import numpy as np
        np.random.seed(42)
        print(np.random.rand(2))
        # %% step:b
        print(np.random.normal(size=3))
        # %% step:c
        print(np.random.permutation(6))
    """, needs=("numpy",)),
    Row("numpy-generator-drawn-in-three-steps", r"""
        # %% step:a
        import numpy as np
        rng = np.random.default_rng(7)
        print(rng.random())
        # %% step:b
        print(rng.integers(0, 100, 4))
        # %% step:c
        print(rng.standard_normal(2))
    """, needs=("numpy",)),
    Row("random-object-drawn-in-steps", r"""
        # %% step:a
        import random
        dice = random.Random("text seed")
        # %% step:b
        one = dice.randint(1, 6)
        # %% step:c
        print(one, dice.gauss(0, 1), dice.gauss(0, 1))
    """),
    Row("gauss-keeps-half-a-pair", r"""
        # %% step:a
        import random
        random.seed(1)
        first = random.gauss(0, 1)
        # %% step:b
        second = random.gauss(0, 1)
        # %% step:c
        print(first, second, random.getstate()[2])
    """),
    Row("two-libraries-seeded-apart", r"""
        # %% step:a
        import random, numpy as np
        random.seed(0)
        # %% step:b
        np.random.seed(0)
        # %% step:c
        print(random.random(), np.random.random())
        # %% step:d
        print(np.random.random(), random.random())
    """, needs=("numpy",)),
    Row("reseeded-in-every-step", r"""
        # %% step:a
        import random
        random.seed(1)
        a = random.random()
        # %% step:b
        random.seed(1)
        b = random.random()
        # %% step:c
        print(a == b, a)
    """),
    Row("seeded-inside-a-function", r"""
        # %% functions
        import random
        def setup(seed):
            random.seed(seed)
        def draw():
            return random.random()
        # %% step:a
        setup(3)
        # %% step:b
        x = draw()
        # %% step:c
        print(x, draw())
    """),
    Row("state-saved-and-set-back", r"""
        # %% step:a
        import random
        random.seed(9)
        state = random.getstate()
        # %% step:b
        a = [random.random() for _ in range(3)]
        # %% step:c
        random.setstate(state)
        # %% step:d
        print(a == [random.random() for _ in range(3)])
    """),
    Row("unseeded-generator-object-is-consistent", r"""
        # %% step:a
        import copy, random
        rng = random.Random()
        twin = copy.deepcopy(rng)
        # %% step:b
        a = [rng.random() for _ in range(3)]
        # %% step:c
        b = [twin.random() for _ in range(3)]
        # %% step:d
        print(a == b)
    """),
    Row("unseeded-module-state-is-consistent", r"""
        # %% step:a
        import random
        before = random.getstate()
        # %% step:b
        x = random.random()
        # %% step:c
        random.setstate(before)
        # %% step:d
        print(x == random.random())
    """),
    Row("unseeded-numpy-is-consistent", r"""
        # %% step:a
        import numpy as np
        rng = np.random.default_rng()
        state = rng.bit_generator.state
        # %% step:b
        a = rng.random(3)
        # %% step:c
        again = np.random.default_rng()
        again.bit_generator.state = state
        print((again.random(3) == a).all())
    """, needs=("numpy",)),
    Row("unseeded-draw-read-by-two-steps", r"""
        # %% step:a
        import random, uuid
        x, u = random.random(), uuid.uuid4()
        # %% step:b
        doubled, text = x * 2, str(u)
        # %% step:c
        print(doubled == x * 2, uuid.UUID(text) == u)
    """),
    Row("clock-kept-as-data", r"""
        # %% step:a
        import time, datetime
        t0, m0, d0 = time.time(), time.monotonic(), datetime.datetime.now()
        # %% step:b
        t1, m1, d1 = time.time(), time.monotonic(), datetime.datetime.now()
        # %% step:c
        print(t0 <= t1 <= time.time(), m0 <= m1 <= time.monotonic(), d0 <= d1)
    """),
    Row("numpy-generator-spawned-for-branches", r"""
        # %% step:a
        import numpy as np
        parent = np.random.default_rng(5)
        one, two = parent.spawn(2)
        # %% step:left
        left = one.random()
        # %% step:right
        right = two.random()
        # %% step:join
        print(left, right, parent.random(), parent.spawn(1)[0].random())
    """, needs=("numpy",)),
    Row("numpy-generator-shared-through-an-alias", r"""
        # %% step:a
        import numpy as np
        rng = np.random.default_rng(5)
        class Sampler:
            def __init__(self, rng): self.rng = rng
            def draw(self): return int(self.rng.integers(1000))
        sampler = Sampler(rng)
        # %% step:b
        x = sampler.draw()
        # %% step:c
        print(x, int(rng.integers(1000)), sampler.draw())
    """, needs=("numpy",)),
    Row("numpy-legacy-randomstate-object", r"""
        # %% step:a
        import numpy as np
        rs = np.random.RandomState(3)
        # %% step:b
        a = rs.randn(3)
        # %% step:c
        print(a, rs.choice(["x", "y"], 4), rs.randn())
    """, needs=("numpy",)),
    Row("pandas-sample-uses-the-global-state", r"""
        # %% step:a
        import numpy as np, pandas as pd
        np.random.seed(11)
        df = pd.DataFrame({"v": range(20)})
        # %% step:b
        one = df.sample(3)["v"].tolist()
        # %% step:c
        print(one, df.sample(3)["v"].tolist())
    """, needs=("numpy", "pandas")),
    Row("sklearn-uses-the-global-state", r"""
        # %% step:a
        import numpy as np
        from sklearn.utils import shuffle
        np.random.seed(2)
        # %% step:b
        one = shuffle(list(range(6)))
        # %% step:c
        print(one, shuffle(list(range(6))))
    """, needs=("numpy", "sklearn")),
    Row("hash-of-text-is-consistent", r"""
        # %% step:a
        h = hash("some text"), hash(("a", 1)), hash(b"raw")
        # %% step:b
        print(h == (hash("some text"), hash(("a", 1)), hash(b"raw")))
    """),
]
