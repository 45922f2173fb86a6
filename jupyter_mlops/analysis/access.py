"""The effect of notebook code on the user namespace and on the outside world."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from jupyter_mlops.analysis.volatility import Volatility

EMPTY: frozenset[str] = frozenset()
Call = tuple[str, tuple[tuple[int | str, str], ...]]


@dataclass(frozen=True)
class Access:
    """The names that a cell, or several cells in order, access in the user namespace.

    The sets err on the safe side: one may contain a name too many, but never a name too few. Names are those of the
    user namespace; local names of functions, lambdas, comprehensions and classes are resolved away by scope.

    :param reads: may be read before this code has certainly bound them. Includes names read by the bodies of functions
        that this code *defines and may call itself*.
    :param binds: may be bound (assignment, `def`, `class`, import, `for`, `with`, `except`, walrus, `match`, `global`
        in a function that may be called here).
    :param certain_bindings: are bound on every path through the code (a subset of `binds`).
    :param deletes: may be deleted with `del name`.
    :param certain_mutations: certain writes in place: item and attribute stores, in-place operators, `del x[i]`, calls
        that form a whole statement (`df.drop(..., inplace=True)`).
    :param possible_mutations: possible writes: passed to a call, or the receiver of a method call.
    :param defines: function, lambda and class names bound here -> free global names their bodies may read (methods,
        nested functions and defaults included), so that a later call can follow them.
    :param global_mutations: defined functions whose bodies bind or change global names -> these names.
    :param argument_mutations: functions defined here that change their arguments in place -> their positions and names.
    :param calls: calls of plain names with plain names as arguments: (function, ((position or name, argument), ...)).
    :param closure_factories: defined functions that return an object with their code: classes, functions with functions
        inside.
    :param carried_functions: names bound here -> names whose functions the value may hold; `name()` if it is the result
        of calling that name.
    :param modules: names bound here to modules or to things imported from them -> dotted module.
    :param imports: modules that are imported, in order, dotted.
    :param star: modules of `from m import *`.
    :param strings: identifiers found inside string literals and f-string texts (`df.query("a > @b")`).
    :param string_reads: those of them in strings that are used before this code has certainly bound them.
    :param opaque: why names can't be resolved ("eval(…)", "globals()", "%run", ...). Such code may read and write
        everything before it.
    :param history: uses of IPython's history (`_`, `__`, `_3`, `Out`, `In`, `_i`, `%history`, ...).
    """

    reads: frozenset[str] = EMPTY
    binds: frozenset[str] = EMPTY
    certain_bindings: frozenset[str] = EMPTY
    deletes: frozenset[str] = EMPTY
    certain_mutations: frozenset[str] = EMPTY
    possible_mutations: frozenset[str] = EMPTY
    defines: Mapping[str, frozenset[str]] = field(default_factory=dict)
    global_mutations: Mapping[str, frozenset[str]] = field(default_factory=dict)
    argument_mutations: Mapping[str, frozenset[int | str]] = field(default_factory=dict)
    calls: tuple[Call, ...] = ()
    closure_factories: frozenset[str] = EMPTY
    carried_functions: Mapping[str, frozenset[str]] = field(default_factory=dict)
    modules: Mapping[str, str] = field(default_factory=dict)
    imports: tuple[str, ...] = ()
    star: tuple[str, ...] = ()
    strings: frozenset[str] = EMPTY
    string_reads: frozenset[str] = EMPTY
    opaque: tuple[str, ...] = ()
    history: tuple[str, ...] = ()

    @property
    def writes(self) -> frozenset[str]:
        """Names whose value may differ after this code."""
        return self.binds | self.deletes | self.certain_mutations | self.possible_mutations

    @property
    def names(self) -> frozenset[str]:
        """Every name that this code may access."""
        return self.reads | self.writes


@dataclass(frozen=True)
class Effects:
    """The effects of code outside the user namespace, as far as its text shows.

    Process state is named by resource: `random`, `numpy.random`, `torch.random`, `environ`, `cwd`, `sys.path`,
    `warnings`, `logging`, `locale`, `matplotlib`, `pandas`, `numpy`, `sklearn`, `extensions`, `decimal`, `patches`
    (attributes stored onto modules and classes).

    :param state_writes: resources this code may change.
    :param state_reads: resources this code certainly reads (`os.environ[...]`, `random.random()`).
    :param seeds: random resources that a top-level statement certainly seeds with a value before any other call in this
        code could draw from them.
    :param volatile: why the result does not follow from the inputs (the clock, unseeded generators, `uuid4`,
        `os.getpid()`, `%time`, ...), as the code names it.
    :param outside: why this acts on the outside world, or reads it, other than through files ("network: requests.get",
        "process: !ls", "subprocess.run").
    :param files_read: literal paths this code may read.
    :param files_written: literal paths this code may write.
    :param looks_at_files: may ask whether files exist, list folders, or read files undetected.
    :param modules_changed: names of imported modules with a call as a whole statement that may change the module
        (`lib.configure(debug=True)`).
    :param stopwatch: names of clock readings, if the code reads the clock only to print durations.
    :param interactive: why this waits for input (`input()`, `%matplotlib notebook`, `breakpoint()`).
    """

    state_writes: frozenset[str] = EMPTY
    state_reads: frozenset[str] = EMPTY
    seeds: frozenset[str] = EMPTY
    volatile: tuple[Volatility, ...] = ()
    outside: tuple[str, ...] = ()
    files_read: tuple[str, ...] = ()
    files_written: tuple[str, ...] = ()
    looks_at_files: bool = False
    modules_changed: frozenset[str] = EMPTY
    interactive: tuple[str, ...] = ()
    stopwatch: frozenset[str] | None = None
