"""A version as a zip file with nothing else in it: the same bytes for the same version, on any machine.

`bundle.read_bundle` reads it. Unlike a bundle it has no description, no list of packages and no run, and needs no
package beyond the required ones.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from jupyter_mlops.storage.store import Store
from jupyter_mlops.versions.bundle import VERSION, write_files
from jupyter_mlops.versions.manifest import Manifest

TIME = (1980, 1, 1, 0, 0, 0)  # the first that a zip can name
KEYS = ("job", "version", "author", "message", "created", "provenance", "secrets")


def archive(manifest: Manifest, store: Store, version_info: Mapping[str, Any]) -> bytes:
    """Write the zip file. Files are stored uncompressed, because compressors differ between machines.

    :param version_info: of the version: `job`, `version`, `author`, `message`, `created`, `provenance`, and `secrets`,
        the names of the secrets that the job's kernels receive.
    :raises StoreError: an object is missing or damaged.
    """
    stream = io.BytesIO()
    with TemporaryDirectory() as temp_dir:
        folder = Path(temp_dir) / "version"
        folder.mkdir()
        facts = {key: version_info[key] for key in KEYS if key in version_info}
        write_files(manifest, store, facts, folder)
        text = json.loads((folder / VERSION).read_text(encoding="utf-8"))
        (folder / VERSION).write_text(json.dumps(text, ensure_ascii=False, indent=1, sort_keys=True), encoding="utf-8")
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as target:
            for path in sorted(p for p in folder.rglob("*") if p.is_file()):
                entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), TIME)
                entry.create_system, entry.external_attr = 3, 0o644 << 16
                target.writestr(entry, path.read_bytes())
    return stream.getvalue()
