import pytest

from jupyter_mlops.pipeline.segmentation import CellSummary, names, split


def piece(cell: int, reads: str = "", binds: str = "", source: str = "", text_above: bool = False) -> CellSummary:
    made = tuple((name, source or f"{name} = f()") for name in binds.split())
    return CellSummary(cell, source, frozenset(reads.split()), frozenset(binds.split()), made, text_above)


def cells(groups: list[tuple[CellSummary, ...]]) -> list[list[int]]:
    return [[one.cell for one in group] for group in groups]


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([], []),
        ([piece(0, "", "a")], [[0]]),
        ([piece(0, "", "a"), piece(1, "", "b"), piece(2, "", "c")], [[0, 1, 2]]),
        pytest.param(
            [piece(0, "", "a"), piece(1, "a"), piece(2, "", "b"), piece(3, "b")],
            [[0, 1], [2, 3]],
            id="a new connected piece",
        ),
        pytest.param(
            [piece(0, "", "a"), piece(1, "a", "b"), piece(2, "b", "c", text_above=True), piece(3, "c", "d")],
            [[0, 1], [2, 3]],
            id="text between connected cells",
        ),
        pytest.param(
            [piece(0, "", "a"), piece(1, "a", "b"), piece(2, "b", "c"), piece(3, "c", "d")],
            [[0, 1, 2, 3]],
            id="a chain without any sign stays whole",
        ),
        pytest.param(
            [piece(0, "", "a"), piece(1, "a", text_above=True), piece(2, "a", text_above=True), piece(3, "a")],
            [[0, 1, 2, 3]],
            id="what only shows stays with what it shows",
        ),
        pytest.param(
            [piece(0), piece(1, "", "a"), piece(2, "a"), piece(3, "a")],
            [[0, 1, 2, 3]],
            id="nothing made yet is no step",
        ),
    ],
)
def test_split(pieces: list[CellSummary], expected: list[list[int]]) -> None:
    assert cells(split(pieces)) == expected


@pytest.mark.parametrize(("count", "most"), [(3, 1), (5, 2), (6, 3), (20, 5), (100, 10)])
def test_the_number_of_steps(count: int, most: int) -> None:
    assert len(split([piece(n, "", f"v{n}") for n in range(count)])) == most


@pytest.mark.parametrize(
    ("pieces", "first"),
    [
        ([piece(0, "", "df", "df = pd.read_csv('a')")], "load_data"),
        ([piece(0, "", "sales", "sales = pd.read_csv('a')")], "load_data"),
        ([piece(0, "", "ridge", "ridge = Ridge().fit(X, y)")], "fit_ridge"),
        ([piece(0, "", "model", "model = Ridge().fit(X, y)")], "fit_model"),
        ([piece(0, "", "ols_fit", "ols_fit = ols.fit()")], "fit_ols"),
        ([piece(0, "", "noise", "noise = np.random.rand(3)")], "simulate_noise"),
        ([piece(0, "x", "", "x.to_csv('a.csv')")], "save_results"),
        ([piece(0, "x", "", "plt.plot(x)")], "plot"),
        ([piece(0, "x", "totals", "totals = x.sum()")], "compute_totals"),
        ([piece(0, "x", "y", "y = x")], "prepare"),
        ([piece(0, "x", "", "print(x)")], "show_results"),
    ],
)
def test_names(pieces: list[CellSummary], first: str) -> None:
    assert names(tuple(pieces), set())[0] == first


def test_a_variable_that_is_read_below_names_the_step() -> None:
    group = (piece(0, "", "shops", "shops = a.sum()"), piece(1, "", "towns", "towns = b.sum()"))
    assert names(group, {"shops"})[0] == "compute_shops"
    assert names(group, set())[0] == "compute_towns"
