"""Step names made from headings: `[a-z_][a-z0-9_]*`, short, and plain ASCII."""

from __future__ import annotations

import html
import keyword
import re
import unicodedata
from collections.abc import Collection, Iterable

LONGEST = 30

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


def slug(heading: str, longest: int = LONGEST) -> str:
    """A name for a heading, "" where nothing of it can be written in ASCII.

    Numbering goes, markup goes, fillers and asides go where it is too long, and it ends with a whole word.
    """
    text = _plain(heading)
    for shorter in (_same, _without_label, _without_fillers, _without_aside, _before_colon):
        if _words(shorter(text)):
            text = shorter(text)
        if len("_".join(_words(text))) <= longest:
            break
    return _begin(_cut(_words(text), longest))


def apart(heading: str, others: Iterable[str], longest: int = LONGEST) -> str:
    """A name for a heading that tells it from others of the same name, "" where no word of it does."""
    known = {word for other in others for word in _words(_plain(other))}
    words = _words(_without_fillers(_plain(heading)))
    telling = [word for word in words if word not in known]
    return _begin(_cut([*words[:2], *telling], longest)) if telling and words[:2] != telling[:2] else ""


def unique(name: str, taken: Collection[str], longest: int = LONGEST) -> str:
    """The name itself, or with `_2`, `_3`, ... where it is taken; never longer than allowed."""
    result, number = name, 2
    while result in taken:
        tail = f"_{number}"
        result = name[: longest - len(tail)].rstrip("_") + tail
        number += 1
    return result


def _plain(heading: str) -> str:
    text = html.unescape(_TAG.sub(" ", _LINK.sub(r"\1", heading)))
    without = _MATH.sub(" ", text)
    text = without if re.search(r"\w", without) else text
    for pattern in (_NUMBERED, _NUMBER):
        text = pattern.sub("", text)
    return re.sub(r"(?<=\w)['’](?=s\b)", "", re.sub(r"[`*~#]", "", text))


def _same(text: str) -> str:
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
    return re.findall(r"[a-z0-9]+", _ascii(text).lower())


def _ascii(text: str) -> str:
    return "".join(_letter(char) for char in unicodedata.normalize("NFKD", unicodedata.normalize("NFC", text).lower()))


def _letter(char: str) -> str:
    if char.isascii():
        return char
    if unicodedata.combining(char):
        return ""
    known = _LETTERS.get(char)
    if known is not None:
        return known
    name = unicodedata.name(char, "")
    return name.rsplit(" ", 1)[-1].lower() if name.startswith("GREEK SMALL LETTER ") else " "


def _cut(words: list[str], longest: int) -> list[str]:
    if len("_".join(words)) <= longest:
        return words
    kept: list[str] = []
    for word in words:
        if len("_".join([*kept, word])) > longest:
            break
        kept.append(word)
    while len(kept) > 1 and kept[-1] in _FILLERS:
        kept.pop()
    return kept or [word[:longest] for word in words[:1]]


def _begin(words: list[str]) -> str:
    name = "_".join(words)
    if name[:1].isdigit():
        name = "_".join(_cut(["step", *words], LONGEST))
    return f"{name}_step" if keyword.iskeyword(name) or name in RESERVED else name
