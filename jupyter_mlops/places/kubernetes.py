"""A namespace of a Kubernetes cluster as a place."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from jupyter_mlops.errors import ConflictError, InvalidInputError, UnreachableError
from jupyter_mlops.export.folder import FileChange
from jupyter_mlops.places.commands import call, last_words
from jupyter_mlops.places.files import edited_error
from jupyter_mlops.places.place import Export, ItemState, Written, require_one_of

TARGETS = ("kubernetes", "argo")
MANAGER = "jupyter-mlops"
DIGEST = "jupyter-mlops/digest"  # the annotation that says what we applied
KEPT = "PersistentVolumeClaim"  # holds results, which outlive a deployment
Document = dict[str, Any]


def kubernetes_place(text: str) -> KubernetesPlace:
    """The place that `CONTEXT/NAMESPACE` names, perhaps with `?registry=ADDRESS`. Raises InvalidInputError."""
    address, _, query = text.partition("?")
    context, _, namespace = address.rpartition("/")
    options = parse_qs(query, keep_blank_values=True)
    registry = "".join(options.pop("registry", [])).rstrip("/")
    if not context or context.startswith("-") or not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", namespace):
        raise InvalidInputError(
            f"{text!r} names no context and namespace", field="place",
            remedy="Write kubectl:CONTEXT/NAMESPACE; `kubectl config get-contexts` lists the contexts.",
        )  # fmt: skip
    if options or (query and not re.fullmatch(r"[A-Za-z0-9.-]+(:\d+)?(/[a-z0-9._-]+)*", registry)):
        raise InvalidInputError(
            f"{query!r} is not an option of the place", field="place", remedy="Write ?registry=ghcr.io/team."
        )
    return KubernetesPlace(context, namespace, registry)


class KubernetesPlace:
    """Objects in a namespace, applied by kubectl on the server's side.

    Objects carry the digest of what was applied as an annotation. Volume claims are never deleted.

    :param registry: where the image is; without it, the cluster's nodes have the image `SLUG:vN`.
    """

    prefix = ""

    def __init__(self, context: str, namespace: str, registry: str = "") -> None:
        self.context, self.namespace, self.registry = context, namespace, registry
        self.location = f"kubectl:{context}/{namespace}" + (f"?registry={registry}" if registry else "")

    def require_target(self, target: str) -> None:
        require_one_of(target, TARGETS, "a cluster")

    def items(self, export: Export) -> Mapping[str, str]:
        return {name: digest_of(document) for name, document in sorted(self._documents(export).items())}

    def changes(self, export: Export, deployed: Mapping[str, str]) -> list[FileChange]:
        documents = self._documents(export)
        present = self._present([*documents, *deployed])
        differences = self._differences(documents)
        changes = []
        for name, document in sorted(documents.items()):
            size = len(json.dumps(document))
            applied = _applied_digest(present.get(name))
            if name not in present:
                changes.append(FileChange(name, "new", size, diff=differences.get(name, "")))
            elif applied == digest_of(document) and name not in differences:
                changes.append(FileChange(name, "same", size))
            else:
                is_foreign = applied not in (digest_of(document), deployed.get(name))
                changes.append(FileChange(name, "changed", size, is_foreign, differences.get(name, "")))
        for name in sorted(deployed.keys() - documents.keys()):
            if name in present and not _is_kept(name):
                changes.append(FileChange(name, "removed", 0, _applied_digest(present[name]) != deployed[name]))
        return changes

    def write(self, export: Export, deployed: Mapping[str, str], *, force: bool = False) -> Written:
        documents = self._documents(export)
        changes = self.changes(export, deployed)
        edited = [change.path for change in changes if change.edited]
        if edited and not force:
            raise edited_error(edited, self.location)
        items = {name: digest_of(document) for name, document in sorted(documents.items())}
        notes = self._notes(export)
        if all(change.state == "same" for change in changes):
            return Written(items, "", False, notes)
        options = ["--server-side", "--field-manager", MANAGER, *(["--force-conflicts"] if force else [])]
        applied = self._kubectl(["apply", *options, "-f", "-"], documents.values())
        if applied.returncode != 0:
            if "conflict" in applied.stderr.lower() and not force:
                raise ConflictError(
                    f"what was deployed has been changed: {last_words(applied)}", where=self.location,
                    remedy="With --force it is replaced.",
                )  # fmt: skip
            self._refuse(applied)
        self._delete(name for name in deployed if name not in documents)
        return Written(items, "", True, notes)

    def states(self, export: Export, deployed: Mapping[str, str]) -> dict[str, ItemState]:
        present = self._present(deployed)
        documents = self._documents(export) if export.files else {}
        same = {name: d for name, d in documents.items() if digest_of(d) == deployed.get(name) and name in present}
        differences = self._differences(same)
        states: dict[str, ItemState] = {}
        for name, digest in deployed.items():
            is_edited = name in differences or _applied_digest(present.get(name)) != digest
            states[name] = "missing" if name not in present else "edited" if is_edited else "same"
        return states

    def remove(self, export: Export, deployed: Mapping[str, str], *, force: bool = False) -> tuple[str, ...]:
        edited = [name for name, state in self.states(export, deployed).items() if state == "edited"]
        if edited and not force:
            raise edited_error(edited, self.location, "removed")
        self._delete(deployed)
        claims = [name.rpartition("/")[2] for name in deployed if _is_kept(name)]
        return tuple(f"The volume claim {name} with the results stays: kubectl delete pvc {name}." for name in claims)

    # -- documents

    def _documents(self, export: Export) -> dict[str, Document]:
        """Name -> object, as kubectl would apply the export."""
        with tempfile.TemporaryDirectory(prefix="jupyter-mlops-deploy-") as temporary:
            folder = Path(temporary)
            for path, content in export.files.items():
                if path.endswith((".yaml", ".yml")):
                    (folder / path).parent.mkdir(parents=True, exist_ok=True)
                    (folder / path).write_bytes(content)
            if (folder / "kustomization.yaml").is_file():
                self._set_image(folder / "kustomization.yaml", export)
                rendered = call(["kubectl", "kustomize", str(folder)], where=self.location)
                if rendered.returncode != 0:
                    raise InvalidInputError(
                        f"the export can't be rendered: {last_words(rendered)}", where=self.location
                    )
                text = rendered.stdout
            else:
                text = "\n---\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.y*ml")))
        return documents_of(text)

    def _set_image(self, path: Path, export: Export) -> None:
        import yaml

        kustomization = yaml.safe_load(path.read_text(encoding="utf-8"))
        for image in kustomization.get("images", []):
            image["newName"] = f"{self.registry}/{export.slug}" if self.registry else image["name"]
        path.write_text(yaml.safe_dump(kustomization), encoding="utf-8")

    def _notes(self, export: Export) -> tuple[str, ...]:
        notes = []
        if any(path.endswith(".zip") for path in export.files):
            notes.append("The bundle is too large for a ConfigMap: the image must hold it.")
        if "kustomization.yaml" in export.files:
            image = f"{self.registry}/{export.slug}" if self.registry else export.slug
            notes.append(f"Pods run the image {image}:v{export.version}, which `export --to docker` builds.")
        return tuple(notes)

    # -- kubectl

    def _kubectl(self, words: list[str], documents: Iterable[Document]) -> subprocess.CompletedProcess[str]:
        listed = {"apiVersion": "v1", "kind": "List", "items": list(documents)}
        command = ["kubectl", "--context", self.context, "--namespace", self.namespace, "--request-timeout", "30s"]
        return call([*command, *words], where=self.location, text=json.dumps(listed))

    def _refuse(self, finished: subprocess.CompletedProcess[str]) -> None:
        words = last_words(finished)
        if re.search(r"context .* does not exist|no context exists", finished.stderr):
            raise InvalidInputError(
                f"kubectl has no context {self.context!r}", where=self.location,
                remedy="`kubectl config get-contexts` lists them.",
            )  # fmt: skip
        if "namespaces" in words and "not found" in words:
            raise InvalidInputError(
                f"the cluster has no namespace {self.namespace!r}", where=self.location,
                remedy=f"kubectl create namespace {self.namespace}",
            )  # fmt: skip
        raise UnreachableError(
            f"kubectl could not do it: {words}", where=self.location,
            remedy="Check that the cluster answers, and what you may do there: kubectl auth can-i --list.",
        )  # fmt: skip

    def _present(self, names: Iterable[str]) -> dict[str, Document]:
        """Name -> object, of those that exist."""
        stubs = [_stub(name) for name in dict.fromkeys(names)]
        if not stubs:
            return {}
        listed = self._kubectl(["get", "--ignore-not-found", "--output", "json", "-f", "-"], stubs)
        if listed.returncode != 0:
            self._refuse(listed)
        if not listed.stdout.strip():
            return {}
        content = json.loads(listed.stdout)
        documents = content["items"] if content.get("kind") == "List" else [content]
        return {_name(document): document for document in documents}

    def _differences(self, documents: Mapping[str, Document]) -> dict[str, str]:
        """Name -> unified diff, of objects that applying would change."""
        if not documents:
            return {}
        options = ["--server-side", "--force-conflicts", "--field-manager", MANAGER]
        compared = self._kubectl(["diff", *options, "-f", "-"], documents.values())
        if compared.returncode not in (0, 1):
            self._refuse(compared)
        return split_diff(compared.stdout, documents, self.namespace)

    def _delete(self, names: Iterable[str]) -> None:
        stubs = [_stub(name) for name in names if not _is_kept(name)]
        if not stubs:
            return
        deleted = self._kubectl(["delete", "--ignore-not-found", "--wait=false", "-f", "-"], stubs)
        if deleted.returncode != 0:
            self._refuse(deleted)


def documents_of(text: str) -> dict[str, Document]:
    """Name -> object of the documents in YAML, each with the annotation that has its digest."""
    import yaml

    documents: dict[str, Document] = {}
    for document in yaml.safe_load_all(text):
        if not document:
            continue
        digest = digest_of(document)
        metadata = document.setdefault("metadata", {})
        metadata["annotations"] = {**(metadata.get("annotations") or {}), DIGEST: digest}
        documents[_name(document)] = document
    return documents


def digest_of(document: Mapping[str, Any]) -> str:
    """The digest of an object, without our annotation."""
    metadata = dict(document.get("metadata") or {})
    annotations = {key: value for key, value in (metadata.pop("annotations", None) or {}).items() if key != DIGEST}
    content = {**document, "metadata": {**metadata, **({"annotations": annotations} if annotations else {})}}
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def split_diff(text: str, names: Iterable[str], namespace: str) -> dict[str, str]:
    """Name of an object -> its part of what `kubectl diff` prints, whose files are called `GROUP.VERSION.KIND.…`."""
    files = {
        f"{name.rpartition('/')[0].replace('/', '.')}.{namespace}.{name.rpartition('/')[2]}": name for name in names
    }
    parts: dict[str, str] = {}
    for part in re.split(r"^(?=diff )", text, flags=re.MULTILINE):
        first, _, rest = part.partition("\n")
        name = files.get(first.rstrip().rpartition("/")[2])
        if name is not None:
            parts[name] = rest
    return parts


def _name(document: Mapping[str, Any]) -> str:
    """`batch/v1/CronJob/churn`"""
    return f"{document['apiVersion']}/{document['kind']}/{document['metadata']['name']}"


def _stub(name: str) -> Document:
    """What tells kubectl which object is meant."""
    version, kind, short_name = name.rsplit("/", 2)
    return {"apiVersion": version, "kind": kind, "metadata": {"name": short_name}}


def _is_kept(name: str) -> bool:
    return name.split("/")[-2] == KEPT


def _applied_digest(document: Mapping[str, Any] | None) -> str | None:
    metadata: Mapping[str, Any] = (document or {}).get("metadata") or {}
    return (metadata.get("annotations") or {}).get(DIGEST)
