"""A notebook checked again after an edit: only what the edit touches is read anew, and the findings are the same."""

from nbformat import v4

from jupyter_mlops.analysis import effects
from jupyter_mlops.notebook import secret_text
from jupyter_mlops.pipeline.build import build
from jupyter_mlops.pipeline.checks import Context, Finding, calls, cell, check, literal, unbound

KEPT = (
    effects._cached_effects, effects._cached_definitions, calls._named_calls, calls.magics, literal.strings,
    secret_text._known_kinds,
    cell._source, unbound._lambda_only_names, unbound._names_outside_functions,
)  # fmt: skip
CELLS = [
    "import numpy as np\nimport requests as web",
    *(
        f"x{n} = np.random.rand({n})\n!pip install thing{n}\npath = '/home/me/{n}.csv'\ndef f{n}(): return y{n}"
        for n in range(30)
    ),
    "web.get('https://example.org')",
]


def found(*sources: str) -> list[Finding]:
    nb = v4.new_notebook(cells=[v4.new_code_cell(source) for source in sources])
    return check(Context(nb, build(nb, "again")))


def misses() -> list[int]:
    return [kept.cache_info().misses for kept in KEPT]


def test_one_edit_reads_one_cell():
    found(*CELLS)
    before = misses()
    found(*CELLS[:7], CELLS[7] + "\nz = 1", *CELLS[8:])
    assert [now - then for now, then in zip(misses(), before, strict=True)] == [1] * len(KEPT)


def test_an_import_is_read_again_by_the_cells_that_name_it():
    found(*CELLS)
    before = effects._cached_effects.cache_info().misses
    found("import numpy as np\nimport requests as web\nimport math", *CELLS[1:])
    assert effects._cached_effects.cache_info().misses == before + 1
    found("import numpy as np\nimport math as web", *CELLS[1:])
    assert effects._cached_effects.cache_info().misses == before + 3


def test_what_is_kept_says_the_same():
    edited = ["import math as np\nimport requests as web", *CELLS[2:], "y3 = 1", CELLS[1]]
    found(*CELLS)
    warm = found(*edited)
    for kept in (*KEPT, unbound._unbound):
        kept.cache_clear()
    assert warm == found(*edited) != found(*CELLS)
    assert {one.rule for one in warm} >= {"undefined_names", "pip_install", "absolute_paths", "outside"}
