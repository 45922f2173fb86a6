"""Which calls of a module's functions may change the state of the module, by their dotted names."""

from __future__ import annotations

import re

HARMLESS = re.compile(
    r"(matplotlib\.pyplot|time|gc|os|os\.path|shutil|json|pickle|joblib|random|numpy|numpy\.random|warnings|logging|locale"
    r"|pandas|sys\.stdout|sys\.stderr|subprocess|glob|pprint|IPython\.display|decimal|asyncio|math|traceback|textwrap"
    r"|itertools|functools|contextlib|dis|inspect|pathlib|tempfile|csv|statistics|copy|heapq|bisect|operator|string|re"
    r"|jupyter_mlops|sklearn\.(set_config|config_context)|seaborn|matplotlib|torch\.manual_seed|threading|collections|types)\.\w+(\.\w+)*"
)
DISPLAY_CALLS = re.compile(
    r".*\b((plot|show|display|print|draw|describe|check|assert)_?\w*|\w*(plot|plots|scatter|imshow|heatmap|pprint)_?\w*)$"
)
ALTERNATIVE_CONSTRUCTORS = re.compile(r".*\.[A-Z]\w*\.from_\w+$")  # classmethods, as in `Display.from_estimator()`
# Packages whose functions leave the state of the package as it is, apart from those that `CONFIGURES` names.
STATELESS = re.compile(r"(scipy|statsmodels|skimage|networkx|mglearn)\.\w+(\.\w+)*")
OF_ARGUMENT = re.compile(r"networkx\.set_(node|edge)_attributes")  # they change the graph that they are given
REGISTERS = re.compile(r".*\b(un|de)?register\w*$|joblib\.parallel_(config|backend)$")
CONFIGURES = re.compile(
    r".*\b(set|reset|configure|config|enable|disable|use|install|init|activate|patch)(_?[a-z]\w*)?$"
)


def leaves_modules(name: str) -> bool:
    """Whether a call that stands as a statement leaves the state of all modules as it is."""
    if HARMLESS.fullmatch(name) or DISPLAY_CALLS.match(name) or is_class(name) or OF_ARGUMENT.fullmatch(name):
        return True
    if ALTERNATIVE_CONSTRUCTORS.fullmatch(name):
        return True
    return bool(STATELESS.fullmatch(name)) and not configures_module(name)


def configures_module(name: str) -> bool:
    """Whether a call changes the state of its module wherever it stands."""
    if REGISTERS.match(name):
        return True
    return bool(CONFIGURES.match(name)) and not (HARMLESS.fullmatch(name) or OF_ARGUMENT.fullmatch(name))


def is_class(name: str) -> bool:
    """Whether the last part of a dotted name is written like a class."""
    last = name.rsplit(".", 1)[-1]
    return last[:1].isupper()
