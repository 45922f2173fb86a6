"""Programs that places call, as stand-ins that keep what they are given in a folder."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

CRONTAB = """\
import pathlib, sys
table = pathlib.Path({folder!r}) / "crontab"
if sys.argv[1] == "-l":
    if not table.exists():
        sys.exit("no crontab for ada")
    sys.stdout.write(table.read_text())
else:
    text = sys.stdin.read()
    if "refused" in text:
        sys.exit('"-":1: bad minute\\nerrors in crontab file, can\\'t install.')
    table.write_text(text)
"""
SYSTEMCTL = """\
import pathlib, sys
folder = pathlib.Path({folder!r})
if (folder / "no-manager").exists():
    sys.exit("Failed to connect to bus: No medium found")
with (folder / "systemctl").open("a") as stream:
    print(*sys.argv[1:], file=stream)
"""
# Honours get, apply (with conflicts of field managers, by object), diff and delete.
KUBECTL = """\
import json, pathlib, sys
folder = pathlib.Path({folder!r})
words = sys.argv[1:]
if words[0] == "kustomize":
    import yaml
    root = pathlib.Path(words[1])
    settings = yaml.safe_load((root / "kustomization.yaml").read_text())
    text = "\\n---\\n".join((root / name).read_text() for name in settings["resources"])
    for image in settings["images"]:
        text = text.replace("image: " + image["name"] + "\\n", "image: %s:%s\\n" % (image["newName"], image["newTag"]))
    print(text)
    sys.exit()
context, namespace = words[1], words[3]
words = words[6:]
if context == "away":
    sys.exit("The connection to the server 10.0.0.1:6443 was refused - did you specify the right host or port?")
if context != "prod":
    sys.exit('error: context "%s" does not exist' % context)
state = folder / "cluster.json"
cluster = json.loads(state.read_text()) if state.exists() else {{}}
documents = json.load(sys.stdin)["items"]
def name(document):
    return "/".join((document["apiVersion"], document["kind"], document["metadata"]["name"]))
with (folder / "kubectl").open("a") as stream:
    print(*words[:1], *map(name, documents), file=stream)
if words[0] == "get":
    listed = [cluster[name(d)]["object"] for d in documents if name(d) in cluster]
    if len(documents) == 1:
        print(json.dumps(listed[0]) if listed else "")
    else:
        print(json.dumps({{"kind": "List", "items": listed}}))
elif words[0] == "diff":
    differs = False
    for d in documents:
        live = cluster.get(name(d), {{}}).get("object")
        if live != d:
            differs = True
            file = "%s.%s.%s.%s" % (d["apiVersion"].replace("/", "."), d["kind"], namespace, d["metadata"]["name"])
            print("diff -u -N /tmp/LIVE-1/%s /tmp/MERGED-2/%s" % (file, file))
            print("--- live\\n+++ merged\\n@@ -1 +1 @@\\n-%s\\n+%s" % (bool(live), d["metadata"]["name"]))
    sys.exit(int(differs))
elif words[0] == "apply":
    for d in documents:
        entry = cluster.get(name(d))
        if entry and entry["manager"] != "jupyter-mlops" and entry["object"] != d and "--force-conflicts" not in words:
            sys.exit("error: Apply failed with 1 conflict: conflict with " + entry["manager"])
        cluster[name(d)] = {{"object": d, "manager": "jupyter-mlops"}}
elif words[0] == "delete":
    for d in documents:
        cluster.pop(name(d), None)
state.write_text(json.dumps(cluster))
"""


class Programs:
    """A folder of programs, and what they were given."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        programs = folder / "bin"
        programs.mkdir(parents=True)
        for name, source in (("crontab", CRONTAB), ("systemctl", SYSTEMCTL), ("kubectl", KUBECTL)):
            path = programs / name
            path.write_text(f"#!{sys.executable}\n{source.format(folder=str(folder))}")
            path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")

    def calls(self, program: str) -> list[str]:
        """What a program was called with, a line each time."""
        path = self.folder / program
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    def edit_object(self, name: str, **changes: object) -> None:
        """Change an object in the cluster as another person does."""
        state = self.folder / "cluster.json"
        cluster = json.loads(state.read_text(encoding="utf-8"))
        cluster[name]["object"].update(changes)
        cluster[name]["manager"] = "kubectl-edit"
        state.write_text(json.dumps(cluster), encoding="utf-8")

    def objects(self) -> dict[str, dict[str, object]]:
        """Name -> object of the cluster."""
        state = self.folder / "cluster.json"
        content = json.loads(state.read_text(encoding="utf-8")) if state.exists() else {}
        return {name: entry["object"] for name, entry in content.items()}
