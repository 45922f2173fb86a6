"""The kernel's side of a run: what the main line and its helpers ask of the kernels they use.

It speaks JSON: `serve(request)` answers with a dictionary.

    hello    what it has to know of the run, and who this kernel is; the first request may bring it along
    sync     bring variables, process state and imports to what the main line has
    begin    a block of cells is about to run: remember what is there
    finish   the block ran: what it wrote, and if asked, pickled into a file that another kernel can map
    models   the step ended: keep its models
"""

from __future__ import annotations

import builtins
import contextvars
import enum
import gc
import importlib
import json
import os
import pickle
import re
import sys
import time
import types
from typing import Any

from . import figures, frame_reports, here, points
from .disposable import dead_among
from .draws import ImportDraws
from .here import MODULE
from .libraries import Libraries
from .models import keep_models
from .objects import class_data, globals_of, is_kind, is_of_notebook, kind_of, object_at
from .packing import Packing
from .patches import Patches
from .pickler import BASE
from .readers import is_installed, is_standard
from .registries import Registries
from .remake import Gone
from .resources import BEFORE_IMPORTS, RANDOM, SHELL_TRAITS, get_logging, get_warnings, hide_ours, umask_now, zone_now
from .settings import note_limits
from .sources import Sources
from .state import State, count_transformers
from .watch import Watch

HIDDEN = frozenset(
    "In Out get_ipython exit quit open _ __ ___ _i _ii _iii _ih _oh _dh _exit_code __name__ __doc__ __package__ "
    "__loader__ __spec__ __builtin__ __builtins__ __session__ __warningregistry__ __annotations__ "
    "_pydevd_bundle".split()
)
OURS = frozenset({"jupyter_mlops", "jupyter_mlops.metric_log"})  # has no state; a checkout of it is not installed
HISTORY = re.compile(r"_i?\d+")
OPAQUE_GLOBALS = frozenset(
    {"eval", "exec", "globals", "locals", "vars", "dir", "get_ipython", "__main__", "__import__"}
)


class Agent:
    """What is known of a kernel from its beginning on, and the answers to requests.

    :param shell: IPython's.
    """

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self.user_ns = shell.user_ns
        self.axes_apart = self.memory_seen = self.identity_seen = self.backend_seen = False
        self.facts: dict[Any, Any] = {}
        self.raws: dict[str, Any] = {}
        self.own_files: dict[str, bool] = {}
        self.seeding: dict[Any, Any] = {}
        self.awaits = False
        self.sources, self.libraries, self.registries = Sources(self), Libraries(self), Registries(self)
        self.watch, self.state, self.patches, self.packing = Watch(), State(self), Patches(self), Packing(self)
        self.imported: set[Any] = set()
        self.hidden = HIDDEN | {n for n in self.user_ns if n.startswith("_") and n not in ("__warningregistry__",)}
        self.base_environ = dict(os.environ)
        self.base_builtins = dict(vars(builtins))
        self.base_cwd = os.getcwd()
        self.base_path = list(sys.path)
        self.base_extensions = set(shell.extension_manager.loaded)
        self.base_locale = None
        self.base_logging: dict[Any, Any] = {}
        self.base_levels: dict[Any, Any] = {}
        self.base_argv = list(sys.argv)
        self.base_zone = zone_now()
        self.base_filters: list[Any] = []
        self.base_limits = {"recursion": sys.getrecursionlimit(), "gc": gc.isenabled(), "umask": umask_now()}
        self.base_interpreter = note_limits()
        self.base_shell = {k: getattr(shell, k, None) for k in SHELL_TRAITS}
        text = shell.display_formatter.formatters["text/plain"]
        self.base_text = {
            "text." + k: getattr(text, k) for k in ("float_precision", "pprint", "max_width", "max_seq_length")
        }
        self.base_mode = getattr(shell.InteractiveTB, "mode", "")
        self.base_streams = (sys.stdout, sys.stderr, sys.displayhook, sys.excepthook)
        self.base_transformers = count_transformers(shell)

    def start(self) -> None:
        """Take the defaults of this process, once the agent itself is installed."""
        hide_ours()
        self.base_environ = dict(os.environ)
        locale = importlib.import_module("locale")
        self.base_locale = locale.setlocale(locale.LC_ALL)
        logging_state = get_logging()
        self.base_logging = dict(logging_state["loggers"]) if logging_state else {}
        self.base_levels = dict(logging_state["levels"]) if logging_state else {}
        self.base_filters = get_warnings()["filters"] or []
        for name in RANDOM:
            digest = self.state.random_digest(name)[0]
            if digest:
                self.state.start_random[name] = digest
        for name, module in list(sys.modules.items()):
            if not name.startswith("_") and hasattr(module, "__dict__"):
                self.patches.prints[name] = dict(zip(attributes := vars(module), map(id, attributes.values())))
        ImportDraws(self)
        self.sources.hook_reload()
        history = getattr(self.shell, "history_manager", None)
        if history is not None:
            history.enabled = False  # the person's history is not written to, nor waited for
            history.hist_file = ":memory:"  # as `jupyter execute` has it
        kernel: Any = getattr(self.shell, "kernel", None)
        if hasattr(kernel, "_execute_sleep"):
            kernel._execute_sleep = 0  # before each reply, for outputs to get ahead of it: they are waited for anyway
        self.watch.install()
        self.shell.events.register("pre_run_cell", self.before_cell)

    # -- what pickling asks

    def pandas_copies_on_write(self) -> Any:
        pandas = sys.modules.get("pandas")
        if pandas is None:
            return False
        if int(pandas.__version__.split(".")[0]) >= 3:
            return True
        try:
            return pandas.options.mode.copy_on_write is True
        except Exception:
            return False

    def code_facts(self, code: Any) -> Any:
        """The global names of a function of the notebook, and the text of its cell."""
        facts = self.facts.get(code)
        if facts is None:
            import linecache

            names = globals_of(code)
            if names & OPAQUE_GLOBALS:
                names.add("*")
            entry: Any = linecache.cache.get(code.co_filename)
            source = None
            if entry is not None and entry[1] is None:
                number = getattr(self.shell.compile, "_filename_map", {}).get(code.co_filename, 0)
                source = ("".join(entry[2]), number, self.raws.get(code.co_filename))
            facts = self.facts[code] = (frozenset(names), source)
        return facts

    def class_refs(self, cls: Any) -> Any:
        names = set()
        for value in vars(cls).values():
            for function in (value, getattr(value, "__func__", None), getattr(value, "fget", None)):
                if isinstance(function, types.FunctionType):
                    names |= self.code_facts(function.__code__)[0]
        return names

    def register_source(self, text: str, number: Any, raw: Any) -> Any:
        """The file name that a cell gets: it is made from the text as it was typed, magics and all."""
        name = self.shell.compile.cache(text, number, raw or text)
        self.raws[name] = raw
        return name

    def note_raw(self, info: Any) -> None:
        raw = getattr(info, "raw_cell", None)
        if raw is not None:
            name = self.shell.compile.get_code_name(raw, raw, self.shell.execution_count)
            self.raws[name] = raw

    # -- names

    def names(self) -> Any:
        return [n for n in list(self.user_ns) if n not in self.hidden and not HISTORY.fullmatch(n)]

    def value(self, name: str) -> Any:
        if not name.startswith("@"):
            return self.user_ns[name]
        kind, path, attribute = name[1:].split("|")
        if kind == "module":
            return self.module_data(path)
        if kind == "figures":
            return figures.open_figures()
        return _attribute(object_at(path), attribute)

    def assign(self, name: str, value: Any) -> None:
        if not name.startswith("@"):
            self.user_ns[name] = value
            return
        kind, path, attribute = name[1:].split("|")
        if kind == "module":
            module = importlib.import_module(path)
            for key, item in value.items():
                owner, _, part = key.rpartition(".")
                setattr(getattr(module, owner) if owner else module, part, item)
        elif kind == "figures":
            figures.set_open_figures(value)
        elif isinstance(value, Gone):
            delattr(object_at(path), attribute)
        else:
            setattr(object_at(path), attribute, value)

    def local_modules(self) -> Any:
        """Modules of the person's own: not of the standard library, not installed."""
        modules = {}
        for name, module in list(sys.modules.items()):
            path = getattr(module, "__file__", None)
            if not path:
                continue
            is_own = self.own_files.get(path)
            if is_own is None:
                is_own = self.is_own_file(path)
                if os.path.isabs(path):
                    self.own_files[path] = is_own
            top = name.partition(".")[0]
            has_no_state = name in OURS or top in ("__main__", MODULE)
            if is_own and not has_no_state and not name.startswith(("ipykernel", "IPython")):
                modules[name] = os.path.abspath(path)
        return modules

    def is_own_file(self, path: str) -> bool:
        """Whether a module's file is neither of the standard library nor installed."""
        path = os.path.abspath(path)
        return path.endswith(".py") and not (is_installed(path) or is_standard(path))

    def module_data(self, name: str) -> Any:
        skip = (types.ModuleType, types.FunctionType, types.BuiltinFunctionType, type)
        data: dict[str, Any] = {}
        for key, value in vars(sys.modules[name]).items():
            if is_kind(value, type) and value.__module__ == name and not issubclass(value, enum.Enum):
                data.update((f"{key}.{part}", item) for part, item in class_data(value).items())
            elif not key.startswith("__") and not is_kind(value, skip):
                data[key] = value
        return data

    # -- requests

    def hello(self, request: Any) -> Any:
        self.axes_apart = bool(request.get("axes_apart"))
        self.memory_seen = bool(request.get("memory_seen"))
        self.identity_seen = bool(request.get("identity_seen"))
        self.awaits = bool(request.get("awaits"))
        self.backend_seen = bool(request.get("backend_seen"))
        if "cwd" in request:
            self.move(request["cwd"], request["began_with"], request["environ"])
        return {
            "pid": os.getpid(),
            "python": sys.version,
            "executable": sys.executable,
            "cloudpickle": BASE is not pickle.Pickler,
        }

    def move(self, cwd: str, began_with: Any, environ: Any) -> None:
        """Be as if this kernel had been started here, with these environment variables.

        What the kernel itself set when it began (MPLBACKEND, PAGER, …) stays.
        """
        os.chdir(cwd)
        self.base_cwd = os.getcwd()
        self.watch.at(self.base_cwd)
        self.shell.starting_dir = self.base_cwd
        self.user_ns["_dh"][:] = [type(place)(self.base_cwd) for place in self.user_ns["_dh"][:1]]
        own_variables = {k: v for k, v in os.environ.items() if began_with.get(k) != v}
        for key in set(os.environ) - set(environ) - set(own_variables):
            del os.environ[key]
        os.environ.update({**environ, **own_variables})
        hide_ours()
        self.base_environ = dict(os.environ)

    def sync(self, request: Any) -> Any:
        """Bring this kernel to the state of the main line.

        request: imports [module], state {resource: [digest, payload hex]}, groups [manifest], delete [name],
        modules_path, count (execution count of the next cell).
        """
        self.watch.pause()
        missing: list[str] = []
        state = request.get("state", {})
        self.state.set({k: v for k, v in state.items() if k in BEFORE_IMPORTS})
        self.import_all(request.get("imports", ()), missing)
        for name in request.get("delete", ()):
            self.user_ns.pop(name, None)
            self.packing.groups.pop(name, None)
            if name == figures.OPEN:
                figures.close_figures()
        started = time.monotonic()
        unloaded = []
        for manifest in request.get("groups", ()):
            try:
                contextvars.copy_context().run(self.packing.load, manifest)  # a Decimal makes a context
            except Exception as error:
                unloaded.append([manifest["names"], f"{type(error).__name__}: {error}"])
        self.state.set({k: v for k, v in state.items() if k not in BEFORE_IMPORTS})
        self.import_all(request.get("ahead", ()), missing)
        if request.get("count"):
            self.shell.execution_count = request["count"]
        return {"seconds": time.monotonic() - started, "missing": missing, "unloaded": unloaded}

    def import_all(self, names: Any, missing: Any) -> None:
        for name in names:
            if name not in self.imported:
                self.imported.add(name)
                try:
                    importlib.import_module(name)
                except Exception as error:
                    missing.append([name, f"{type(error).__name__}: {error}"])

    def begin(self, request: Any) -> Any:
        """request: guarded, seeds {ordinal of cell: [resource]}, environ [name]; touched [name] or "*", what the block
        may come near, certain [name], what its text changes in place, needed [name] or "*", what a later block may."""
        self.before_names = {n: id(self.user_ns[n]) for n in self.names()}
        self.before_prints = self.patches.fingerprints()
        self.before_stale = self.sources.stale()
        self.libraries.begin()
        self.before_state, _ = self.state.values()
        self.seeding = {int(k): v for k, v in request.get("seeds", {}).items()}
        self.ordinal = -1
        self.seeded: set[str] = set()
        self.remember(request)
        points.clear()
        self.started = time.monotonic()
        self.watch.begin(bool(request.get("guarded")))
        environ = {name: os.environ.get(name) for name in request.get("environ", ())}
        return {"names": sorted(self.before_names), "environ": environ}

    def remember(self, request: Any) -> None:
        """Know the large buffers that the block may change, but need not."""
        touched = request.get("touched", "*")
        present = set(self.before_names)
        chosen = set(present) if touched == "*" else {n for n in touched if n in present}
        chosen |= {n for n in self.packing.groups if n.startswith("@")}
        needed = request.get("needed", ())
        self.packing.bigs.begin(
            self.spread(chosen, present), set(request.get("certain", ())), None if needed == "*" else set(needed)
        )

    def before_cell(self, info: Any = None) -> None:
        self.note_raw(info)
        if not self.watch.on:
            return
        self.ordinal += 1
        self.watch.cell = self.ordinal
        text = getattr(info, "raw_cell", None) or ""
        self.registries.before_cell(text, self.libraries.before_cell(text))
        for name in self.seeding.get(self.ordinal, ()):
            if self.state.random_digest(name)[0] == self.before_state[name][0]:
                self.seeded.add(name)

    def finish(self, request: Any) -> Any:
        """What the block did.

        request: touched [name], "*" for all, or null to leave variables out, alive [name] that a later block may need,
        or null for all, file (path to store changed groups
        in, or null), budget (seconds that pickling may take, or null), state (whether to report it), ids (identities
        of large buffers that are known to come out again), and what `worth_writing` asks.
        """
        self.watch.finish()
        began = time.monotonic()
        budget = request.get("budget")
        deadline = None if budget is None else time.process_time() + budget  # others may have the processors
        names = self.names()
        changed, deleted = [], []
        self.regrouped: list[str] = []
        self.dead: dict[str, str] = {}
        if request["touched"] is not None:
            self.packing.bigs.promised = dict(request.get("ids", {}))
            candidates = self.candidates(request["touched"], names, deadline)
            changed, deleted = self.changes(
                candidates, deadline, dead_among(candidates, self.user_ns, request.get("alive"))
            )
        answer = {
            "dead": self.dead,
            "deleted": sorted(set(self.before_names) - set(names)) + deleted,
            "names": names,
            "groups": [],
            "live": [],
            "failed": "",
            "regrouped": sorted(self.regrouped),
        }
        groups = [g for g in changed if not g.live]
        for name in self.watch.scratch:
            if any(name.encode() in g.stream for g in groups):
                self.watch.volatile.append(["the name of a scratch file", "", self.watch.cell])
        unlooked = [n for n in self.dead if self.before_names.get(n) == id(self.user_ns[n])]
        answer["unlooked"] = sorted([*unlooked, *(n for g in groups if g.unlooked for n in g.names)])
        answer["groups"] = [self.packing.unwritten(g) for g in groups]
        if request.get("file") and groups:
            try:
                answer["groups"] = self.packing.write(request["file"], groups, request)
            except OSError as error:
                answer["failed"] = str(error)
        self.packing.bigs.end()
        for group in self.packing.groups.values():
            group.stream, group.buffers = b"", ()
        answer["live"] = [
            {"names": g.names, "digest": g.digest, "why": g.live, "types": g.types, "refs": sorted(g.refs)}
            for g in changed
            if g.live
        ]
        state, stuck = self.state.values()
        before = self.before_state
        answer["state_before"] = {k: v[0] for k, v in before.items()}
        answer["state"] = {k: [d, p.hex() if p else None] for k, (d, p) in state.items() if d != before[k][0]}
        answer["stuck"] = {**stuck, **self.state.stuck()}
        if stale := self.sources.stale() - self.before_stale:
            answer["failed"] = f"it changes the file of the module {min(stale)}, which is loaded"
        answer["seeded"], answer["pristine"] = sorted(self.seeded), self.state.pristine()
        watch = self.watch
        answer["read"], answer["looks"], answer["listed"] = dict(watch.read), dict(watch.looks), dict(watch.listed)
        answer["written"], answer["outside"] = dict(watch.written), sorted(set(watch.outside))
        answer["connections"] = watch.connections.names()
        answer["denied"], answer["volatile"] = watch.denied, watch.volatile
        answer["scratch"] = self.watch.scratch
        answer["overlooked"] = watch.many or watch.native is None
        answer["modules"] = self.local_modules()
        answer["metrics"] = points.numbers_among(self.user_ns, request.get("metrics", ()))
        points.record([(name, value, None) for name, value in answer["metrics"].items()], time.time())
        answer["metrics"], answer["logged"] = points.report()
        answer["frames"] = frame_reports.report(self.user_ns, request)
        answer["seconds"] = time.monotonic() - began
        return answer

    def models(self, request: Any) -> Any:
        return {"models": keep_models(self, request)}

    def candidates(self, touched: Any, names: Any, deadline: Any) -> Any:
        present = set(names)
        patches = self.patches.since(self.before_prints)
        modules = [f"@module|{n}|" for n in self.local_modules()]
        if touched == "*":
            chosen = set(names)
        else:
            chosen = {n for n in touched if n in present}
            chosen |= {n for n in names if self.before_names.get(n) != id(self.user_ns[n])}
        chosen |= set(patches) | set(modules) | {n for n in self.packing.groups if n.startswith("@patch")}
        chosen |= {figures.OPEN} if self.has(figures.OPEN) or figures.OPEN in self.packing.groups else set()
        chosen = self.spread(chosen, present)
        order = {n: i for i, n in enumerate(names)}
        return sorted(chosen, key=lambda n: (order.get(n, len(order)), n))

    def spread(self, chosen: Any, present: Any) -> Any:
        """These names, what shares objects with them, and what their functions name."""
        waiting = list(chosen)
        while waiting:
            name = waiting.pop()
            reached = set()
            group = self.packing.groups.get(name)
            if group is not None:
                reached |= set(group.names)
                reached |= self.follow(group.refs, present)
            value = self.user_ns.get(name) if not name.startswith("@") else None
            if group is None and value is not None:
                reached |= self.follow(self.direct_refs(value), present)
            for other in reached - chosen:
                if other in present or other.startswith("@"):
                    chosen.add(other)
                    waiting.append(other)
        return chosen

    def follow(self, refs: Any, present: Any) -> Any:
        if "*" in refs:
            return set(present)
        return {r.lstrip("'") for r in refs} & present

    def direct_refs(self, value: Any) -> Any:
        if is_kind(value, types.FunctionType) and value.__globals__ is self.user_ns:
            return self.code_facts(value.__code__)[0]
        if is_kind(value, type) and is_of_notebook(value):
            return self.class_refs(value)
        return frozenset()

    def changes(self, candidates: Any, deadline: Any, dead: Any) -> Any:
        """The groups among these variables that are not what they were.

        :param dead: names that are left out, unless another value may use them.
        """
        chosen, groups = [n for n in candidates if n not in dead], self.packing.groups
        while True:
            deleted = [n for n in chosen if n.startswith(("@patch", "@figures")) and not self.has(n)]
            packed = self.packing.groups_of([n for n in chosen if n not in deleted], deadline)
            refs = set().union(*(g.refs for g in packed)) if packed else set()
            added = (self.follow(refs, set(self.names())) - set(chosen)) if refs else set()
            dead -= added
            added |= {
                n for g in packed for m in g.names if m in groups for n in groups[m].names
                if n not in chosen and n not in dead
            }  # fmt: skip
            added = {n for n in added if n.startswith("@") or n in self.user_ns}
            if not added:
                break
            chosen += sorted(added)
        changed: list[Any] = []
        for group in packed:
            if self.watch.ids and not group.live and self.is_new(group):
                group.live = dict.fromkeys(group.names[:1], "made where id() was called: it may hold addresses")
            if group.live:
                group.digest = "live-" + os.urandom(12).hex()
                changed.append(group)
            elif self.is_new(group):
                changed.append(group)
                self.regrouped += [n for n in group.names if self.has_same_value(group, n)]
            for name in group.names:
                groups[name] = group
        for name in deleted:
            groups.pop(name, None)
        for name in dead:
            groups.pop(name, None)
        self.dead = {n: kind_of(self.user_ns[n]) for n in sorted(dead)}
        for name in set(groups) - set(self.names()):
            if not name.startswith("@"):
                del groups[name]
        return changed, deleted

    def is_new(self, group: Any) -> Any:
        old_groups = [self.packing.groups.get(name) for name in group.names]
        return any(before is None or before.digest != group.digest for before in old_groups)

    def has_same_value(self, group: Any, name: str) -> bool:
        """Whether a variable is what it was, and only shares objects with others than before."""
        before = self.packing.groups.get(name)
        return before is not None and not before.live and before.own.get(name, "") == group.own.get(name)

    def has(self, name: str) -> Any:
        try:
            self.value(name)
        except (AttributeError, KeyError):
            return False
        return True


def _attribute(target: Any, name: str) -> Any:
    return vars(target)[name]


def install(shell: Any) -> Any:
    """Start the agent of this kernel, once."""
    if here.AGENT is None:
        here.AGENT = Agent(shell)
        here.AGENT.start()
        _keep_all_outputs(shell)
    return here.AGENT


def _keep_all_outputs(shell: Any) -> None:
    """Have no output dropped that can't be sent at once, as ZeroMQ does from the thousandth on."""
    thread = getattr(getattr(shell.kernel, "iopub_socket", None), "io_thread", None)
    if thread is not None:
        import zmq

        thread.schedule(lambda: thread.socket.setsockopt(zmq.SNDHWM, 0))


def _answer(request: Any) -> Any:
    """Context variables are set by `sync` alone: what looks at the kernel's state must not become part of it."""
    verb = getattr(here.AGENT, request["verb"])
    return verb(request) if request["verb"] == "sync" else contextvars.copy_context().run(verb, request)


def serve(text: str) -> None:
    """Answer one request, given as JSON, through the payload of the reply."""
    request = json.loads(text)
    watched = here.AGENT.watch.pause()
    try:
        if (greeting := request.pop("hello", None)) is not None:
            here.AGENT.hello(greeting)
        answer = _answer(request)
    except BaseException as error:
        import traceback

        answer = {"error": f"{type(error).__name__}: {error}", "traceback": traceback.format_exc()}
        here.AGENT.watch.go_on(watched)
    here.AGENT.shell.payload_manager.write_payload({"source": MODULE, "answer": answer}, single=False)
