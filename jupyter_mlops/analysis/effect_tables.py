"""Tables of dotted names, and of what their calls, stores and reads do outside the user namespace."""

from __future__ import annotations

import re

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
