"""What is run: notebooks of a few steps, which each peer gets in its own form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.benchmarks.measure import Target

FIRST, UNCHANGED, CHANGED = "first", "unchanged", "one changed"
OURS, WORKER = "jupyter mlops run", "a worker of ours"


@dataclass(frozen=True)
class Part:
    """A step, or all of a notebook that has none.

    :param reads: variables from other parts; `makes`: the variable that others read.
    """

    name: str
    code: tuple[str, ...]
    reads: tuple[str, ...] = ()
    makes: str = ""


@dataclass(frozen=True)
class Case:
    """A notebook, and what is done with it.

    :param parts: the parts, for a number; another number changes one of them.
    :param imports: what every part needs.
    :param base: the peer that times are compared with.
    :param copies: how many of it are run at once.
    :param targets: what is to be reached, for a phase and a peer.
    """

    name: str
    title: str
    parts: Callable[[int], tuple[Part, ...]]
    imports: str = ""
    phases: tuple[str, ...] = (FIRST,)
    base: str = "papermill"
    copies: int = 1
    targets: Mapping[tuple[str, str], tuple[Target, ...]] = field(default_factory=dict)

    def label(self, phase: str) -> str:
        return f"{self.title}: {phase}" if len(self.phases) > 1 else self.title


def cases(quick: bool = False) -> tuple[Case, ...]:
    """All cases; `quick` ones are too small to be judged."""
    many = 30 if quick else 300
    return (
        Case(
            "one",
            "1 cell",
            lambda number: (Part("", ("print(1 + 1)",)),),
            targets={
                (FIRST, OURS): (Target(0.5, "papermill"),),
                (FIRST, WORKER): (Target(0.15), Target(0.06, "papermill"), Target(0.05, "jupyter-scheduler")),
            },
        ),
        Case("ten", "10 cells", lambda number: (Part("", tuple(f"print({i} + 1)" for i in range(10))),)),
        Case(
            "prints",
            f"{many} prints",
            lambda number: (Part("", tuple(f"print({i})" for i in range(many))),),
            targets={
                (FIRST, OURS): (Target(0.3, "papermill"),),
                (FIRST, WORKER): (Target(1.6), Target(0.1, "papermill")),
            },
        ),
        Case(
            "outputs",
            f"{many} x 50 kB",
            lambda number: (Part("", tuple(f"print('{i:04} ' * 10_000)" for i in range(many))),),
            targets={
                (FIRST, OURS): (Target(0.1, "papermill"),),
                (FIRST, WORKER): (Target(2.5), Target(0.03, "papermill")),
            },
        ),
        Case(
            "imports",
            "10 cells that import numpy, pandas, scikit-learn",
            lambda number: (Part("", IMPORTS),),
            targets={(FIRST, WORKER): (Target(0.35), Target(0.3, "python script.py"))},
        ),
        Case(
            "at once",
            "10 notebooks of 1 cell at once",
            lambda number: (Part("", ("print(1 + 1)",)),),
            copies=10,
            targets={(FIRST, WORKER): (Target(3.0),)},
        ),
        Case(
            "diamond",
            "a diamond of 4 pandas steps",
            diamond,
            imports="import numpy as np\nimport pandas as pd",
            phases=(FIRST, UNCHANGED, CHANGED),
            base="Ploomber",
            targets={
                (UNCHANGED, OURS): (Target(0.25, "Ploomber"),),
                (FIRST, WORKER): (Target(1.2), Target(0.15, "Ploomber")),
                (UNCHANGED, WORKER): (Target(0.3), Target(0.15, "Ploomber")),
                (CHANGED, WORKER): (Target(0.7), Target(0.15, "Ploomber")),
            },
        ),
    )


IMPORTS = (
    "import numpy as np",
    "import pandas as pd",
    "from sklearn.linear_model import LinearRegression",
    "generator = np.random.default_rng(1)",
    "frame = pd.DataFrame({'x': np.arange(200.0), 'noise': generator.normal(size=200)})",
    "frame['y'] = 3 * frame['x'] + frame['noise']",
    "print(frame.shape)",
    "model = LinearRegression().fit(frame[['x']], frame['y'])",
    "print(round(model.coef_[0], 6))",
    "print(round(model.score(frame[['x']], frame['y']), 6))",
)


def diamond(number: int) -> tuple[Part, ...]:
    """load, then two that read it, then one that reads both. The number is a constant in one of the two."""
    return (
        Part(
            "load",
            (
                "generator = np.random.default_rng(7)\nsize = 20_000",
                "shop, day = generator.integers(0, 40, size), generator.integers(0, 365, size)",
                "sales = pd.DataFrame({'shop': shop, 'day': day, 'amount': generator.gamma(2.0, 30.0, size)})",
                "print(sales.shape)",
            ),
            makes="sales",
        ),
        Part(
            "shops",
            (
                f"large = sales[sales['amount'] > {50 + number}]",
                "shops = large.groupby('shop')['amount'].agg(['mean', 'size'])",
                "print(shops.round(3).head(3))",
            ),
            reads=("sales",),
            makes="shops",
        ),
        Part(
            "days",
            (
                "daily = sales.groupby('day')['amount'].sum()",
                "days = daily.rolling(7, min_periods=1).mean()",
                "print(round(days.iloc[-1], 3))",
            ),
            reads=("sales",),
            makes="days",
        ),
        Part(
            "report",
            (
                "best = shops['mean'].idxmax()",
                "print(best, round(shops.loc[best, 'mean'] / days.mean(), 6))",
            ),
            reads=("shops", "days"),
        ),
    )
