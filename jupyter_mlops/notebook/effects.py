"""What a cell does outside the user namespace, as far as its text tells: tables of dotted names."""

from __future__ import annotations

import ast
import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache

from jupyter_mlops.notebook.access import Effects
from jupyter_mlops.notebook.magics import Use, to_python, use_of

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
    r"time\.(time|time_ns|perf_counter|perf_counter_ns|monotonic|monotonic_ns|process_time|ctime|localtime|gmtime"
    r"|strftime|asctime)"
    r"|timeit\.\w+"
    r"|datetime\.(datetime|date)\.(now|utcnow|today)|pandas\.(Timestamp|Period|DatetimeIndex)\.(now|today|utcnow)"
    r"|uuid\.uuid[14]|os\.(urandom|getpid|getppid|getlogin|times|getloadavg|cpu_count|open|pipe2?|dup2?|openpty|memfd_create|eventfd)|secrets\.\w+"
    r"|random\.SystemRandom|tempfile\.\w+|platform\.\w+|socket\.gethostname|getpass\.getuser|psutil\..*"
    r"|threading\.(get_ident|get_native_id|current_thread|main_thread)"
    r"|random\.getstate|numpy\.random\.get_state|torch\.(random\.)?get_rng_state"
    r"|ctypes\.addressof|resource\.getrusage|tracemalloc\.\w+|sys\.getrefcount"
)
UNSEEDED = re.compile(
    r"numpy\.random\.(default_rng|RandomState|SeedSequence|PCG64|MT19937|Philox|SFC64|seed)|random\.(Random|seed)"
    r"|torch\.(seed|Generator)"
)
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
    ((r"(seaborn\.load_dataset|sklearn\.datasets\.fetch_\w+|statsmodels\.api\.datasets\.get_rdataset|nltk\.download"
     r"|torchvision\.datasets\..*|tensorflow\.keras\.datasets\..*|keras\.datasets\..*|datasets\.load_dataset)"),
     "network"),
)  # fmt: skip
URL = re.compile(r"(https?|ftp|s3|gs|abfs|hdfs)://")
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
UNSEEN_READERS = re.compile(
    r"(polars|duckdb|pyarrow|h5py|netCDF4|xarray|cv2|rasterio|geopandas|fiona|torchaudio|tables|zarr|soundfile|dask"
    r"|vaex|pyspark|tensorflow|lightgbm|xgboost|shelve|dbm)\..*"
)
LOOKS = re.compile(
    r"os\.path\.(exists|isfile|isdir|islink|lexists|getsize|getmtime|getctime|getatime|samefile)|glob\.\w+"
    r"|os\.(listdir|walk|scandir|stat|lstat|access|fwalk)"
)
LOOK_METHODS = frozenset("exists is_file is_dir stat lstat iterdir glob rglob samefile is_symlink".split())
INTERACTIVE = re.compile(
    r"(builtins\.)?(input|breakpoint|raw_input)|getpass\.getpass|pdb\.\w+|ipdb\.\w+|IPython\.embed|IPython\.core\.debugger\..*"
)
HARMLESS = re.compile(
    r"(matplotlib\.pyplot|time|gc|os|os\.path|shutil|json|pickle|joblib|random|numpy|numpy\.random|warnings|logging|locale"
    r"|pandas|sys\.stdout|sys\.stderr|subprocess|glob|pprint|IPython\.display|decimal|asyncio|math|traceback|textwrap"
    r"|itertools|functools|contextlib|dis|inspect|pathlib|tempfile|csv|statistics|copy|heapq|bisect|operator|string|re"
    r"|sklearn\.(set_config|config_context)|seaborn|matplotlib|torch\.manual_seed|threading|collections|types)\.\w+(\.\w+)*"
)
SHOWS = re.compile(r".*\b(plot|show|display|print|draw|describe|check|assert)_?\w*$")
REGISTERS = re.compile(r".*\b(un|de)?register\w*$|joblib\.parallel_(config|backend)$")
CONFIGURES = re.compile(
    r".*\b(set|reset|configure|config|enable|disable|use|install|init|activate|patch)(_?[a-z]\w*)?$"
)
WORD = re.compile(r"[^\W\d]\w*")
MODEL_FREE = re.compile(r"importlib\.\w+")


def effects(source: str, modules: Mapping[str, str] | None = None) -> Effects:
    """What one cell does. Raises SyntaxError for a cell that can't be parsed.

    :param modules: names bound by imports of earlier cells -> what they are, dotted.
    """
    tree = ast.parse(to_python(source))
    reader = Reader(dict(modules or {}))
    reader.imports(tree)
    reader.seeds = reader.seeded_first(tree.body)
    for statement in tree.body:
        reader.visit(statement)
    return reader.result()


def effects_of_definitions(source: str, modules: Mapping[str, str]) -> dict[str, Effects]:
    """What a call of each function and class that a cell defines at its top may do."""
    found = {}
    for statement in ast.parse(to_python(source)).body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            reader = Reader(dict(modules))
            reader.imports(statement)
            reader.visit(statement)
            found[statement.name] = reader.result()
    return found


def cell_effects(source: str, modules: Mapping[str, str]) -> Effects:
    """`effects`, kept for texts that were seen lately."""
    return _effects(source, _named(source, modules))


def cell_definitions(source: str, modules: Mapping[str, str]) -> dict[str, Effects]:
    """`effects_of_definitions`, kept for texts that were seen lately."""
    return _definitions(source, _named(source, modules))


@lru_cache(maxsize=4096)
def _effects(source: str, modules: tuple[tuple[str, str], ...]) -> Effects:
    return effects(source, dict(modules))


@lru_cache(maxsize=4096)
def _definitions(source: str, modules: tuple[tuple[str, str], ...]) -> dict[str, Effects]:
    return effects_of_definitions(source, dict(modules))


def _named(source: str, modules: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Those of the modules that a text names: what it does depends on no others."""
    return tuple((name, modules[name]) for name in _words(source) if name in modules)


@lru_cache(maxsize=4096)
def _words(source: str) -> tuple[str, ...]:
    text = source if source.isascii() else unicodedata.normalize("NFKC", source)  # as Python does with names
    return tuple(dict.fromkeys(("get_ipython", *WORD.findall(text))))


def merge_effects(many: Iterable[Effects]) -> Effects:
    """What several cells do together. Seeds are those of the first cell: a later one may follow draws."""
    found = list(many)

    def union(name: str) -> frozenset[str]:
        return frozenset().union(*(getattr(e, name) for e in found)) if found else frozenset()

    def joined(name: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(item for e in found for item in getattr(e, name)))

    return Effects(
        state_writes=union("state_writes"),
        state_reads=union("state_reads"),
        seeds=found[0].seeds if found else frozenset(),
        volatile=joined("volatile"),
        outside=joined("outside"),
        files_read=joined("files_read"),
        files_written=joined("files_written"),
        looks_at_files=any(e.looks_at_files for e in found),
        modules_changed=union("modules_changed"),
        interactive=joined("interactive"),
    )


class Reader(ast.NodeVisitor):
    """Collects the effects of one cell."""

    def __init__(self, modules: dict[str, str]) -> None:
        self.modules = modules
        self.literals: dict[str, str] = {}
        self.writes: set[str] = set()
        self.state_reads: set[str] = set()
        self.seeds: frozenset[str] = frozenset()
        self.volatile: list[str] = []
        self.outside: list[str] = []
        self.read: list[str] = []
        self.written: list[str] = []
        self.looks = False
        self.changed: set[str] = set()
        self.interactive: list[str] = []

    def result(self) -> Effects:
        return Effects(
            state_writes=frozenset(self.writes),
            state_reads=frozenset(self.state_reads),
            seeds=self.seeds,
            volatile=tuple(dict.fromkeys(self.volatile)),
            outside=tuple(dict.fromkeys(self.outside)),
            files_read=tuple(dict.fromkeys(self.read)),
            files_written=tuple(dict.fromkeys(self.written)),
            looks_at_files=self.looks,
            modules_changed=frozenset(self.changed),
            interactive=tuple(dict.fromkeys(self.interactive)),
        )

    # -- names

    def imports(self, tree: ast.AST) -> None:
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
        """The dotted name of an expression through the imports, "" if it has none; `.x` after what is no name."""
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

    def of_module(self, node: ast.AST) -> str:
        """The imported name at the start of a chain of attributes, or ""."""
        while isinstance(node, ast.Attribute | ast.Subscript):
            node = node.value
        return node.id if isinstance(node, ast.Name) and node.id in self.modules else ""

    def is_open(self, node: ast.AST) -> bool:
        """Whether this names a module or a class: what is stored onto those is seen, onto other objects it is not."""
        name = self.dotted(node)
        return "." not in name or _is_class(name)

    # -- what is seen

    def visit_Assign(self, node: ast.Assign) -> None:
        self.generic_visit(node)
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    self.literals[target.id] = node.value.value
        for target in node.targets:
            self.store(target)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.generic_visit(node)
        self.store(node.target)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.generic_visit(node)
        self.store(node.target)

    def visit_Delete(self, node: ast.Delete) -> None:
        self.generic_visit(node)
        for target in node.targets:
            self.store(target)

    def store(self, target: ast.AST) -> None:
        if not isinstance(target, ast.Attribute | ast.Subscript):
            return
        name = self.dotted(target)
        for pattern, resource in STATE_STORES:
            if re.fullmatch(pattern, name):
                self.writes.add(resource)
                return
        module = self.of_module(target)
        if module:
            self.writes.add("patches")
            if isinstance(target, ast.Attribute) and target.attr in ("random_state", "rng", "seed"):
                self.volatile.append(f".{target.attr} =")
            if isinstance(target.value, ast.Attribute | ast.Subscript) or not self.is_open(target.value):
                self.changed.add(module)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if node.attr in ("ctypes", "__array_interface__"):
            self.volatile.append(f".{node.attr}")
        name = self.dotted(node)
        for pattern, resource in STATE_READS:
            if re.fullmatch(pattern, name):
                self.state_reads.add(resource)
        self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Call):
            name = self.dotted(node.value.func)
            if not (HARMLESS.fullmatch(name) or SHOWS.match(name) or _is_class(name)):
                self.called(node.value.func, name)
        self.generic_visit(node)

    def called(self, function: ast.expr, name: str) -> None:
        """A call may change the module that the function is of."""
        module = self.of_module(function)
        known = any(re.fullmatch(pattern, name) for pattern, _ in STATE_CALLS)
        if module and "." in name and not known:
            self.changed.add(module)

    def visit_Call(self, node: ast.Call) -> None:
        use = use_of(node)
        if use is not None:
            self.magic(use)
            return
        name = self.dotted(node.func)
        method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if REGISTERS.match(name) or (CONFIGURES.match(name) and not HARMLESS.fullmatch(name)):
            self.called(node.func, name)
        for pattern, resource in STATE_CALLS:
            if re.fullmatch(pattern, name):
                self.writes.add(resource)
        for pattern, kind in OUTSIDE:
            if re.fullmatch(pattern, name):
                self.outside.append(f"{kind}: {name}")
        if VOLATILE.fullmatch(name) or name == "id":
            self.volatile.append(f"{name}()")
        if UNSEEDED.fullmatch(name) and _no_seed(node):
            self.volatile.append(f"{name}() without a seed")
        if method in ("fileno", "buffer_info"):
            self.volatile.append(f".{method}()")
        if INTERACTIVE.fullmatch(name):
            self.interactive.append(f"{name}()")
        if name in ("setattr", "delattr") and node.args and self.of_module(node.args[0]):
            self.writes.add("patches")
        self.files(node, name, method)
        self.generic_visit(node)

    def files(self, node: ast.Call, name: str, method: str) -> None:
        paths = self.paths(node)
        if any(URL.match(p) for p in paths):
            self.outside.append(f"network: {next(p for p in paths if URL.match(p))}")
            return
        if name in ("open", "builtins.open", "io.open", "codecs.open") or method == "open":
            self.opened(node, paths, method)
        elif method in WRITER_METHODS and not WRITERS.fullmatch(name):
            on_a_path = method in ("write_text", "write_bytes")
            self.written += self.paths(node, arguments=not on_a_path, receiver=on_a_path) or ["?"]
        elif WRITERS.fullmatch(name) or method in FILE_METHODS:
            self.written += paths or ["?"]
        elif READERS.fullmatch(name) or method in ("read_text", "read_bytes"):
            self.read += paths
        elif UNSEEN_READERS.fullmatch(name):
            self.read += paths
            self.looks = True
        elif LOOKS.fullmatch(name) or (method in LOOK_METHODS and not name.startswith(("re.", "fnmatch."))):
            self.looks = True

    def opened(self, node: ast.Call, paths: list[str], method: str) -> None:
        mode = "r"
        at = 0 if method == "open" and self.dotted(node.func) not in ("io.open", "codecs.open") else 1
        told = node.args[at] if len(node.args) > at else None
        if isinstance(told, ast.Constant):
            mode = str(told.value)
        for keyword in node.keywords:
            if keyword.arg == "mode" and isinstance(keyword.value, ast.Constant):
                mode = str(keyword.value.value)
        writes = bool(set(mode) & set("wax+"))
        found = [p for p in paths if p != mode]
        if writes:
            self.written += found or ["?"]
        else:
            self.read += found

    def paths(self, node: ast.Call, *, arguments: bool = True, receiver: bool = True) -> list[str]:
        """Literal texts handed to a call, and to the one that made the object it is called on (`Path("a").open()`)."""
        found = []
        parts: list[ast.AST] = [*node.args, *(k.value for k in node.keywords)] if arguments else []
        if receiver and isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Call):
            parts += node.func.value.args
        for part in parts:
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                found.append(part.value)
            elif isinstance(part, ast.Name) and part.id in self.literals:
                found.append(self.literals[part.id])
        return found

    def magic(self, use: Use) -> None:
        kind, sign = use.magic, "%%" if use.cell else "%"
        shown = "!" + use.line if use.name == "!" else f"{sign}{use.name}"
        self.writes |= kind.state
        if kind.outside:
            self.outside.append(f"{kind.outside}: {shown}")
        if kind.volatile:
            self.volatile.append(shown)
        words = use.line.split()
        if kind.interactive or (use.name == "matplotlib" and words and words[0] not in ("inline", "--list", "agg")):
            self.interactive.append(f"{shown} {use.line}".strip())
        if use.name in ("writefile", "file") and words:
            self.written.append(words[-1])
        if use.code:
            try:
                tree = ast.parse(to_python(use.code))
            except SyntaxError:
                return
            self.imports(tree)
            for statement in tree.body:
                self.visit(statement)

    # -- seeds

    def seeded_first(self, body: list[ast.stmt]) -> frozenset[str]:
        """Generators that a statement at the top certainly seeds before anything that was called could draw."""
        found: set[str] = set()
        for statement in body:
            if isinstance(statement, ast.Import | ast.ImportFrom):
                continue
            if isinstance(statement, ast.Assign) and not any(isinstance(n, ast.Call) for n in ast.walk(statement)):
                continue
            if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call | ast.Constant)):
                if isinstance(statement, ast.FunctionDef | ast.ClassDef) and not statement.decorator_list:
                    continue
                return frozenset(found)
            if isinstance(statement.value, ast.Constant):
                continue
            call = statement.value
            name = self.dotted(call.func)
            use = use_of(call)
            if use is not None and not use.code and use.name in ("matplotlib", "load_ext", "config", "autoreload"):
                continue
            if name in SEEDS and not _no_seed(call) and not any(isinstance(a, ast.Call) for a in call.args):
                found.add(SEEDS[name])
            elif not any(re.fullmatch(p, name) for p, r in STATE_CALLS if "random" not in r):
                return frozenset(found)
        return frozenset(found)


def _no_seed(call: ast.Call) -> bool:
    values = [*call.args, *(k.value for k in call.keywords if k.arg in ("seed", "a", "x", "entropy"))]
    return not values or (isinstance(values[0], ast.Constant) and values[0].value is None)


def _is_class(name: str) -> bool:
    last = name.rsplit(".", 1)[-1]
    return last[:1].isupper()
