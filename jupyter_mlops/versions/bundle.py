"""A version in one zip file that runs anywhere: a Workflow Run RO-Crate with everything it needs and a list of its
parts.

Besides the metadata of RO-Crate it contains `version.json`, from which the version is imported with the same digest.
"""

from __future__ import annotations

import json
import mimetypes
import warnings
import zipfile
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

from jupyter_mlops.errors import InvalidInputError, StoreError
from jupyter_mlops.storage.local import DISK_FULL_ERRNOS, atomic_write, copy_with_digest, digest_bytes, store_error
from jupyter_mlops.storage.store import Store
from jupyter_mlops.versions.checkout import require_safe_paths
from jupyter_mlops.versions.environment import conda_packages
from jupyter_mlops.versions.manifest import Environment, Manifest

PROFILES = (
    "https://w3id.org/ro/wfrun/process/0.5",
    "https://w3id.org/ro/wfrun/workflow/0.5",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0",
)
VERSION, SBOM, EXECUTED = "version.json", "sbom.cdx.json", "executed.ipynb"
LOCKS = {  # kind of lock -> its file, and what that is
    "pylock": ("pylock.toml", "the environment's lock (PEP 751)"),
    "pins": ("requirements.txt", "the environment's packages by version alone"),
    "conda": ("conda-explicit.txt", "the environment's packages in conda's explicit form"),
}
PARSE_ERRORS = (ValueError, TypeError, AttributeError, RuntimeError)  # what reading a text that was changed may raise
DIFF_FILE = "uncommitted.patch"  # what was not committed
RESERVED_NAMES = (
    VERSION,
    *(name for name, _ in LOCKS.values()),
    SBOM,
    EXECUTED,
    DIFF_FILE,
    "ro-crate-metadata.json",
    "ro-crate-preview.html",
    "ro-crate-preview_files",
)


def write_bundle(
    manifest: Manifest,
    store: Store,
    version_info: Mapping[str, Any],
    target: Path,
    run: Mapping[str, Any] | None = None,
) -> Path:
    """Write the zip file.

    :param version_info: of the version: `job`, `version`, `author`, `message`, `created`, `provenance`.
    :param run: a completed run of it, as `runs --json` shows it, whose executed notebook is included.
    """
    try:
        with TemporaryDirectory() as temp_dir:
            folder = Path(temp_dir) / "crate"
            folder.mkdir()
            write_files(manifest, store, version_info, folder)
            if run is not None and run.get("output") and Path(run["output"]).is_file():
                (folder / EXECUTED).write_bytes(Path(run["output"]).read_bytes())
            else:
                run = None
            (folder / SBOM).write_text(sbom(manifest.environment, version_info), encoding="utf-8")
            _describe(manifest, version_info, folder, run)
            with atomic_write(target) as stream, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
                for path in sorted(p for p in folder.rglob("*") if p.is_file()):
                    archive.write(path, path.relative_to(folder).as_posix())
    except OSError as error:
        raise store_error("be written", error, target) from None
    return target


def read_bundle(path: Path, store: Store) -> tuple[Manifest, dict[str, Any]]:
    """Store a bundle's content; returns the manifest and the facts about the version.

    :raises InvalidInputError: it is not a bundle of jupyter_mlops; StoreError: a part does not match its digest.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            version_info: dict[str, Any] = json.loads(archive.read(VERSION))
            _require_version_info(version_info)
            digest = digest_bytes(version_info["manifest"].encode())
            if digest != version_info["digest"]:
                raise StoreError("the bundle's manifest doesn't match its digest", where=str(path))
            manifest = Manifest.from_dict(json.loads(version_info["manifest"]), digest)
            require_safe_paths(manifest)
            names = {manifest.notebook: _archive_path(manifest.name)}
            names |= {f.digest: _archive_path(f.path) for f in manifest.files if f.stored}
            lock, diff_digest = _provenance_digests(version_info)
            lock_names = [name for name, _ in (lock_file(version_info), LOCKS["pylock"]) if name in archive.namelist()]
            names |= {lock: (lock_names or [lock_file(version_info)[0]])[0]} if lock else {}
            names |= {diff_digest: DIFF_FILE} if diff_digest and DIFF_FILE in archive.namelist() else {}
            with TemporaryDirectory() as temp_dir:
                for expected_digest, name in names.items():
                    if store.put_file(_extract(archive, name, Path(temp_dir) / "one")) != expected_digest:
                        raise StoreError("a file in the bundle doesn't match its digest", where=f"{path}: {name}")
            manifest.put(store)
            return manifest, version_info
    except OSError as error:
        if error.errno in DISK_FULL_ERRNOS:
            raise store_error("be read", error, path) from None
        raise InvalidInputError(
            f"the bundle can't be read: {(error.strerror or str(error)).lower()}", where=str(path)
        ) from None
    except KeyError as error:
        raise _invalid_bundle(path, f"{error.args[0]}".strip(".")) from None
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise _invalid_bundle(path, f"{error}".strip(".").lower()) from None
    except PARSE_ERRORS as error:
        raise _invalid_bundle(path, f"{type(error).__name__}: {error}") from None


def _provenance_digests(version_info: Mapping[str, Any]) -> tuple[str, str]:
    """The digests of the lock and of the uncommitted changes; "" if there are none."""
    origin = version_info["provenance"]
    return (origin.get("lock") or {}).get("digest") or "", (origin.get("git") or {}).get("diff") or ""


def lock_file(version_info: Mapping[str, Any]) -> tuple[str, str]:
    """The name of the lock in the bundle, and its description."""
    return LOCKS.get((version_info["provenance"].get("lock") or {}).get("kind", ""), LOCKS["pylock"])


def _invalid_bundle(path: Path, reason: str) -> InvalidInputError:
    return InvalidInputError(
        f"not a bundle of a version: {reason}", where=str(path), remedy="`jupyter mlops bundle JOB` writes one."
    )


def _require_version_info(version_info: Mapping[str, Any]) -> None:
    """Raises ValueError if a fact about the version is missing or has the wrong type."""
    for name in ("manifest", "digest", "job", "author", "message"):
        if not isinstance(version_info.get(name), str):
            raise ValueError(f"{VERSION} has no `{name}`")
    origin = version_info.get("provenance")
    if not isinstance(origin, dict) or not all(isinstance(origin.get(name) or {}, dict) for name in ("lock", "git")):
        raise ValueError(f"{VERSION} has no `provenance`")


def _extract(archive: zipfile.ZipFile, name: str, target: Path) -> Path:
    with archive.open(name) as source, target.open("wb") as stream:
        copy_with_digest(source, stream)
    return target


def sbom(environment: Environment, version_info: Mapping[str, Any]) -> str:
    """The packages as CycloneDX JSON. Raises InvalidInputError if its library is not installed."""
    try:
        from cyclonedx.model.bom import Bom
        from cyclonedx.model.component import Component, ComponentType
        from cyclonedx.output.json import JsonV1Dot6
        from packageurl import PackageURL
    except ImportError:
        raise _missing_package("cyclonedx-python-lib") from None
    bom = Bom()
    root = Component(
        name=str(version_info["job"]), version=str(version_info["version"]), type=ComponentType.APPLICATION
    )
    bom.metadata.component = root
    components = [
        Component(name=name, type=ComponentType.LIBRARY, **_package_source(name, version))
        for name, version in environment.packages.items()
    ]
    components += [  # from a folder: no index has those
        Component(name=name, version=version, type=ComponentType.LIBRARY)
        for name, version in environment.others.items()
    ]
    components += [
        Component(
            name=name, version=version, type=ComponentType.LIBRARY,
            purl=PackageURL("conda", None, name, version, {"build": build}),
        )
        for name, (version, build) in conda_packages(environment).items()
    ]  # fmt: skip
    for component in components:
        bom.components.add(component)
    bom.register_dependency(root, components)
    return str(JsonV1Dot6(bom).output_as_string(indent=1))


def _package_source(name: str, version: str) -> dict[str, Any]:
    """A package's version and URL; the commit of a package from git, the name of a package from a URL."""
    from packageurl import PackageURL

    if version.startswith("git+"):
        commit = version.rpartition("@")[2]
        return {"version": commit, "purl": PackageURL("pypi", None, name, None, {"vcs_url": version})}
    if "://" in version:
        file = version.partition("#")[0].rpartition("/")[2]
        return {"version": file, "purl": PackageURL("pypi", None, name, None, {"download_url": version})}
    return {"version": version, "purl": PackageURL("pypi", None, name, version)}


def write_files(manifest: Manifest, store: Store, version_info: Mapping[str, Any], folder: Path) -> None:
    """Write what `read_bundle` needs to a folder: the version's facts, notebook, files and lock."""
    facts = {**version_info, "digest": store.put(manifest.to_bytes()), "manifest": manifest.to_bytes().decode()}
    (folder / VERSION).write_text(json.dumps(facts, ensure_ascii=False, indent=1), encoding="utf-8")
    store.fetch(manifest.notebook, folder / _archive_path(manifest.name))
    for entry in manifest.files:
        if entry.stored:
            store.fetch(entry.digest, folder / _archive_path(entry.path))
    lock, diff_digest = _provenance_digests(version_info)
    if lock:
        store.fetch(lock, folder / lock_file(version_info)[0])
    if diff_digest and diff_digest in store:
        store.fetch(diff_digest, folder / DIFF_FILE)


def _describe(manifest: Manifest, version_info: Mapping[str, Any], folder: Path, run: Mapping[str, Any] | None) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from rocrate.model.computerlanguage import ComputerLanguage
            from rocrate.model.contextentity import ContextEntity
            from rocrate.rocrate import ROCrate
    except ImportError:
        raise _missing_package("rocrate") from None
    crate = ROCrate(version="1.1")  # what the profiles stand on
    crate.metadata.extra_contexts.append("https://w3id.org/ro/terms/workflow-run/context")
    crate.name = f"{version_info['job']} {version_info['version']}"
    crate.description = version_info["message"] or f"Version {version_info['version']} of the job {version_info['job']}"
    crate.license = crate.add(ContextEntity(crate, "#license", {
        "@type": "CreativeWork", "name": "Not stated", "description": "Ask the author for a license.",
    }))  # fmt: skip
    profiles = [
        crate.add(ContextEntity(crate, url, {"@type": "CreativeWork", "name": url.split("/")[-2], "version": url[-3:]}))
        for url in (PROFILES if run is not None else PROFILES[2:])
    ]
    crate.root_dataset["conformsTo"] = profiles
    name = _archive_path(manifest.name)
    language = crate.add(ComputerLanguage(crate, "#jupyter-notebook", {
        "name": "Jupyter Notebook", "url": {"@id": "https://jupyter.org/"},
        "identifier": {"@id": "https://nbformat.readthedocs.io/"},
    }))  # fmt: skip
    workflow = crate.add_workflow(folder / name, name, main=True, lang=language)
    author = crate.add(ContextEntity(crate, f"#{quote(version_info['author'] or 'unknown')}", {
        "@type": "Person", "name": version_info["author"] or "unknown",
    }))  # fmt: skip
    crate.root_dataset["author"] = workflow["author"] = author
    workflow["version"], workflow["encodingFormat"] = str(version_info["version"]), _media_type(name)
    workflow["conformsTo"] = {"@id": "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"}
    inputs = []
    for parameter in manifest.pipeline["parameters"]:
        inputs.append(crate.add(ContextEntity(crate, f"#parameter-{parameter['name']}", {
            "@type": "FormalParameter", "name": parameter["name"], "additionalType": _schema_type(parameter["type"]),
            "defaultValue": json.dumps(parameter["default"], ensure_ascii=False), "description": parameter["help"],
            "conformsTo": {"@id": "https://bioschemas.org/profiles/FormalParameter/1.0-RELEASE"},
        })))  # fmt: skip
    if inputs:
        workflow["input"] = inputs
    for extra, description in (
        lock_file(version_info), (SBOM, "CycloneDX list of packages"),
        (DIFF_FILE, "uncommitted changes"), (VERSION, "the version as jupyter_mlops imports it"),
    ):  # fmt: skip
        if (folder / extra).is_file():
            facts = {"name": extra, "description": description, "encodingFormat": _media_type(extra)}
            crate.add_file(folder / extra, extra, properties=facts)
    for entry in manifest.files:
        if entry.stored:
            archive_path = _archive_path(entry.path)
            facts = {"name": archive_path, "contentSize": str(entry.size), "encodingFormat": _media_type(archive_path)}
            crate.add_file(folder / archive_path, archive_path, properties=facts)
    if run is not None:
        values = {p["name"]: p["default"] for p in manifest.pipeline["parameters"]}
        _describe_run(crate, workflow, version_info, folder, {**run, "parameters": {**values, **run["parameters"]}})
    crate.metadata.write(folder)


def _describe_run(
    crate: Any, workflow: Any, version_info: Mapping[str, Any], folder: Path, run: Mapping[str, Any]
) -> None:
    from rocrate.model.contextentity import ContextEntity

    facts = {"name": "the executed notebook", "encodingFormat": _media_type(EXECUTED)}
    executed_file = crate.add_file(folder / EXECUTED, EXECUTED, properties=facts)
    values = [
        crate.add(ContextEntity(crate, f"#value-{name}", {
            "@type": "PropertyValue", "name": name, "value": json.dumps(value, ensure_ascii=False),
            "exampleOfWork": {"@id": f"#parameter-{name}"},
        }))
        for name, value in run["parameters"].items()
    ]  # fmt: skip
    action = crate.add(ContextEntity(crate, f"#run-{run['id']}", {
        "@type": "CreateAction", "name": f"run {run['id']}",
        "description": f"{run['trigger']} run of {version_info['job']} {version_info['version']}",
        "startTime": _iso(run["started"]),
        "endTime": _iso(run["finished"]), "actionStatus": "http://schema.org/CompletedActionStatus",
    }))  # fmt: skip
    action["instrument"], action["object"], action["result"] = workflow, values, executed_file
    action["agent"] = workflow["author"]
    crate.root_dataset["mentions"] = action


def _schema_type(type_name: str) -> str:
    return {"int": "Integer", "float": "Float", "bool": "Boolean", "str": "Text", "date": "Date"}.get(
        type_name, "Thing"
    )


def _iso(seconds: float | None) -> str:
    return "" if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _media_type(name: str) -> str:
    """The media type of a file, guessed from its name."""
    media_types = {".ipynb": "application/x-ipynb+json", ".toml": "application/toml", ".json": "application/json"}
    media_type = media_types.get(PurePosixPath(name).suffix) or mimetypes.guess_type(name)[0]
    return media_type or "application/octet-stream"


def _archive_path(name: str) -> str:
    """The path of a file in the bundle: its own relative path; outside files are below one folder, and files whose
    names conflict with ours below another.
    """
    path = PurePosixPath(name)
    if path.is_absolute() or (len(name) > 1 and name[1] == ":"):
        return f"outside/{str(path).lstrip('/').replace(':', '')}"
    if ".." in path.parts:
        return f"outside/{str(path).replace('..', 'up')}"
    return f"named/{path}" if path.parts and path.parts[0] in (*RESERVED_NAMES, "outside", "named") else str(path)


def _missing_package(package: str) -> InvalidInputError:
    return InvalidInputError(f"bundles need {package}", remedy="pip install 'jupyter_mlops[bundle]'")
