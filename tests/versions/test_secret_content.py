"""What looks like a secret in the files of a version is told. All of these are made up."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import uuid
from pathlib import Path

import nbformat
import pytest

from jupyter_mlops.notebook.secret_text import found_in
from jupyter_mlops.storage.local import ObjectStore
from jupyter_mlops.versions.manifest import Environment
from jupyter_mlops.versions.secret_content import secret_notes
from jupyter_mlops.versions.snapshot import snapshot

DICE = random.Random(7)
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def word(length: int, letters: str = LETTERS) -> str:
    return "".join(DICE.choice(letters) for _ in range(length))


def jwt() -> str:
    parts = ({"alg": "HS256", "typ": "JWT"}, {"sub": "12345", "name": "J"}, {"signature": "abc"})
    return ".".join(base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts)


AWS = "AKIA" + "Q3EGRIZ7XW2LMN4P"
SHA = hashlib.sha256(b"x").hexdigest()
UUID = str(uuid.UUID(int=DICE.getrandbits(128), version=4))
IMAGE = base64.b64encode(DICE.randbytes(9000)).decode()
PAT = "github" + "_pat_" + word(22) + "_" + word(59)
UNQUOTED = ("api_key: k9x8c7v6b5n4", "export DB_PASSWORD=k9x8c7v6b5n4")
POSITIVES = (
    "-----BEGIN RSA " + "PRIVATE KEY-----",
    "-----BEGIN OPENSSH " + "PRIVATE KEY-----",
    "-----BEGIN ENCRYPTED " + "PRIVATE KEY-----",
    "-----BEGIN PGP " + "PRIVATE KEY BLOCK-----",
    f"aws_access_key_id = {AWS}",
    f'{{"key": "{AWS}"}}',
    "url,ghp_" + word(36),
    f"remote: https://{PAT}@example.org/x.git",
    "slack: xoxb-" + "123456789012-1234567890123-" + word(24),
    "https://hooks.slack.com/services/" + "T0A1B2C3D/B0A1B2C3D/" + word(24),
    "maps = AIza" + word(35),
    "secret: GOCSPX-" + word(28),
    "HF=hf_" + word(34, LETTERS[:52]),
    "sk_live_" + word(24),
    f"Authorization: Bearer {jwt()}",
    f'curl -H "authorization: bearer {word(39)}7"',
    "password = 'Tr0ub4dor&3'",
    'db: {"password": "s3cr3tpw!"}',
    "postgresql://me:" + "pa55word9@db.internal/sales",
    f"token = '{word(39)}7'",
    *UNQUOTED,
    "dapi" + word(32, "0123456789abcdef"),
)
NEGATIVES = (
    "password = getpass()",
    "password = getpass.getpass('Password: ')",
    "password = os.environ['DB_PASSWORD']",
    "token = os.getenv('TOKEN')",
    "password = ''",
    "password: null",
    "password = '<your password>'",
    "api_key = 'YOUR_API_KEY'",
    "api_key = '...'",
    "api_key: xxxxxxxxxxxx",
    "aws_access_key_id = AKIA" + "IOSFODNN7EXAMPLE",
    "password = config.password",
    "password = ${DB_PASSWORD}",
    "password: {{ vault.password }}",
    "secret = dbutils.secrets.get('scope', 'name')",
    "params = {'password': password}",
    '{"password": "dolphin"}',
    "user,password",
    "df['password'].str.len()",
    f"id,{UUID}",
    f"commit {SHA[:40]}",
    f"sha256:{SHA}",
    f'{{"token": "{UUID}"}}',
    f"<img src='data:image/png;base64,{IMAGE[:8000]}'>",
    f'"image/png": "{IMAGE[:8000]}"',
    "-----BEGIN CERTIFICATE-----",
    "-----BEGIN PUBLIC KEY-----",
    'if "BEGIN RSA PRIVATE KEY" in text:',
    "n_tokens = 12345678901234567890123",
    '{"token": "running", "lemma": "run"}',
    "0.123456789012345678,0.987654321098765432",
    "tokenizer = AutoTokenizer.from_pretrained('distilbert-base-uncased')",
    "https://example.org/path?x=1&page=2",
    "secret_name: my-secret-01",
    "max_tokens: 4096",
    "password_hash: " + SHA,
    "key = 'customer_id_2024_final_version'",
    "password = 'Tr0ub4dor&3'  # pragma: allowlist secret",
    "the bearer of this document may enter the building",
    "secret santa: everybody brings a present",
)


@pytest.mark.parametrize("text", POSITIVES)
def test_what_is_a_secret(text: str) -> None:
    assert list(found_in(f"first\n{text}\n", data=True)), "in data"
    if text not in UNQUOTED:
        assert {line for line, _ in found_in(f"first\n{text}\n")} == {2}, "in code"


@pytest.mark.parametrize("text", NEGATIVES)
def test_what_is_none(text: str) -> None:
    assert list(found_in(f"first\n{text}\n", data=True)) == []


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return ObjectStore(tmp_path / "store")


def notes_of(folder: Path, store: ObjectStore, nb: nbformat.NotebookNode, diff: str = "") -> list[str]:
    made = snapshot(nb, folder / "n.ipynb", store, Environment(), "python3")
    return secret_notes(nb, made, store, store.put(diff.encode()) if diff else "")


def test_each_place_is_told_and_no_secret(tmp_path: Path, store: ObjectStore) -> None:
    (tmp_path / "settings.py").write_text(f"A = 1\nKEY = '{AWS}'\n", encoding="utf-8")
    (tmp_path / "config.json").write_text(f'{{\n"password": "s3cr3tpw!",\n"x": "{AWS}"}}', encoding="utf-8")
    (tmp_path / "image.bin").write_bytes(b"\0" + AWS.encode())
    (tmp_path / "large.txt").write_text(f"{AWS}\n" + "x\n" * 600_000, encoding="utf-8")
    cells = [
        nbformat.v4.new_markdown_cell("# Title"),
        nbformat.v4.new_code_cell(f"import settings\nx = '{PAT}'"),
        nbformat.v4.new_code_cell("[open(n) for n in ('config.json', 'image.bin', 'large.txt')]"),
    ]
    cells[2].outputs = [nbformat.v4.new_output("stream", text=f"using {AWS}")]
    nb = nbformat.v4.new_notebook(cells=cells)
    nb.metadata["jupyter_mlops"] = {"files": ["config.json", "image.bin", "large.txt"]}
    told = notes_of(tmp_path, store, nb)
    assert [note.partition(": possible secret")[0] for note in told] == [
        "cell 2, line 2", "config.json, line 2", "config.json, line 3", "settings.py, line 2", "the output of cell 3",
    ]  # fmt: skip
    assert not any(secret in note for note in told for secret in (AWS, PAT, "s3cr3tpw!"))
    assert all("pragma: allowlist secret" in note for at, note in enumerate(told) if at != 1), "the last of each place"


def test_many_places_are_counted(tmp_path: Path, store: ObjectStore) -> None:
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("\n".join(f"# {AWS}" for _ in range(9)))])
    told = notes_of(tmp_path, store, nb)
    assert len(told) == 3 and "(and 6 more)" in told[-1]


def test_what_is_not_committed_is_looked_through(tmp_path: Path, store: ObjectStore) -> None:
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x = 1")])
    diff = (
        f"--- a/sub/deploy.sh\n+++ b/sub/deploy.sh\n@@ -1 +1,2 @@\n-old {PAT}\n+export KEY={AWS}\n"
        f"--- a/gone.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-KEY = '{PAT}'\n"
    )
    [note] = notes_of(tmp_path, store, nb, diff)
    assert note.startswith("sub/deploy.sh: possible secret (AWS Access Key)") and AWS not in note


def test_a_notebook_without_secrets_has_no_note(tmp_path: Path, store: ObjectStore) -> None:
    assert notes_of(tmp_path, store, nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x = 1")])) == []
