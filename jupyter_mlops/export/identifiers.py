"""Names of steps, jobs and parameters as identifiers of other languages: readable, valid and unique."""

from __future__ import annotations

import hashlib
import keyword
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Literal

Syntax = Literal["python", "dns", "word"]

TRANSLITERATED = str.maketrans({"ß": "ss", "æ": "ae", "ø": "o", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th"})
LONGEST: Mapping[Syntax, int] = {"python": 60, "dns": 52, "word": 60}  # a CronJob's name may have 52 characters
SEPARATORS: Mapping[Syntax, str] = {"python": "_", "dns": "-", "word": "_"}


def unique_identifiers(names: Iterable[str], syntax: Syntax, longest: int = 0) -> dict[str, str]:
    """Identifiers for names, in their order; a name always gets the same one in the same list.

    :param syntax: `python`: an identifier that is no keyword; `dns`: a DNS label (RFC 1123) that begins with a letter;
        `word`: ASCII letters, digits and `_`, beginning with a letter.
    :param longest: characters at most; 0: what the syntax allows.
    """
    limit = longest or LONGEST[syntax]
    identifiers: dict[str, str] = {}
    used: set[str] = set()
    for name in names:
        identifier = _identifier(name, syntax, limit)
        if identifier in used:
            identifier = _with_suffix(identifier, name, syntax, limit, used)
        used.add(identifier)
        identifiers[name] = identifier
    return identifiers


def _identifier(name: str, syntax: Syntax, limit: int) -> str:
    separator = SEPARATORS[syntax]
    lowered = name.lower() if syntax == "dns" else name
    ascii_text = unicodedata.normalize("NFKD", lowered.translate(TRANSLITERATED)).encode("ascii", "ignore").decode()
    ascii_text = ascii_text.lower() if syntax == "dns" else ascii_text  # compatibility forms of capitals
    words = re.sub(r"[^A-Za-z0-9]+", separator, ascii_text).strip(separator)
    if not re.search(r"[A-Za-z0-9]", words):
        words = f"step{separator}{_digest(name)}"
    if not words[0].isalpha():
        words = f"{'n' if syntax == 'dns' else 'step'}{separator}{words}"
    if len(words) > limit:
        words = f"{words[: limit - 9].rstrip(separator)}{separator}{_digest(name)}"
    if syntax == "python" and (keyword.iskeyword(words) or keyword.issoftkeyword(words)):
        words += "_"
    return words


def _with_suffix(identifier: str, name: str, syntax: Syntax, limit: int, used: Iterable[str]) -> str:
    suffix = f"{SEPARATORS[syntax]}{_digest(name)}"
    candidate: Callable[[int], str] = lambda n: f"{identifier[: limit - len(suffix) - 3]}{suffix}{n or ''}"  # noqa: E731
    return next(candidate(n) for n in range(1000) if candidate(n) not in used)


def _digest(name: str) -> str:
    return hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
