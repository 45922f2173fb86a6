"""Process state: how each resource is read and set.

A resource's value is its difference from the default, so that a library that was only imported equals one that was not.
"""

from __future__ import annotations

import gc
import hashlib
import importlib
import os
import pickle
import re
import sys
import time
from typing import Any

from . import here
from .settings import SETTINGS
from .sources import SOURCES

NUMPY_PRINT = {
    "edgeitems": 3, "threshold": 1000, "floatmode": "maxprec", "precision": 8, "suppress": False, "linewidth": 75,
    "nanstr": "nan", "infstr": "inf", "sign": "-", "formatter": None, "legacy": False, "override_repr": None,
}  # fmt: skip
NUMPY_ERR = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}
INLINE_TRAITS = ("figure_formats", "rc", "close_figures", "print_figure_kwargs")
RELOADING = ("enabled", "check_all", "autoload_obj", "verbose")
SHELL_TRAITS = ("ast_node_interactivity", "colors", "autocall", "automagic", "separate_in")

LEVELS = {50: "CRITICAL", 40: "ERROR", 30: "WARNING", 20: "INFO", 10: "DEBUG", 0: "NOTSET"}


def _module(name: str) -> Any:
    return sys.modules.get(name)


def get_random() -> Any:
    return sys.modules["random"].getstate() if _module("random") else None


def set_random(value: Any) -> None:
    if value is not None:
        import random

        random.setstate(value)


def get_numpy_random() -> Any:
    numpy = _module("numpy.random")
    return numpy.get_state(legacy=False) if numpy is not None and hasattr(numpy, "get_state") else None


def set_numpy_random(value: Any) -> None:
    if value is not None:
        importlib.import_module("numpy.random").set_state(value)


def get_torch_random() -> Any:
    torch = _module("torch")
    return torch.get_rng_state().numpy().tobytes() if torch is not None and hasattr(torch, "get_rng_state") else None


def set_torch_random(value: Any) -> None:
    if value is not None:
        torch = importlib.import_module("torch")
        torch.set_rng_state(torch.frombuffer(bytearray(value), dtype=torch.uint8))


def hide_ours() -> None:
    """The seed was set by us, for this process only; processes that a cell starts have no seed, as usual."""
    if os.environ.pop("JUPYTER_MLOPS_HASHSEED", None):
        os.environ.pop("PYTHONHASHSEED", None)
    if os.environ.pop("JUPYTER_MLOPS_PYDEVD", None):
        os.environ.pop("PYDEVD_DISABLE_FILE_VALIDATION", None)


def get_environ() -> Any:
    now, initial = dict(os.environ), here.AGENT.base_environ
    return {k: now.get(k) for k in sorted(now.keys() | initial.keys()) if now.get(k) != initial.get(k)}


def set_environ(value: Any) -> None:
    target = {**here.AGENT.base_environ, **value}
    for key in list(os.environ):
        if target.get(key) is None:
            del os.environ[key]
    for key, text in target.items():
        if text is not None and os.environ.get(key) != text:
            os.environ[key] = text


def get_path() -> Any:
    return list(sys.path) if sys.path != here.AGENT.base_path else []


def set_path(value: Any) -> None:
    sys.path[:] = value or here.AGENT.base_path


def get_argv() -> Any:
    return list(sys.argv) if sys.argv != here.AGENT.base_argv else []


def set_argv(value: Any) -> None:
    sys.argv[:] = value or here.AGENT.base_argv


def zone_now() -> Any:
    return time.tzname, time.timezone, time.altzone


def get_zone() -> Any:
    return zone_now() if zone_now() != here.AGENT.base_zone else ()


def set_zone(value: Any) -> None:
    if hasattr(time, "tzset"):
        time.tzset()  # environ was set before


def get_cwd() -> Any:
    try:
        return os.getcwd() if os.getcwd() != here.AGENT.base_cwd else ""
    except OSError:
        return "<gone>"


def set_cwd(value: Any) -> None:
    os.chdir(value or here.AGENT.base_cwd)


def _filters_version() -> Any:
    warnings = sys.modules["warnings"]
    machinery: Any = warnings
    probe: dict[str, Any] = {}
    show = machinery._showwarnmsg
    machinery._showwarnmsg = lambda message: None
    try:
        warnings.warn_explicit("probe", UserWarning, "probe", 1, registry=probe)
    except Exception:
        return None
    finally:
        machinery._showwarnmsg = show
    return probe.get("version")


def _pattern(matched: Any) -> Any:
    return (matched.pattern, matched.flags) if isinstance(matched, re.Pattern) else matched


def _compiled(pattern: Any) -> Any:
    return re.compile(*pattern) if isinstance(pattern, tuple) else pattern


def get_warnings() -> Any:
    warnings = sys.modules["warnings"]
    filters = [(f[0], _pattern(f[1]), f[2], _pattern(f[3]), f[4]) for f in warnings.filters]
    version, registries = _filters_version(), {}
    for name, module in list(sys.modules.items()):
        registry = getattr(module, "__dict__", {}).get("__warningregistry__")
        if isinstance(registry, dict) and registry.get("version") == version and len(registry) > 1:
            registries[name] = {k: v for k, v in registry.items() if k != "version"}
    changed = filters != here.AGENT.base_filters
    # Imports add filters of their own (numpy, pandas): those are replayed with the imports.
    return {"filters": filters if changed else None, "seen": registries, "once": dict(warnings.onceregistry)}


def set_warnings(value: Any) -> None:
    warnings = sys.modules["warnings"]
    filters = value["filters"] if value["filters"] is not None else here.AGENT.base_filters
    warnings.filters[:] = [
        (action, _compiled(message), category, _compiled(module), line)
        for action, message, category, module, line in filters
    ]
    warnings._filters_mutated() if hasattr(warnings, "_filters_mutated") else warnings._filters_mutated_lock_held()
    warnings.onceregistry.clear()
    warnings.onceregistry.update(value["once"])
    version = _filters_version()
    for name, module in list(sys.modules.items()):
        space = getattr(module, "__dict__", None)
        if space is None:
            continue
        if name in value["seen"]:
            space.setdefault("__warningregistry__", {}).clear()
            space["__warningregistry__"].update(value["seen"][name], version=version)
        elif isinstance(space.get("__warningregistry__"), dict):
            space["__warningregistry__"].clear()


def _handler(handler: Any) -> Any:
    logging = sys.modules["logging"]
    if type(handler) is logging.NullHandler:
        return None
    stream = getattr(handler, "stream", None)
    name = "stdout" if stream is sys.stdout else "stderr" if stream is sys.stderr else None
    formatter = handler.formatter
    if type(handler) is not logging.StreamHandler or name is None or handler.filters:
        return "live"
    if formatter is not None and type(formatter) is not logging.Formatter:
        return "live"
    style = formatter and (formatter._fmt, formatter.datefmt, type(formatter._style).__name__)
    return name, handler.level, style


def get_logging() -> Any:
    logging = _module("logging")
    if logging is None:
        return None
    loggers = {"": logging.root}
    loggers.update((n, x) for n, x in logging.root.manager.loggerDict.items() if isinstance(x, logging.Logger))
    states = {}
    for name, logger in loggers.items():
        handlers = [h for h in map(_handler, logger.handlers) if h is not None]
        facts = (logger.level, logger.propagate, logger.disabled, handlers)
        default: tuple[Any, ...] = (logging.WARNING if name == "" else 0, True, False, [])
        if facts != here.AGENT.base_logging.get(name, default):
            states[name] = facts
    levels = {k: v for k, v in logging._levelToName.items() if here.AGENT.base_levels.get(k, LEVELS.get(k)) != v}
    result = {"loggers": states, "disable": logging.root.manager.disable, "levels": levels}
    return result if states or levels or result["disable"] else None


def set_logging(value: Any) -> None:
    logging = importlib.import_module("logging")
    value = value or {"loggers": {}, "disable": 0, "levels": {}}
    logging.disable(value["disable"])
    for level, name in {**LEVELS, **here.AGENT.base_levels, **value["levels"]}.items():
        logging.addLevelName(level, name)
    for name, (level, propagate, disabled, handlers) in value["loggers"].items():
        logger = logging.getLogger(name) if name else logging.root
        logger.setLevel(level)
        logger.propagate, logger.disabled = propagate, disabled
        for handler in [h for h in logger.handlers if _handler(h) not in (None, "live")]:
            logger.removeHandler(handler)
        for stream, at, style in handlers:
            new_handler = logging.StreamHandler(getattr(sys, stream))
            new_handler.setLevel(at)
            if style is not None:
                kinds = {"PercentStyle": "%", "StrFormatStyle": "{", "StringTemplateStyle": "$"}
                new_handler.setFormatter(logging.Formatter(style[0], style[1], kinds[style[2]]))
            logger.addHandler(new_handler)


def get_locale() -> Any:
    locale = _module("locale")
    if locale is None:
        return None
    now = locale.setlocale(locale.LC_ALL)
    return now if now != here.AGENT.base_locale else None


def set_locale(value: Any) -> None:
    locale = importlib.import_module("locale")
    locale.setlocale(locale.LC_ALL, value or here.AGENT.base_locale)


INLINE = frozenset({"inline", "module://matplotlib_inline.backend_inline"})
OF_BACKEND = frozenset({"backend", "backend_fallback", "interactive"})


def _backend(params: Any) -> Any:
    name = dict.get(params, "backend")
    return "inline" if name in INLINE else name if isinstance(name, str) else ""


def _goes_live(matplotlib: Any) -> bool:
    """Whether pyplot is interactive because the kernel's own backend was activated, which happens with the first
    figure.
    """
    return not here.AGENT.backend_seen and _is_in_use(matplotlib)


def _is_in_use(matplotlib: Any) -> bool:
    return _backend(matplotlib.rcParams) == "inline" and bool(_module("matplotlib_inline.backend_inline"))


def get_matplotlib() -> Any:
    matplotlib = _module("matplotlib")
    if matplotlib is None or not hasattr(matplotlib, "rcParamsOrig"):
        return {}
    now, defaults = dict.items(matplotlib.rcParams), matplotlib.rcParamsOrig
    params = {k: v for k, v in now if k not in OF_BACKEND and repr(v) != repr(dict.get(defaults, k))}
    is_active = here.AGENT.backend_seen and _is_in_use(matplotlib)  # a kernel with no figure yet would go live later
    if is_active or matplotlib.is_interactive() is not _goes_live(matplotlib):
        params["interactive"] = matplotlib.is_interactive()
    if _backend(matplotlib.rcParams) != _backend(defaults):
        params["<backend>"] = _backend(matplotlib.rcParams)
    if (name := dict.get(matplotlib.rcParams, "backend")) in INLINE and name != dict.get(defaults, "backend"):
        params["<name>"] = name  # ipywidgets knows the kernel's own backend by one of its names alone
    colors = _module("matplotlib.colors")
    if colors is not None:
        base = {k: v for k, v in dict.items(colors.colorConverter.colors) if len(k) == 1}
        if base != dict(colors.BASE_COLORS.items()):
            params["<base colours>"] = base
    return params


def set_matplotlib(value: Any) -> None:
    if not value and _module("matplotlib") is None:
        return
    matplotlib = importlib.import_module("matplotlib")
    default_backend = _backend(matplotlib.rcParamsOrig)
    backend = value.get("<backend>", default_backend)
    if backend and backend != _backend(matplotlib.rcParams):
        matplotlib.use(backend)
    if (name := value.get("<name>", dict.get(matplotlib.rcParamsOrig, "backend"))) in INLINE and backend == "inline":
        dict.__setitem__(matplotlib.rcParams, "backend", name)
    if "interactive" in value and backend == "inline":
        importlib.import_module("matplotlib.pyplot")._get_backend_mod()
    matplotlib.interactive(value.get("interactive", _goes_live(matplotlib)))
    for key, default in dict.items(matplotlib.rcParamsOrig):
        if key not in OF_BACKEND:
            dict.__setitem__(matplotlib.rcParams, key, value.get(key, default))
    if "<base colours>" in value:
        colors = importlib.import_module("matplotlib.colors")
        colors.colorConverter.colors.update(value["<base colours>"])
        colors.colorConverter.cache.clear()


def get_pandas() -> Any:
    config = _module("pandas._config.config")
    if config is None:
        return {}
    options = {}
    for key, option in config._registered_options.items():
        value = config.get_option(key) if key not in config._deprecated_options else option.defval
        if value != option.defval:
            options[key] = value
    return options


def set_pandas(value: Any) -> None:
    config = _module("pandas._config.config")
    if config is None and not value:
        return
    import pandas

    config = sys.modules["pandas._config.config"]
    for key, option in config._registered_options.items():
        if key in config._deprecated_options:
            continue
        target = value.get(key, option.defval)
        if config.get_option(key) != target:
            pandas.set_option(key, target)


def get_numpy() -> Any:
    numpy = _module("numpy")
    if numpy is None or not hasattr(numpy, "get_printoptions"):
        return {}
    options = {k: v for k, v in numpy.get_printoptions().items() if v != NUMPY_PRINT.get(k)}
    errors = {k: v for k, v in numpy.geterr().items() if v != NUMPY_ERR.get(k)}
    return {**options, **({"<errors>": errors} if errors else {})}


def set_numpy(value: Any) -> None:
    if not value and _module("numpy") is None:
        return
    import numpy

    options = {**NUMPY_PRINT, **{k: v for k, v in value.items() if k != "<errors>"}}
    current = numpy.get_printoptions()
    numpy.set_printoptions(**{k: v for k, v in options.items() if k in current})
    numpy.seterr(**{**NUMPY_ERR, **value.get("<errors>", {})})


def get_sklearn() -> Any:
    config = _module("sklearn._config")
    if config is None:
        return {}
    return {k: v for k, v in config.get_config().items() if v != config._global_config.get(k)}


def set_sklearn(value: Any) -> None:
    config = _module("sklearn._config")
    if config is None and not value:
        return
    config = importlib.import_module("sklearn._config")
    config.set_config(**{**config._global_config, **value})


def _reloader() -> Any:
    return getattr(here.AGENT.shell.magics_manager.registry.get("AutoreloadMagics"), "_reloader", None)


def get_extensions() -> Any:
    loaded = sorted(here.AGENT.shell.extension_manager.loaded - here.AGENT.base_extensions)
    reloader = _reloader()
    if reloader is None:
        return loaded
    return [*loaded, {k: getattr(reloader, k) for k in RELOADING if hasattr(reloader, k)}]


def set_extensions(value: Any) -> None:
    for item in value:
        if isinstance(item, str):
            here.AGENT.shell.extension_manager.load_extension(item)
        else:
            vars(_reloader()).update(item)


def _inline() -> Any:
    config = _module("matplotlib_inline.config")
    return config.InlineBackend.instance(parent=here.AGENT.shell) if config is not None else None


FORMATS = {"image/png": "png", "image/jpeg": "jpeg", "image/svg+xml": "svg", "application/pdf": "pdf"}


def _shown_formats() -> Any:
    """The formats in which figures are shown, and their options; None before the kernel's backend is in use."""
    figure = _module("matplotlib.figure")
    formats, options = [], None
    for mime, name in FORMATS.items():
        printer = here.AGENT.shell.display_formatter.formatters[mime].type_printers.get(getattr(figure, "Figure", None))
        if getattr(getattr(printer, "func", None), "__module__", "") == "IPython.core.pylabtools":
            formats.append("retina" if printer.func.__name__ == "retina_figure" else name)
            options = {k: v for k, v in printer.keywords.items() if k not in ("fmt", "base64")}
    return (sorted(formats), options) if formats else None


def _selected(inline: Any) -> Any:
    other = {"jpg": "jpeg", "png2x": "retina"}
    return sorted({other.get(name, name) for name in inline.figure_formats}), dict(inline.print_figure_kwargs)


def _show_formats(inline: Any, selected: Any) -> None:
    importlib.import_module("matplotlib.pyplot")._get_backend_mod()
    formats, options = selected or _selected(inline)
    tools = importlib.import_module("IPython.core.pylabtools")
    tools.select_figure_formats(here.AGENT.shell, set(formats), **options)


def get_shell() -> Any:
    shell, inline = here.AGENT.shell, _inline()
    traits = {k: getattr(shell, k) for k in SHELL_TRAITS if getattr(shell, k, None) != here.AGENT.base_shell.get(k)}
    text = shell.display_formatter.formatters["text/plain"]
    traits.update({"text." + k: getattr(text, k) for k in ("float_precision", "pprint", "max_width", "max_seq_length")})
    mode = getattr(shell.InteractiveTB, "mode", "")
    traits = {k: v for k, v in traits.items() if v != here.AGENT.base_text.get(k)}
    if mode != here.AGENT.base_mode:
        traits["xmode"] = mode
    if inline is not None:
        for name in INLINE_TRAITS:
            value = getattr(inline, name)
            if value != inline.trait_defaults(name):
                traits["inline." + name] = value
        formats = _shown_formats()
        if formats is not None and formats != _selected(inline):
            traits["<formats>"] = formats
    limits = {"recursion": sys.getrecursionlimit(), "gc": gc.isenabled(), "umask": umask_now()}
    traits.update({k: v for k, v in limits.items() if v != here.AGENT.base_limits[k]})
    return traits


def umask_now() -> Any:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def set_shell(value: Any) -> None:
    agent, shell = here.AGENT, here.AGENT.shell
    value = {**agent.base_shell, **agent.base_text, "xmode": agent.base_mode, **agent.base_limits, **value}
    text = shell.display_formatter.formatters["text/plain"]
    for key, item in value.items():
        if key in SHELL_TRAITS:
            if getattr(shell, key, None) != item:
                setattr(shell, key, item)
        elif key.startswith("text."):
            if getattr(text, key[5:]) != item:
                setattr(text, key[5:], item)
        elif key == "xmode" and item:
            shell.InteractiveTB.set_mode(mode=item)
        elif key == "<formats>":
            continue
        elif key.startswith("inline."):
            importlib.import_module("matplotlib_inline.config")
            setattr(_inline(), key[7:], item)
        elif key == "recursion":
            sys.setrecursionlimit(item)
        elif key == "gc":
            gc.enable() if item else gc.disable()
        elif key == "umask":
            os.umask(item)
    inline = _inline()
    for name in INLINE_TRAITS if inline is not None else ():
        if "inline." + name not in value and getattr(inline, name) != inline.trait_defaults(name):
            setattr(inline, name, inline.trait_defaults(name))
    if value.get("<formats>") or (inline is not None and _shown_formats() not in (None, _selected(inline))):
        _show_formats(inline, value.get("<formats>"))


# Order of setting: where modules come from first, filters of warnings last (imports add some).
RESOURCES = {
    "environ": (get_environ, set_environ),
    "cwd": (get_cwd, set_cwd),
    "sys.path": (get_path, set_path),
    "sys.argv": (get_argv, set_argv),
    "time zone": (get_zone, set_zone),
    "locale": (get_locale, set_locale),
    **SOURCES,
    **SETTINGS,
    "extensions": (get_extensions, set_extensions),
    "shell": (get_shell, set_shell),
    "logging": (get_logging, set_logging),
    "numpy": (get_numpy, set_numpy),
    "pandas": (get_pandas, set_pandas),
    "matplotlib": (get_matplotlib, set_matplotlib),
    "sklearn": (get_sklearn, set_sklearn),
    "random": (get_random, set_random),
    "numpy.random": (get_numpy_random, set_numpy_random),
    "torch.random": (get_torch_random, set_torch_random),
    "warnings": (get_warnings, set_warnings),
}
RANDOM = ("random", "numpy.random", "torch.random")
BEFORE_IMPORTS = ("environ", "cwd", "sys.path", *SOURCES)


RESOURCE_DEFAULTS: dict[str, Any] = {
    "warnings": {"filters": None, "seen": {}, "once": {}}, "sys.path": [], "sys.argv": [], "cwd": "", "locale": None,
    "decimal": None, "logging": None, "extensions": [], "multiprocessing": "",
}  # fmt: skip


def digest_of(value: Any) -> Any:
    return hashlib.blake2b(pickle.dumps(value, 4), digest_size=16).hexdigest()
