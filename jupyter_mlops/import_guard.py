"""Blocks imports that libraries make for features we don't use, and that cost a second or more of CPU at each start.

`jsonschema` imports libraries for string formats that no notebook schema uses, one of which builds a grammar;
`papermill` imports every cloud library that is installed, for URLs that do not occur. Both continue if the import
fails.
"""

from __future__ import annotations

import sys

UNUSED = ("rfc3987_syntax", "rfc3986_validator", "isoduration", "fqdn", "uri_template", "webcolors")
CLOUD = {
    "s3": ("boto3", "botocore"),
    "adl": ("azure.datalake",),
    "abs": ("azure.storage", "azure.identity"),
    "gs": ("gcsfs",),
    "hdfs": ("pyarrow",),
    "github": ("github",),
}


def block_unused(*addresses: str) -> None:
    """Keep this process from importing what it won't use. Call this before nbformat or papermill are imported.

    :param addresses: what papermill will read or write; the library of an address like `s3://…` stays.
    """
    schemes = {a.split("://")[0] for a in addresses if "://" in a}
    unused_modules = [name for scheme, names in CLOUD.items() if scheme not in schemes for name in names]
    for name in (*UNUSED, *unused_modules):
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]


def unblock() -> None:
    """Allow imports of cloud libraries from now on."""
    for name in (name for names in CLOUD.values() for name in names):
        if name in sys.modules and sys.modules[name] is None:
            del sys.modules[name]
