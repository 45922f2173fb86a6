"""Every secret here is made up, and put together at run time so that no scanner of this repository stumbles on it."""

import base64
import hashlib
import json
import sys
import uuid

import pytest
from nbformat import v4

from jupyter_mlops.notebook import secret_text

GITHUB = "ghp_" + "aB3dE6gH9jK2mN5pQ8sT1vW4xY7zA0cD3fG6"
AWS = "AKIA" + "Q3EGRIZ7XW2LMN4P"
AWS_SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCY" + "zQ9vT2kLpA"
SLACK = "xoxb-" + "123456789012-1234567890123-AbCdEfGhIjKlMnOpQrStUvWx"
STRIPE = "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc"
JWT = ".".join(
    base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
    for part in ({"alg": "HS256", "typ": "JWT"}, {"sub": "1234567890", "name": "J"}, {"signature": "abc"})
)
HUGGING_FACE = "hf_" + "QwErTyUiOpAsDfGhJkLzXcVbNm12345678"
PRIVATE = "-----BEGIN RSA " + "PRIVATE KEY-----"
SHA = hashlib.sha256(b"x").hexdigest()
IMAGE = base64.b64encode(bytes(range(256)) * 40).decode()


@pytest.mark.parametrize(
    "source",
    [
        f"token = '{GITHUB}'",
        f"headers = {{'Authorization': 'token {GITHUB}'}}",
        f"key_id = '{AWS}'",
        f"aws_secret_access_key = '{AWS_SECRET}'",
        f"client = Slack('{SLACK}')",
        f"stripe.api = '{STRIPE}'",
        f"jwt = '{JWT}'",
        f"HF_TOKEN = '{HUGGING_FACE}'",
        f"pem = '''{PRIVATE}\nMIIE'''",
        "password = 'Tr0ub4dor&3'",
        "connect(host='db', password='s3cr3tpw!')",
        "config = {'api_key': 'k9x8c7v6b5n4'}",
        "url = 'postgresql://me:" + "pa55word9@db.example.org/sales'",
        f"%env GITHUB={GITHUB}",
        f"# {GITHUB}",
    ],
)
def test_secrets_in_the_source(found, source):
    assert ("warning", 0) in found("secrets", source)


@pytest.mark.parametrize(
    "source",
    [
        "password = os.environ['DB_PASSWORD']",
        "password = os.getenv('DB_PASSWORD')",
        "password = getpass.getpass('Password: ')",
        "password = ''",
        "password = None",
        "password = '<your password>'",
        "api_key = 'YOUR_API_KEY'",
        "api_key = '...'",
        "api_key = 'xxxxxxxxxxxx'",
        "secret = dbutils.secrets.get('scope', 'name')",
        "params = {'password': password}",
        "df['password'].str.len()",
        f"known_hash = 'sha256:{SHA}'",
        f"commit = '{SHA[:40]}'",
        f"run_id = '{uuid.UUID(int=2**127 - 99)}'",
        "tokenizer = AutoTokenizer.from_pretrained('distilbert-base-uncased')",
        "n_tokens = 12345678901234567890123",
        "url = 'https://example.org/path?x=1'",
        "key = 'customer_id_2024_final_version'",
        "df = pd.read_csv('data/keys_2024.csv')",
        f"password = 'Tr0ub4dor&3'  # pragma: allowlist secret",  # noqa: F541
    ],
)
def test_what_is_no_secret_in_the_source(findings, source):
    assert findings("secrets", source) == []


def stream(text):
    return v4.new_output("stream", name="stdout", text=text)


def display(**data):
    return v4.new_output("display_data", data={name.replace("_", "/", 1): value for name, value in data.items()})


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (stream(f"using {GITHUB}\n"), True),
        (stream(f"{{'DB_PASSWORD': 'pa55w0rd!x', 'USER': 'me'}}"), True),  # noqa: F541
        (display(text_plain=f"'{JWT}'"), True),
        (display(text_html=f"<b>{AWS}</b>"), True),
        (v4.new_output("error", ename="E", evalue="x", traceback=["ok", f"401 for {STRIPE}"]), True),
        (stream(f"sha256 {SHA}\n{SHA[:40]} {SHA[:32]}\n"), False),
        (stream(f"{uuid.UUID(int=2**127 - 99)}\n"), False),
        (stream(IMAGE), False),
        (display(image_png=IMAGE), False),
        (display(text_html=f"<img src='data:image/png;base64,{IMAGE}'>"), False),
        (display(text_plain="   token  count\n0  the  100"), False),
        (stream("password: ********\n"), False),
        (stream("Epoch 1/10 loss: 0.123456789012345678\n"), False),
        (display(text_plain="array([1.23456789e-01, 2.34567890e-02])"), False),
    ],
)
def test_outputs(findings, notebook, output, expected):
    nb = notebook("x = 1", "show()")
    nb.cells[1].outputs = [output]
    results = findings("secrets", nb)
    assert bool(results) is expected
    assert all(one.cell == 1 and "output of cell 2" in one.message for one in results)


@pytest.mark.parametrize("secret", [GITHUB, AWS, STRIPE, JWT])
def test_no_message_repeats_the_secret(findings, secret):
    for finding in findings("secrets", f"x = '{secret}'"):
        assert secret not in finding.message + finding.fix


def test_markdown_is_searched_too(findings, notebook):
    nb = notebook()
    nb.cells = [v4.new_markdown_cell(f"Log in with `{GITHUB}`")]
    assert [one.cell for one in findings("secrets", nb)] == [0]


def test_without_the_detector_it_says_so(found, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("detect_secrets")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "detect_secrets", None)
    secret_text._detectors.cache_clear()
    assert found("secrets", f"x = '{GITHUB}'") == [("info", None)]
