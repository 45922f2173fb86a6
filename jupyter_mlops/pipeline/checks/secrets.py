"""Passwords, keys and tokens written into the notebook or printed by it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from jupyter_mlops.pipeline.checks.finding import Finding
from jupyter_mlops.pipeline.checks.rule import Context, rule

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
    ("private_key", "PrivateKeyDetector"),
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


@rule("secrets")
def secrets(context: Context) -> Iterator[Finding]:
    """A secret in a notebook is copied with each version, record and report made of it.

    The text is searched in memory by the detectors of detect-secrets; none is asked to verify anything,
    so nothing leaves this process. Messages never repeat the secret.
    """
    try:
        _detectors()
    except ImportError:
        yield Finding(
            "secrets",
            "info",
            None,
            "The notebook was not searched for secrets: detect-secrets is not installed.",
            "Install it beside jupyter_mlops: `pip install detect-secrets`.",
        )
        return
    for index, cell in enumerate(context.nb.cells):
        for kind in _kinds(cell.source):
            yield Finding("secrets", "warning", index, _SOURCE.format(kind, index + 1), _SOURCE_FIX)
        for kind in dict.fromkeys(k for text in _outputs(cell) for k in _kinds(text)):
            yield Finding("secrets", "warning", index, _OUTPUT.format(kind, index + 1), _OUTPUT_FIX)


_SOURCE = "What looks like a secret ({}) is written in cell {}."
_SOURCE_FIX = (
    "Read it from the environment (`os.environ[…]`) and name it in a tag `secret:NAME` of the step; "
    "then change the secret, for copies of the notebook still hold it."
)
_OUTPUT = "What looks like a secret ({}) stands in the output of cell {}."
_OUTPUT_FIX = "Don't print it, clear this output, and change the secret: copies of the notebook still hold it."


@cache
def _detectors() -> tuple[BasePlugin, ...]:
    return tuple(getattr(import_module(f"detect_secrets.plugins.{module}"), name)() for module, name in _PLUGINS)


def _kinds(text: str) -> tuple[str, ...]:
    """The kinds of secrets in a text, each once."""
    return _known_kinds(text) if len(text) < _LONGEST_KEPT else _search(text)


@lru_cache(4096)
def _known_kinds(text: str) -> tuple[str, ...]:
    return _search(text)


def _search(text: str) -> tuple[str, ...]:
    kinds: dict[str, None] = {}
    clean = _DATA_URI.sub("data:", text[:_LONGEST_TEXT])
    for line in clean.splitlines():
        if len(line) <= _LONGEST_LINE:
            kinds.update(dict.fromkeys(_in_line(line)))
    return tuple(kinds)


def _in_line(line: str) -> Iterator[str]:
    if "pragma: allowlist secret" in line:
        return
    for detector in _detectors():
        if any(_is_real(secret, line, detector) for secret in detector.analyze_string(line)):
            yield detector.secret_type
    if _TOKEN_NAME.search(line) and any(_is_token(word) for word in re.findall(r"['\"]([^'\"\s]{20,})['\"]", line)):
        yield "Token"


def _is_real(secret: str, line: str, detector: BasePlugin) -> bool:
    start = line.find(secret)
    before = line[start - 1] if start > 0 else " "
    after = line[start + len(secret)] if start >= 0 and start + len(secret) < len(line) else " "
    if detector.secret_type == "Secret Keyword":
        return len(secret) >= 4 and " " not in secret.strip() and not _is_placeholder(secret)
    if detector.secret_type == "Basic Auth Credentials":
        return not _is_placeholder(secret)
    in_a_longer_word = before.isalnum() or (after.isalnum() and detector.secret_type != "JSON Web Token")
    return not in_a_longer_word and not _is_placeholder(secret)


def _is_placeholder(secret: str) -> bool:
    repeated = len(set(secret)) <= 2
    return repeated or bool(_PLACEHOLDER.search(secret)) or bool(_REFERENCE.match(secret))


def _is_token(word: str) -> bool:
    mixed = any(c.isdigit() for c in word) and any(c.isalpha() for c in word)
    plain = re.fullmatch(r"[A-Za-z0-9_\-+/=.~]+", word) is not None
    return mixed and plain and "/" not in word[:2] and not _HASHED.match(word) and not _is_placeholder(word)


def _outputs(cell: Any) -> Iterator[str]:
    """The texts among a code cell's outputs; HTML and scripts say the same again, images are no text."""
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
