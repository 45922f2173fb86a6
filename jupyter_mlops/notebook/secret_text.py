"""Finds passwords, keys and tokens in a text: kind and line, never the secret itself."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from detect_secrets.plugins.base import BasePlugin

# Left out of detect-secrets' plugins: those for bare high-entropy strings, addresses and short prefixes. Digests,
# commit hashes and identifiers are what notebooks print all day.
_PLUGINS = (
    ("aws", "AWSKeyDetector"),
    ("azure_storage_key", "AzureStorageKeyDetector"),
    ("basic_auth", "BasicAuthDetector"),
    ("discord", "DiscordBotTokenDetector"),
    ("github_token", "GitHubTokenDetector"),
    ("gitlab_token", "GitLabTokenDetector"),
    ("ibm_cloud_iam", "IbmCloudIamDetector"),
    ("jwt", "JwtTokenDetector"),
    ("mailchimp", "MailchimpDetector"),
    ("npm", "NpmDetector"),
    ("openai", "OpenAIDetector"),
    ("pypi_token", "PypiTokenDetector"),
    ("sendgrid", "SendGridDetector"),
    ("slack", "SlackDetector"),
    ("square_oauth", "SquareOAuthDetector"),
    ("stripe", "StripeDetector"),
    ("telegram_token", "TelegramBotTokenDetector"),
    ("twilio", "TwilioKeyDetector"),
    ("keyword", "KeywordDetector"),
)
_TOKEN_NAME = re.compile(r"(?i)(?:token|credential|bearer|authorization|access_?key|signature_key)\w*['\"\]]*\s*[=:(,]")
_DATA_URI = re.compile(r"data:[\w.+-]+/[\w.+-]+(?:;[\w=.-]+)*;base64,[A-Za-z0-9+/=\s]+")
_PLACEHOLDER = re.compile(
    r"(?i)your|example|placeholder|change.?me|dummy|redacted|insert|replace|not.?(?:set|needed|a.?real)|"
    r"secret.?(?:key|here)|here$|todo|xxx|\*{3}|\.{3}|…|^(?:none|null|true|false|test|password|passwd|secret|"
    r"token|key|string|str|foo|bar|hunter2?|admin|user|username|default|env|api_?key)$"
)
_REFERENCE = re.compile(r"^(?:[<{$%].*|[\w.]+\(.*|os\.environ.*|[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|\s*)$")
_LONGEST_LINE = 20_000
_LONGEST_TEXT = 2_000_000
_LONGEST_KEPT = 10_000  # characters of a text whose answer is kept with it
_HASHED = re.compile(r"(?i)^(?:sha\d*[:-])?[0-9a-f]{32,128}$|^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
# Shapes that detect-secrets does not know, or knows too widely: any mention of "BEGIN RSA PRIVATE KEY" is one to it.
_SHAPES = tuple(
    (kind, re.compile(shape))
    for kind, shape in (
        ("Private Key", r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----|PuTTY-User-Key-File-\d+: "),
        ("GitHub Token", r"\bgithub_pat_\w{82}\b"),
        ("Google API Key", r"\bAIza[0-9A-Za-z_-]{35}(?![0-9A-Za-z_-])"),
        ("Google OAuth Secret", r"\bGOCSPX-[0-9A-Za-z_-]{28}(?![0-9A-Za-z_-])"),
        ("Hugging Face Token", r"\bhf_[0-9A-Za-z]{34}\b"),
        ("Anthropic API Key", r"\bsk-ant-[a-z0-9]+-[0-9A-Za-z_-]{80,}"),
        ("OpenAI Token", r"\bsk-(?:proj|svcacct|admin)-[0-9A-Za-z_-]{40,}"),
        ("Databricks Token", r"\bdapi[0-9a-f]{32}(?:-\d)?\b"),
    )
)
_BEARER = re.compile(r"(?i)\bbearer\s+([0-9A-Za-z_.=+/~-]{20,})")
_UNQUOTED = re.compile(  # as configurations have it; in code it is a name
    r"(?i)(?:pass(?:word|wd)?|pwd|secret|token|credential|(?:api|access|auth|private)_?key)[\w.-]{0,20}['\"]?"
    r"\s*[:=]\s*([0-9a-z+=@!%^&]{10,})\s*(?:#.*)?$"
)
# What every line with a secret has: a word for one, a user in an address, or a long word.
_HINT = re.compile(r"(?i)pass|pwd|secret|key|token|auth|credential|contrase|://|[a-z][0-9a-z_-]{11}")
_ENTROPY = 2.5  # bits a character that a password in a file of data has at least: words have less


def found_in(text: str, *, data: bool = False) -> Iterator[tuple[int, str]]:
    """The secrets in a text: line, counted from 1, and kind; each kind once per line.

    :param data: the text is data, not code: `"password": "dolphin"` may be a row of a data set, so only text that looks
        random counts after such a word.
    :raises ImportError: detect-secrets is not installed.
    """
    for number, line in enumerate(text[:_LONGEST_TEXT].splitlines(), 1):
        if len(line) <= _LONGEST_LINE and _HINT.search(line):
            yield from ((number, kind) for kind in dict.fromkeys(_in_line(_DATA_URI.sub("data:", line), data)))


def kinds(text: str) -> tuple[str, ...]:
    """The kinds of secrets in a cell's source or output, each once. Raises ImportError as `found_in` does."""
    return _known_kinds(text) if len(text) < _LONGEST_KEPT else _search(text)


def require() -> None:
    """Raise ImportError if the detectors are not installed."""
    _detectors()


@cache
def _detectors() -> tuple[BasePlugin, ...]:
    return tuple(getattr(import_module(f"detect_secrets.plugins.{module}"), name)() for module, name in _PLUGINS)


@lru_cache(4096)
def _known_kinds(text: str) -> tuple[str, ...]:
    return _search(text)


def _search(text: str) -> tuple[str, ...]:
    clean = _DATA_URI.sub("data:", text[:_LONGEST_TEXT])  # such an image may have line breaks
    return tuple(dict.fromkeys(kind for _, kind in found_in(clean)))


def _in_line(line: str, data: bool) -> Iterator[str]:
    if "pragma: allowlist secret" in line:
        return
    for kind, shape in _SHAPES:
        if any(not _is_placeholder(match[0]) for match in shape.finditer(line)):
            yield kind
    for detector in _detectors():
        if any(_is_real(secret, line, detector, data) for secret in detector.analyze_string(line)):
            yield detector.secret_type
    if data and any(_is_random(match[1], digits=2) for match in _UNQUOTED.finditer(line)):
        yield "Secret Keyword"
    if any(_is_token(match[1]) for match in _BEARER.finditer(line)):
        yield "Token"
    if _TOKEN_NAME.search(line) and any(_is_token(word) for word in re.findall(r"['\"]([^'\"\s]{20,})['\"]", line)):
        yield "Token"


def _is_real(secret: str, line: str, detector: BasePlugin, data: bool) -> bool:
    start = line.find(secret)
    before = line[start - 1] if start > 0 else " "
    after = line[start + len(secret)] if start >= 0 and start + len(secret) < len(line) else " "
    if detector.secret_type == "Secret Keyword":
        word = len(secret) >= 4 and " " not in secret.strip() and not _is_placeholder(secret)
        return word and (not data or _is_random(secret))
    if detector.secret_type == "Basic Auth Credentials":
        return not _is_placeholder(secret)
    in_a_longer_word = before.isalnum() or (after.isalnum() and detector.secret_type != "JSON Web Token")
    return not in_a_longer_word and not _is_placeholder(secret)


def _is_placeholder(secret: str) -> bool:
    repeated = len(set(secret)) <= 2
    return repeated or bool(_PLACEHOLDER.search(secret)) or bool(_REFERENCE.match(secret))


def _is_random(word: str, digits: int = 0) -> bool:
    """Whether a word looks random: long, with many digits and letters, not a digest or identifier."""
    if _is_placeholder(word) or sum(c.isdigit() for c in word) < digits:
        return False
    counts = Counter(word).values()
    entropy = -sum(n / len(word) * math.log2(n / len(word)) for n in counts)
    mixed = any(c.isalpha() for c in word) and not word.isalpha()
    return len(word) >= 8 and mixed and entropy >= _ENTROPY and not _HASHED.match(word)


def _is_token(word: str) -> bool:
    mixed = any(c.isdigit() for c in word) and any(c.isalpha() for c in word)
    plain = re.fullmatch(r"[A-Za-z0-9_\-+/=.~]+", word) is not None
    return mixed and plain and "/" not in word[:2] and not _HASHED.match(word) and not _is_placeholder(word)


def texts_of_outputs(cell: Any) -> Iterator[str]:
    """The texts in a code cell's outputs, without images and without HTML and scripts, which repeat the text."""
    for output in cell.get("outputs", ()):
        kind = output.get("output_type")
        if kind == "stream":
            yield _text(output.get("text", ""))
        elif kind == "error":
            yield "\n".join(map(_text, (output.get("evalue", ""), *output.get("traceback", ()))))
        else:
            data = output.get("data", {})
            for mime, value in data.items():
                if mime in ("text/plain", "text/markdown", "text/latex") or (mime == "text/html" and len(data) == 1):
                    yield _text(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "".join(map(str, value)) if isinstance(value, list) else ""
