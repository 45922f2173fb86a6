"""Creates step names from headings: `[a-z_][a-z0-9_]*`, short, in ASCII."""

from __future__ import annotations

import html
import keyword
import re
import unicodedata
from collections.abc import Collection, Iterable

MAX_LENGTH = 30

RESERVED = frozenset({"parameters", "pipeline_parameters", "imports", "functions", "step", "metrics", "gate", "skip"})

_LINK = re.compile(r"!?\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])")
_MATH = re.compile(r"\$\$?[^$]*\$\$?")
_TAG = re.compile(r"<[^>]{1,200}>")
_NUMBER = re.compile(
    r"^\s*(?:(?:step|part|section|chapter|§)\s*)?\(?(?:\d+(?:\.\d+)*|[a-z])[.):]+\s+(?=\S)", re.IGNORECASE
)
_NUMBERED = re.compile(r"^\s*(?:step|part|section|chapter)\s+\d+\s*[-–—:.]?\s+(?=\S)", re.IGNORECASE)
_ASIDE = re.compile(r"\s*\([^)]*\)")
_FILLERS = frozenset(
    re.findall(
        r"\w+",
        "a an and are as at be between but by do does for from has have how in into is it its let me need of on or our "
        "s so some than that the their then these this to under up us use using via was we what when which why will "
        "with you your",
    )
)
_LABEL = re.compile(
    r"^\s*(?:addendum|appendix|application|aside|bonus|case|example|exercise|experiment|model|note|optional|task)\s*"
    r"(?:\d+|[a-z])?\s*[:.–—-]\s+(?=\w)",
    re.IGNORECASE,
)
_LETTERS = dict(
    pair.split("=")
    for pair in (
        "а=a б=b в=v г=g д=d е=e ж=zh з=z и=i к=k л=l м=m н=n о=o п=p р=r с=s т=t у=u ф=f х=kh ц=ts ч=ch ш=sh щ=shch "
        "ъ= ы=y ь= э=e ю=yu я=ya і=i є=ye ґ=g ß=ss æ=ae ø=o œ=oe ł=l đ=d ð=d þ=th ı=i"
    ).split()
)


def slugify(heading: str, max_length: int = MAX_LENGTH) -> str:
    """A name for a heading; "" if it has no text that can be written in ASCII.

    Numbering and markup are removed. Filler words and parentheses are removed if the name is too long. The name ends
    with a whole word.
    """
    text = _plain_text(heading)
    for shorten in (_identity, _without_label, _without_fillers, _without_aside, _before_colon):
        if _words(shorten(text)):
            text = shorten(text)
        if len("_".join(_words(text))) <= max_length:
            break
    return _to_identifier(_truncate(_words(text), max_length))


def disambiguate(heading: str, other_headings: Iterable[str], max_length: int = MAX_LENGTH) -> str:
    """A name that distinguishes a heading from others of the same name; "" if none of its words does."""
    other_words = {word for other_heading in other_headings for word in _words(_plain_text(other_heading))}
    words = _words(_without_fillers(_plain_text(heading)))
    distinct_words = [word for word in words if word not in other_words]
    return (
        _to_identifier(_truncate([*words[:2], *distinct_words], max_length))
        if distinct_words and words[:2] != distinct_words[:2]
        else ""
    )


def unique(name: str, names: Collection[str], max_length: int = MAX_LENGTH) -> str:
    """The name itself, or followed by `_2`, `_3`, ... if it is taken; never longer than allowed."""
    result, number = name, 2
    while result in names:
        tail = f"_{number}"
        result = name[: max_length - len(tail)].rstrip("_") + tail
        number += 1
    return result


def _plain_text(heading: str) -> str:
    text = html.unescape(_TAG.sub(" ", _LINK.sub(r"\1", heading)))
    without_math = _MATH.sub(" ", text)
    text = without_math if re.search(r"\w", without_math) else text
    for pattern in (_NUMBERED, _NUMBER):
        text = pattern.sub("", text)
    return re.sub(r"(?<=\w)['’](?=s\b)", "", re.sub(r"[`*~#]", "", text))


def _identity(text: str) -> str:
    return text


def _without_label(text: str) -> str:
    return _LABEL.sub("", text)


def _without_aside(text: str) -> str:
    return _ASIDE.sub("", text)


def _without_fillers(text: str) -> str:
    return " ".join(word for word in text.split() if word.lower().strip(".,:;!?\"'") not in _FILLERS)


def _before_colon(text: str) -> str:
    return re.split(r"\s*[:;?!–—]\s+|\s+-+\s+", text, maxsplit=1)[0]


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", _to_ascii(text).lower())


def _to_ascii(text: str) -> str:
    return "".join(
        _transliterate(char) for char in unicodedata.normalize("NFKD", unicodedata.normalize("NFC", text).lower())
    )


def _transliterate(char: str) -> str:
    if char.isascii():
        return char
    if unicodedata.combining(char):
        return ""
    replacement = _LETTERS.get(char)
    if replacement is not None:
        return replacement
    name = unicodedata.name(char, "")
    return name.rsplit(" ", 1)[-1].lower() if name.startswith("GREEK SMALL LETTER ") else " "


def _truncate(words: list[str], max_length: int) -> list[str]:
    if len("_".join(words)) <= max_length:
        return words
    prefix: list[str] = []
    for word in words:
        if len("_".join([*prefix, word])) > max_length:
            break
        prefix.append(word)
    while len(prefix) > 1 and prefix[-1] in _FILLERS:
        prefix.pop()
    return prefix or [word[:max_length] for word in words[:1]]


def _to_identifier(words: list[str]) -> str:
    name = "_".join(words)
    if name[:1].isdigit():
        name = "_".join(_truncate(["step", *words], MAX_LENGTH))
    return f"{name}_step" if keyword.iskeyword(name) or name in RESERVED else name
