"""The effects of a cell outside the user namespace, as far as its text shows: tables of dotted names."""

from __future__ import annotations

import ast
import contextlib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache

from jupyter_mlops.analysis.access import Effects
from jupyter_mlops.analysis.magics import Use, find_use, to_python
from jupyter_mlops.analysis.module_calls import configures_module, is_class, leaves_modules
from jupyter_mlops.analysis.stopwatch import stopwatch
from jupyter_mlops.analysis.volatility import Volatility, VolatilityKind, of_call

# Calls that change process state: pattern of the dotted name -> resource.
STATE_CALLS: tuple[tuple[str, str], ...] = (
    (r"random\.(?!Random$|SystemRandom$|getstate$)\w+", "random"),
    (r"numpy\.random\.(?!default_rng$|Generator$|RandomState$|SeedSequence$|get_state$|PCG64|MT19937|Philox|SFC64)\w+",
     "numpy.random"),
    (r"torch\.(manual_seed|seed|rand\w*|randn\w*|randperm|normal|bernoulli|multinomial|set_rng_state)", "torch.random"),
    (r"torch\.(set_default\w*|set_num\w*|use_deterministic\w*|set_printoptions|set_grad_enabled)", "torch"),
    (r"os\.(putenv|unsetenv|environ\.\w+)", "environ"),
    (r"(dotenv|dotenv\.main)\.load_dotenv", "environ"),
    (r"os\.(chdir|fchdir|chroot)", "cwd"),
    (r"contextlib\.chdir", "cwd"),
    (r"sys\.path\.(append|insert|extend|remove|clear|pop|reverse|sort)", "sys.path"),
    (r"site\.addsitedir", "sys.path"),
    (r"warnings\.(filterwarnings|simplefilter|resetwarnings)", "warnings"),
    (r"logging\.(basicConfig|disable|config\.\w+|captureWarnings|addLevelName)", "logging"),
    (r".*\.(setLevel|addHandler|removeHandler|setFormatter|addFilter)", "logging"),
    (r"locale\.setlocale", "locale"),
    (r"decimal\.(setcontext|getcontext)", "decimal"),
    (r"matplotlib\.(rc|rcdefaults|use|set_loglevel|rcParams\.\w+|style\.\w+|rc_file\w*|set_cmap)", "matplotlib"),
    (r"matplotlib\.pyplot\.(rc|rcdefaults|rcParams\.\w+|style\.\w+|ion|ioff|switch_backend|xkcd)", "matplotlib"),
    (r"seaborn\.(set\w*|reset\w*)", "matplotlib"),
    (r"pandas\.(set_option|reset_option|options\.\w+|set_eng_float_format)", "pandas"),
    (r"pandas\.plotting\.(de)?register\w*", "matplotlib"),
    (r"numpy\.(set_printoptions|seterr|seterrcall|set_string_function)", "numpy"),
    (r"sklearn\.(set_config|config_context)", "sklearn"),
    (r"sys\.(setrecursionlimit|settrace|setprofile)", "shell"),
    (r"gc\.(disable|enable|set_threshold)", "shell"),
    (r"os\.umask", "shell"),
)  # fmt: skip
STATE_STORES: tuple[tuple[str, str], ...] = (
    (r"os\.environ.*", "environ"),
    (r"sys\.path.*", "sys.path"),
    (r"(matplotlib|matplotlib\.pyplot)\.rcParams.*", "matplotlib"),
    (r"pandas\.options\..*", "pandas"),
    (r"warnings\..*", "warnings"),
    (r"decimal\.getcontext.*", "decimal"),
)
STATE_READS: tuple[tuple[str, str], ...] = (
    (r"random\.\w+", "random"),
    (r"numpy\.random\.(?!default_rng|Generator|RandomState|SeedSequence)\w+", "numpy.random"),
    (r"torch\.rand\w*", "torch.random"),
    (r"os\.(environ|getenv).*", "environ"),
    (r"os\.getcwd|pathlib\.Path\.cwd", "cwd"),
    (r"sys\.path.*", "sys.path"),
    (r"warnings\..*", "warnings"),
    (r"logging\..*", "logging"),
    (r"locale\..*", "locale"),
    (r"decimal\..*", "decimal"),
    (r"matplotlib\..*|seaborn\..*", "matplotlib"),
    (r"pandas\.(get_option|options).*", "pandas"),
    (r"numpy\.(get_printoptions|geterr)", "numpy"),
    (r"sklearn\.get_config", "sklearn"),
)
SEEDS: dict[str, str] = {
    "random.seed": "random",
    "numpy.random.seed": "numpy.random",
    "torch.manual_seed": "torch.random",
    "torch.random.manual_seed": "torch.random",
}
VOLATILE = re.compile(
    r"time\.(time|time_ns|perf_counter|perf_counter_ns|monotonic|monotonic_ns|process_time|process_time_ns|thread_time|thread_time_ns|ctime|localtime|gmtime"
    r"|strftime|asctime)"
    r"|timeit\.\w+"
    r"|datetime\.(datetime|date)\.(now|utcnow|today)|pandas\.(Timestamp|Period|DatetimeIndex)\.(now|today|utcnow)"
    r"|uuid\.uuid[14]|os\.(urandom|getpid|getppid|getlogin|times|getloadavg|cpu_count|open|pipe2?|dup2?|openpty|memfd_create|eventfd)|secrets\.\w+"
    r"|random\.SystemRandom|platform\.\w+|socket\.gethostname|getpass\.getuser|psutil\..*"
    r"|threading\.(get_ident|get_native_id|current_thread|main_thread)"
    r"|shutil\.disk_usage|os\.f?statvfs|logging\.(makeLogRecord|LogRecord)"
    r"|random\.getstate|numpy\.random\.get_state|torch\.(random\.)?get_rng_state"
    r"|tempfile\.mkstemp|ctypes\.addressof|resource\.getrusage|tracemalloc\.\w+|sys\.getrefcount"
)
LOG_TIME = re.compile(
    r"%\((asctime|created|msecs|relativeCreated)\)|\{(asctime|created|msecs|relativeCreated)\b|\$\{?asctime"
)
OWN_PROCESS = re.compile(r"/proc/(thread-)?self\b")
TIME_FORMATTERS = frozenset({"time.strftime", "time.gmtime", "time.localtime", "time.ctime", "time.asctime"})
UNSEEDED = re.compile(
    r"numpy\.random\.(default_rng|RandomState|SeedSequence|PCG64|MT19937|Philox|SFC64|seed)|random\.(Random|seed)"
    r"|torch\.(seed|Generator)"
)
# Loaders of data sets (`seaborn.load_dataset`, `sklearn.datasets.fetch_…`) are not among them: they read their copy on
# disk if there is one, and a download is seen when it happens.
OUTSIDE: tuple[tuple[str, str], ...] = (
    ((r"(requests|httpx|aiohttp|urllib3|urllib\.request|http\.client|ftplib|smtplib|imaplib|poplib|telnetlib|paramiko"
     r"|boto3|botocore|google\.cloud|azure|websocket|websockets|grpc|pymongo|redis|kafka|pika|psycopg|psycopg2|pymysql"
     r"|MySQLdb|snowflake|openai|anthropic|huggingface_hub|kaggle|yfinance|pandas_datareader|wbdata|fredapi)\..*"),
     "network"),
    (r"socket\.(socket|create_connection|getaddrinfo|gethostbyname)", "network"),
    (r"sqlalchemy\.create_engine", "database"),
    (r"subprocess\..*|os\.(system|popen|spawn\w*|exec\w*|fork|forkpty|kill|killpg|posix_spawn\w*)", "process"),
    (r"pty\.spawn", "process"),
    (r"webbrowser\..*", "process"),
    (r"nltk\.download", "network"),
)  # fmt: skip
URL = re.compile(r"(https?|ftp|s3|gs|abfs|hdfs)://")
# Calls whose requests are heard of when they are made: by Python's own `http.client`, over a connection of their own.
HEARD = re.compile(
    r"(builtins\.)?\w+|(urllib\.request|http\.client|requests|urllib3)\.\w+|(pandas|IPython|matplotlib|seaborn|numpy)\..*"
)
WRITER_METHODS = frozenset(
    "to_csv to_parquet to_excel to_pickle to_feather to_hdf to_json to_html to_latex to_markdown to_sql to_stata "
    "to_netcdf to_zarr savefig write_text write_bytes write_image write_html write_csv write_parquet save_model "
    "tofile dump_svmlight_file write_json write_ipc sink_csv sink_parquet".split()
)
WRITERS = re.compile(
    r"numpy\.(save|savez|savez_compressed|savetxt)|joblib\.dump|torch\.save|imageio\.imwrite|cv2\.imwrite"
    r"|matplotlib\.pyplot\.(savefig|imsave)|shutil\.\w+|urllib\.request\.urlretrieve|pickle\.dump|json\.dump|yaml\.dump"
    r"|os\.(remove|unlink|rename|renames|replace|mkdir|makedirs|rmdir|removedirs|link|symlink|truncate|utime|chmod)"
    r"|zipfile\.ZipFile|tarfile\.open|h5py\.File|sqlite3\.connect|duckdb\.connect|shelve\.open|dbm\.open"
)
FILE_METHODS = frozenset("unlink mkdir rmdir rename touch symlink_to extractall extract".split())
READERS = re.compile(
    r"pandas\.read_\w+|numpy\.(load|loadtxt|genfromtxt|fromfile|memmap)|joblib\.load|torch\.load|io\.open|codecs\.open"
    r"|matplotlib\.(pyplot|image)\.imread|imageio\.imread|PIL\.Image\.open|skimage\.io\.imread|scipy\.io\.loadmat"
)
OPAQUE_READERS = re.compile(
    r"(polars|duckdb|pyarrow|h5py|netCDF4|xarray|cv2|rasterio|geopandas|fiona|torchaudio|tables|zarr|soundfile|dask"
    r"|vaex|pyspark|tensorflow|lightgbm|xgboost|shelve|dbm)\..*"
)
FILE_CHECKS = re.compile(
    r"os\.path\.(exists|isfile|isdir|islink|lexists|getsize|getmtime|getctime|getatime|samefile)|glob\.\w+"
    r"|os\.(listdir|walk|scandir|stat|lstat|access|fwalk)"
)
FILE_CHECK_METHODS = frozenset("exists is_file is_dir stat lstat iterdir glob rglob samefile is_symlink".split())
INTERACTIVE = re.compile(
    r"(builtins\.)?(input|breakpoint|raw_input)|getpass\.getpass|pdb\.\w+|ipdb\.\w+|IPython\.embed|IPython\.core\.debugger\..*"
)
WORD = re.compile(r"[^\W\d]\w*")
MODEL_FREE = re.compile(r"importlib\.\w+")


def effects(source: str, modules: Mapping[str, str] | None = None) -> Effects:
    """The effects of one cell. Raises SyntaxError if the cell can't be parsed.

    :param modules: names bound by imports of earlier cells -> their dotted modules.
    """
    tree = ast.parse(to_python(source))
    visitor = EffectVisitor(dict(modules or {}))
    visitor.add_imports(tree)
    visitor.seeds = visitor.initial_seeds(tree.body)
    for statement in tree.body:
        visitor.visit(statement)
    return visitor.result()


def definition_effects(source: str, modules: Mapping[str, str]) -> dict[str, Effects]:
    """The possible effects of a call of each function and class that a cell defines at its top level."""
    effects_by_name = {}
    for statement in ast.parse(to_python(source)).body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            visitor = EffectVisitor(dict(modules))
            visitor.add_imports(statement)
            visitor.visit(statement)
            call_effects = visitor.result()
            names = stopwatch([ast.Module([statement], [])], visitor.dotted) if call_effects.volatile else None
            effects_by_name[statement.name] = call_effects if names is None else without_clock(call_effects, names)
    return effects_by_name


def cell_effects(source: str, modules: Mapping[str, str]) -> Effects:
    """`effects`, cached for recent texts."""
    return _cached_effects(source, _mentioned_modules(source, modules))


def cell_definitions(source: str, modules: Mapping[str, str]) -> dict[str, Effects]:
    """`effects_of_definitions`, cached for recent texts."""
    return _cached_definitions(source, _mentioned_modules(source, modules))


@lru_cache(maxsize=4096)
def _cached_effects(source: str, modules: tuple[tuple[str, str], ...]) -> Effects:
    return effects(source, dict(modules))


@lru_cache(maxsize=4096)
def _cached_definitions(source: str, modules: tuple[tuple[str, str], ...]) -> dict[str, Effects]:
    return definition_effects(source, dict(modules))


def _mentioned_modules(source: str, modules: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The modules that a text names; its effects depend on no others."""
    return tuple((name, modules[name]) for name in _identifiers(source) if name in modules)


@lru_cache(maxsize=4096)
def _identifiers(source: str) -> tuple[str, ...]:
    text = source if source.isascii() else unicodedata.normalize("NFKC", source)  # as Python does with names
    return tuple(dict.fromkeys(("get_ipython", *WORD.findall(text))))


def stopwatch_names(sources: Iterable[str], modules: Mapping[str, str]) -> frozenset[str] | None:
    """Names of clock readings, if these cells read the clock only to print durations; otherwise None.

    :param modules: names bound by imports of these cells and earlier ones -> their dotted modules.
    """
    visitor = EffectVisitor(dict(modules))
    trees = [ast.parse(to_python(source)) for source in sources]
    return stopwatch([module_tree for tree in trees for module_tree in (tree, *_magic_trees(tree))], visitor.dotted)


def _magic_trees(tree: ast.Module) -> list[ast.Module]:
    """The code that the magics of a cell execute."""
    uses = [find_use(node) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    trees = []
    for use in uses:
        if use is not None and use.code:
            with contextlib.suppress(SyntaxError):
                trees.append(ast.parse(to_python(use.code)))
    return trees


def without_clock(effects: Effects, names: frozenset[str]) -> Effects:
    """Effects of cells that read the clock only to print durations."""
    reasons = tuple(volatility for volatility in effects.volatile if volatility.kind is not VolatilityKind.CLOCK)
    return replace(effects, volatile=reasons, stopwatch=names)


def merge_effects(parts: Iterable[Effects]) -> Effects:
    """The combined effects of several cells. Seeds are those of the first cell, because a later one may follow
    draws.
    """
    part_list = list(parts)

    def union(name: str) -> frozenset[str]:
        return frozenset().union(*(getattr(e, name) for e in part_list)) if part_list else frozenset()

    def joined(name: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(item for e in part_list for item in getattr(e, name)))

    return Effects(
        state_writes=union("state_writes"),
        state_reads=union("state_reads"),
        seeds=part_list[0].seeds if part_list else frozenset(),
        volatile=tuple(dict.fromkeys(cause for e in part_list for cause in e.volatile)),
        outside=joined("outside"),
        files_read=joined("files_read"),
        files_written=joined("files_written"),
        looks_at_files=any(e.looks_at_files for e in part_list),
        modules_changed=union("modules_changed"),
        interactive=joined("interactive"),
        stopwatch=_merge_stopwatches(part_list),
    )


def _merge_stopwatches(parts: list[Effects]) -> frozenset[str] | None:
    """The combined stopwatch names of several cells; None if a reading is data, or if there is no reading."""
    if any(volatility.kind is VolatilityKind.CLOCK for e in parts for volatility in e.volatile):
        return None
    names = [e.stopwatch for e in parts if e.stopwatch is not None]
    return frozenset().union(*names) if names else None


class EffectVisitor(ast.NodeVisitor):
    """Collects the effects of one cell."""

    def __init__(self, modules: dict[str, str]) -> None:
        self.modules = modules
        self.literals: dict[str, str] = {}
        self.writes: set[str] = set()
        self.state_reads: set[str] = set()
        self.seeds: frozenset[str] = frozenset()
        self.volatile_reasons: list[Volatility] = []
        self.external_actions: list[str] = []
        self.files_read: list[str] = []
        self.files_written: list[str] = []
        self.looks_at_files = False
        self.modules_changed: set[str] = set()
        self.interactive_reasons: list[str] = []
        self.logs_elsewhere = self.logs_time = self.reads_file_times = False

    def result(self) -> Effects:
        if self.logs_elsewhere and self.logs_time:
            self.volatile_reasons.append(Volatility(VolatilityKind.OTHER, "the time of a log record"))
        if self.reads_file_times and self.files_written:
            self.volatile_reasons.append(Volatility(VolatilityKind.OTHER, "the time of a file that it writes"))
        return Effects(
            state_writes=frozenset(self.writes),
            state_reads=frozenset(self.state_reads),
            seeds=self.seeds,
            volatile=tuple(dict.fromkeys(self.volatile_reasons)),
            outside=tuple(dict.fromkeys(self.external_actions)),
            files_read=tuple(dict.fromkeys(self.files_read)),
            files_written=tuple(dict.fromkeys(self.files_written)),
            looks_at_files=self.looks_at_files,
            modules_changed=frozenset(self.modules_changed),
            interactive=tuple(dict.fromkeys(self.interactive_reasons)),
        )

    # -- names

    def add_imports(self, tree: ast.AST) -> None:
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    self.modules[alias.asname or alias.name.split(".")[0]] = (
                        alias.name if alias.asname else alias.name.split(".")[0]
                    )
            elif isinstance(node, ast.ImportFrom) and not node.level:
                for alias in node.names:
                    self.modules[alias.asname or alias.name] = f"{node.module}.{alias.name}"

    def dotted(self, node: ast.AST) -> str:
        """The dotted name of an expression, resolved through the imports; "" if it has none. Starts with `.x` after
        anything other than a name.
        """
        parts: list[str] = []
        while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
            if isinstance(node, ast.Attribute):
                parts.append(node.attr)
                node = node.value
            else:
                node = node.func if isinstance(node, ast.Call) else node.value
        if not isinstance(node, ast.Name):
            return "." + ".".join(reversed(parts)) if parts else ""
        head = self.modules.get(node.id, node.id)
        return ".".join([head, *reversed(parts)])

    def root_module(self, node: ast.AST) -> str:
        """The imported name at the start of an attribute chain, or ""."""
        while isinstance(node, ast.Attribute | ast.Subscript):
            node = node.value
        return node.id if isinstance(node, ast.Name) and node.id in self.modules else ""

    def is_module_or_class(self, node: ast.AST) -> bool:
        """Whether this names a module or a class. Stores onto these are detected; stores onto other objects are not."""
        name = self.dotted(node)
        return "." not in name or is_class(name)

    # -- what is seen

    def visit_Assign(self, node: ast.Assign) -> None:
        self.generic_visit(node)
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    self.literals[target.id] = node.value.value
        for target in node.targets:
            self.record_store(target)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.generic_visit(node)
        self.record_store(node.target)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.generic_visit(node)
        self.record_store(node.target)

    def visit_Delete(self, node: ast.Delete) -> None:
        self.generic_visit(node)
        for target in node.targets:
            self.record_store(target)

    def record_store(self, target: ast.AST) -> None:
        if not isinstance(target, ast.Attribute | ast.Subscript):
            return
        name = self.dotted(target)
        for pattern, resource in STATE_STORES:
            if re.fullmatch(pattern, name):
                self.writes.add(resource)
                return
        module = self.root_module(target)
        if module:
            self.writes.add("patches")
            if isinstance(target, ast.Attribute) and target.attr in ("random_state", "rng", "seed"):
                self.volatile_reasons.append(Volatility(VolatilityKind.DESCRIPTOR, f".{target.attr} ="))
            if isinstance(target.value, ast.Attribute | ast.Subscript) or not self.is_module_or_class(target.value):
                self.modules_changed.add(module)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if re.fullmatch(r"st_[mca]time(_ns)?", node.attr):
            self.reads_file_times = True
        if node.attr in ("ctypes", "__array_interface__"):
            self.volatile_reasons.append(Volatility(VolatilityKind.DESCRIPTOR, f".{node.attr}"))
        name = self.dotted(node)
        for pattern, resource in STATE_READS:
            if re.fullmatch(pattern, name):
                self.state_reads.add(resource)
        self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Call):
            name = self.dotted(node.value.func)
            if not leaves_modules(name):
                self.record_call(node.value.func, name)
        self.generic_visit(node)

    def record_call(self, function: ast.expr, name: str) -> None:
        """Record that a call may change the module of its function."""
        module = self.root_module(function)
        is_state_call = any(re.fullmatch(pattern, name) for pattern, _ in STATE_CALLS)
        if module and "." in name and not is_state_call:
            self.modules_changed.add(module)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str) and (match := OWN_PROCESS.match(node.value)):
            self.volatile_reasons.append(Volatility(VolatilityKind.PROCESS, match.group()))

    def visit_Call(self, node: ast.Call) -> None:
        use = find_use(node)
        if use is not None:
            self.record_magic(use)
            return
        name = self.dotted(node.func)
        method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if configures_module(name):
            self.record_call(node.func, name)
        for pattern, resource in STATE_CALLS:
            if re.fullmatch(pattern, name):
                self.writes.add(resource)
        for pattern, kind in OUTSIDE:
            if re.fullmatch(pattern, name):
                self.external_actions.append(f"{kind}: {name}")
        if name == "id" or (VOLATILE.fullmatch(name) and not _has_time_argument(name, node)):
            self.volatile_reasons.append(of_call(name))
        if UNSEEDED.fullmatch(name) and _is_unseeded(node):
            self.volatile_reasons.append(Volatility(VolatilityKind.OTHER, f"{name}() without a seed"))
        if method in ("fileno", "buffer_info"):
            self.volatile_reasons.append(of_call(f".{method}"))
        if INTERACTIVE.fullmatch(name):
            self.interactive_reasons.append(f"{name}()")
        if name in ("setattr", "delattr") and node.args and self.root_module(node.args[0]):
            self.writes.add("patches")
        self.record_files(node, name, method)
        self.record_references(node)
        self.record_log_times(node, name)
        if name == "hash" and node.args and not _is_constant(node.args[0]):
            self.volatile_reasons.append(Volatility(VolatilityKind.OTHER, "hash()"))
        if re.fullmatch(r"os\.path\.get[mca]time", name):
            self.reads_file_times = True
        self.generic_visit(node)

    def record_references(self, node: ast.Call) -> None:
        """Functions that are passed to others, which may call them: `pool.submit(time.time)`."""
        for argument in [*node.args, *(keyword.value for keyword in node.keywords)]:
            if isinstance(argument, ast.Name | ast.Attribute) and VOLATILE.fullmatch(name := self.dotted(argument)):
                self.volatile_reasons.append(Volatility(VolatilityKind.OTHER, name))

    def record_log_times(self, node: ast.Call, name: str) -> None:
        """Log records contain a time; they are data if they go anywhere other than to the standard streams."""
        if name in ("logging.StreamHandler", "logging.basicConfig", "logging.handlers.MemoryHandler"):
            streams = [k.value for k in node.keywords if k.arg in ("stream", "handlers")]
            streams += node.args[:1] if name == "logging.StreamHandler" else []
            self.logs_elsewhere |= any(self.dotted(s) not in ("sys.stdout", "sys.stderr", "") or isinstance(s, ast.Name)
                                       for s in streams)  # fmt: skip
        texts = (part.value for part in ast.walk(node) if isinstance(part, ast.Constant))
        self.logs_time |= any(isinstance(text, str) and LOG_TIME.search(text) is not None for text in texts)

    def record_files(self, node: ast.Call, name: str, method: str) -> None:
        paths = self.paths(node)
        if url := next((p for p in paths if URL.match(p)), ""):
            is_heard = HEARD.fullmatch(name) and url.startswith("http")
            self.external_actions.append(f"network: {url}" if is_heard else f"network: {name}({url})")
            return
        if name in ("open", "builtins.open", "io.open", "codecs.open") or method == "open":
            self.record_open(node, paths, method)
        elif method in WRITER_METHODS and not WRITERS.fullmatch(name):
            is_path_method = method in ("write_text", "write_bytes")
            self.files_written += self.paths(node, arguments=not is_path_method, receiver=is_path_method) or ["?"]
        elif WRITERS.fullmatch(name) or (method in FILE_METHODS and not _is_frame_method(node)):
            self.files_written += paths or ["?"]
        elif READERS.fullmatch(name) or method in ("read_text", "read_bytes"):
            self.files_read += paths
        elif OPAQUE_READERS.fullmatch(name):
            self.files_read += paths
            self.looks_at_files = True
        elif FILE_CHECKS.fullmatch(name) or (method in FILE_CHECK_METHODS and not name.startswith(("re.", "fnmatch."))):
            self.looks_at_files = True

    def record_open(self, node: ast.Call, paths: list[str], method: str) -> None:
        mode = "r"
        mode_position = 0 if method == "open" and self.dotted(node.func) not in ("io.open", "codecs.open") else 1
        mode_node = node.args[mode_position] if len(node.args) > mode_position else None
        if isinstance(mode_node, ast.Constant):
            mode = str(mode_node.value)
        for keyword in node.keywords:
            if keyword.arg == "mode" and isinstance(keyword.value, ast.Constant):
                mode = str(keyword.value.value)
        writes = bool(set(mode) & set("wax+"))
        file_paths = [p for p in paths if p != mode]
        if writes:
            self.files_written += file_paths or ["?"]
        else:
            self.files_read += file_paths

    def paths(self, node: ast.Call, *, arguments: bool = True, receiver: bool = True) -> list[str]:
        """Literal texts passed to a call, and to the call that created its object (`Path("a").open()`)."""
        result = []
        parts: list[ast.AST] = [*node.args, *(k.value for k in node.keywords)] if arguments else []
        if receiver and isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Call):
            parts += node.func.value.args
        for argument in parts:
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                result.append(argument.value)
            elif isinstance(argument, ast.Name) and argument.id in self.literals:
                result.append(self.literals[argument.id])
        return result

    def record_magic(self, use: Use) -> None:
        kind, prefix = use.magic, "%%" if use.cell else "%"
        label = "!" + use.line if use.name == "!" else f"{prefix}{use.name}"
        self.writes |= kind.state
        if kind.outside:
            self.external_actions.append(f"{kind.outside}: {label}")
        words = use.line.split()
        if kind.volatile or (use.name == "timeit" and "-o" in words):
            self.volatile_reasons.append(Volatility(VolatilityKind.OTHER, label))
        if kind.interactive or (use.name == "matplotlib" and words and words[0] not in ("inline", "--list", "agg")):
            self.interactive_reasons.append(f"{label} {use.line}".strip())
        if use.name in ("writefile", "file") and words:
            self.files_written.append(words[-1])
        if use.code:
            try:
                tree = ast.parse(to_python(use.code))
            except SyntaxError:
                return
            self.add_imports(tree)
            for statement in tree.body:
                self.visit(statement)

    # -- seeds

    def initial_seeds(self, body: list[ast.stmt]) -> frozenset[str]:
        """Generators that a top-level statement certainly seeds before any call could draw from them."""
        resources: set[str] = set()
        for statement in body:
            if isinstance(statement, ast.Import | ast.ImportFrom):
                continue
            if isinstance(statement, ast.Assign) and not any(isinstance(n, ast.Call) for n in ast.walk(statement)):
                continue
            if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call | ast.Constant)):
                if isinstance(statement, ast.FunctionDef | ast.ClassDef) and not statement.decorator_list:
                    continue
                return frozenset(resources)
            if isinstance(statement.value, ast.Constant):
                continue
            call = statement.value
            name = self.dotted(call.func)
            use = find_use(call)
            if use is not None and not use.code and use.name in ("matplotlib", "load_ext", "config", "autoreload"):
                continue
            if name in SEEDS and not _is_unseeded(call) and not any(isinstance(a, ast.Call) for a in call.args):
                resources.add(SEEDS[name])
            elif not any(re.fullmatch(p, name) for p, r in STATE_CALLS if "random" not in r):
                return frozenset(resources)
        return frozenset(resources)


def _has_time_argument(name: str, call: ast.Call) -> bool:
    """Whether a function that defaults to the current time receives a time."""
    argument_count = len(call.args)
    return argument_count >= {"time.strftime": 2}.get(name, 1) and name in TIME_FORMATTERS


def _is_frame_method(call: ast.Call) -> bool:
    """Whether a method that files and frames share is called on a frame: `df.rename(columns=…)`, `s.str.extract(…)`."""
    function = call.func
    if (
        isinstance(function, ast.Attribute)
        and isinstance(function.value, ast.Attribute)
        and function.value.attr == "str"
    ):
        return True
    names = {keyword.arg for keyword in call.keywords}
    has_mapping = any(isinstance(argument, ast.Dict | ast.DictComp | ast.Lambda) for argument in call.args)
    return has_mapping or bool(names & {"columns", "index", "axis", "inplace", "mapper", "level", "expand"})


def _is_unseeded(call: ast.Call) -> bool:
    values = [*call.args, *(k.value for k in call.keywords if k.arg in ("seed", "a", "x", "entropy"))]
    return not values or (isinstance(values[0], ast.Constant) and values[0].value is None)


def _is_constant(node: ast.expr) -> bool:
    """Whether this literal has the same hash in every process with the same hash seed."""
    if isinstance(node, ast.Tuple):
        return all(map(_is_constant, node.elts))
    return isinstance(node, ast.Constant | ast.JoinedStr)
