"""Recognizes files of secrets by their names. They are included in a version only if the notebook names them."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path

SECRET_PATTERNS = (
    ".env", ".env.*", "*.env", ".netrc", "_netrc", ".pypirc", ".npmrc", ".pgpass", ".git-credentials", ".htpasswd",
    "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx",
    "credentials", "credentials*.json", "client_secret*.json", "service-account*.json", "service_account*.json",
    "secrets.json", "secrets.toml", "secrets.yaml", "secrets.yml", "kubeconfig", "kaggle.json",
)  # fmt: skip
SECRET_LOCATIONS = ((".kube", "config"), (".docker", "config.json"), (".aws", "config"))
EXAMPLE_PATTERNS = ("*.example", "*.sample", "*.template", "*.dist")


def is_secret_file(path: Path) -> bool:
    """Whether a file's name indicates passwords, keys or tokens."""
    name = path.name.lower()
    if any(fnmatchcase(name, example) for example in EXAMPLE_PATTERNS):
        return False
    return (
        any(fnmatchcase(name, pattern) for pattern in SECRET_PATTERNS) or (path.parent.name, name) in SECRET_LOCATIONS
    )
