"""What a piece of notebook code may do to the user namespace and to the world around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from jupyter_mlops.analysis.volatility import Volatility

EMPTY: frozenset[str] = frozenset()
Call = tuple[str, tuple[tuple[int | str, str], ...]]


@dataclass(frozen=True)
class Access:
    """The names that a cell, or a run of cells in order, touches in the user namespace.

    Everything errs to the safe side: a set may hold a name too many, never one too few.
    Names are those of the user namespace; local names of functions, lambdas, comprehensions and
    classes are resolved away by scope.

    :param reads: may be read before this code has certainly bound them. Includes names read by
        the bodies of functions that this code *defines and may call itself*.
    :param binds: may be bound (assignment, `def`, `class`, import, `for`, `with`, `except`, walrus,
        `match`, `global` in a function that may be called here).
    :param certain_bindings: are bound on every path through the code (a subset of `binds`).
    :param deletes: may be deleted with `del name`.
    :param certain_mutations: certain writes in place: item and attribute stores, in-place operators, `del x[i]`,
        calls that stand as a statement of their own (`df.drop(..., inplace=True)`).
    :param possible_mutations: possible writes: handed to a call, or the receiver of a method call.
    :param defines: function, lambda and class names bound here -> free global names their bodies
        may read (methods, nested functions and defaults included), so that a later call can follow them.
    :param global_mutations: those of them whose bodies bind or change global names -> these names.
    :param argument_mutations: functions defined here that change their arguments in place -> their positions and
        names.
    :param calls: calls of plain names with plain names as arguments: (function, ((position or name, argument), ...)).
    :param closure_factories: those of them whose calls give something that holds their code: classes, functions with
        functions inside.
    :param carried_functions: names bound here -> names whose functions the value may hold; `name()` where it is the
        result of calling that name.
    :param modules: names bound here to modules or to things imported from them -> dotted module.
    :param imports: modules that are imported, in order, dotted.
    :param star: modules of `from m import *`.
    :param strings: identifiers found inside string literals and f-string texts (`df.query("a > @b")`).
    :param opaque: why names can't be resolved ("eval(…)", "globals()", "%run", ...); then everything
        before may be read and written.
    :param history: uses of IPython's memory (`_`, `__`, `_3`, `Out`, `In`, `_i`, `%history`, ...).
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
    opaque: tuple[str, ...] = ()
    history: tuple[str, ...] = ()

    @property
    def writes(self) -> frozenset[str]:
        """Names whose value this code may leave different."""
        return self.binds | self.deletes | self.certain_mutations | self.possible_mutations

    @property
    def names(self) -> frozenset[str]:
        """Every name this code may come near."""
        return self.reads | self.writes


@dataclass(frozen=True)
class Effects:
    """What a piece of code may do outside the user namespace, as far as its text tells.

    Process state is named by resource: `random`, `numpy.random`, `torch.random`, `environ`, `cwd`,
    `sys.path`, `warnings`, `logging`, `locale`, `matplotlib`, `pandas`, `numpy`, `sklearn`,
    `extensions`, `decimal`, `patches` (attributes stored onto modules and classes).

    :param state_writes: resources this code may change.
    :param state_reads: resources this code plainly reads (`os.environ[...]`, `random.random()`).
    :param seeds: random resources that a top-level statement certainly seeds with a value before any
        other call in this code could draw from them.
    :param volatile: why the result is not a function of what was read (the clock, unseeded generators,
        `uuid4`, `os.getpid()`, `%time`, ...), in the words of the code.
    :param outside: why this acts on or reads the outside world other than by files ("network: requests.get",
        "process: !ls", "subprocess.run").
    :param files_read: literal paths this code may read.
    :param files_written: literal paths this code may write.
    :param looks_at_files: may ask whether files exist, list folders, or read files by unseen means.
    :param modules_changed: names of imported modules on which a call stands as a statement of its own
        and that are not known to leave the module as it was (`lib.configure(debug=True)`).
    :param stopwatch: names that hold readings of the clock, if it is read to print how long something took and for
        nothing else.
    :param interactive: why this waits for a person (`input()`, `%matplotlib notebook`, `breakpoint()`).
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
