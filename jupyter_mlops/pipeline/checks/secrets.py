"""Passwords, keys and tokens in the notebook's code or outputs."""

from __future__ import annotations

from collections.abc import Iterator

from jupyter_mlops.notebook import secret_text
from jupyter_mlops.pipeline.checks.finding import Finding
from jupyter_mlops.pipeline.checks.rule import Context, rule


@rule("secrets")
def secrets(context: Context) -> Iterator[Finding]:
    """A secret in a notebook is copied to each of its versions, executed notebooks and reports.

    The detectors of detect-secrets search the text in memory. They verify nothing online, so nothing leaves this
    process. Messages never contain the secret.
    """
    try:
        secret_text.require()
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
        for kind in secret_text.kinds(cell.source):
            yield Finding("secrets", "warning", index, _SOURCE.format(kind, index + 1), _SOURCE_FIX)
        for kind in dict.fromkeys(k for text in secret_text.texts_of_outputs(cell) for k in secret_text.kinds(text)):
            yield Finding("secrets", "warning", index, _OUTPUT.format(kind, index + 1), _OUTPUT_FIX)


_SOURCE = "What looks like a secret ({}) is written in cell {}."
_SOURCE_FIX = (
    "Read it from the environment (`os.environ[…]`) and name it in a tag `secret:NAME` of the step; "
    "then change the secret, for copies of the notebook still hold it."
)
_OUTPUT = "The output of cell {1} contains what looks like a secret ({0})."
_OUTPUT_FIX = "Don't print it, clear this output, and change the secret: copies of the notebook still hold it."
