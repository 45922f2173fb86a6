"""Where the values of secrets come from, and that they are seen nowhere else."""

from __future__ import annotations

import base64
import html
import io
import json
from pathlib import Path
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape, quoteattr

import numpy as np
import PIL.Image
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL.PngImagePlugin import PngInfo

from jupyter_mlops.errors import InvalidInputError, InvalidParameterError
from jupyter_mlops.execution.redaction import SHORTEST, SHOWN, Redaction, StreamRedactor
from jupyter_mlops.jobs import secrets
from jupyter_mlops.jobs.templates import check, fill, names_in

VALUE = "S3cr3t-\"x/é+\\p<Z9>&'q"


@pytest.fixture(autouse=True)
def no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "_in_keyring", {"RING": "from the keyring"}.get)


def test_from_the_environment_a_file_and_the_keyring(tmp_path: Path) -> None:
    (tmp_path / "secrets").write_text("FILED=a=b\n# no\nBOTH = filed\n")
    (tmp_path / "secrets").chmod(0o600)
    environ = {"MLOPS_SECRET_TOLD": "x", "PLAIN": "y", "BOTH": "environment"}
    found = secrets.reveal(["TOLD", "PLAIN", "FILED", "BOTH", "RING"], tmp_path, environ)
    assert found == {"TOLD": "x", "PLAIN": "y", "FILED": "a=b", "BOTH": "environment", "RING": "from the keyring"}


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secrets").write_text("A=1")
    (tmp_path / "secrets").chmod(0o644)
    with pytest.raises(InvalidInputError, match="chmod 600"):
        secrets.reveal(["A"], tmp_path, {})


@pytest.mark.parametrize("name", ["NOWHERE", "a-b", "", "../x"])
def test_what_is_not_there_is_told_by_name(name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="secret"):
        secrets.reveal([name], tmp_path, {})


@given(st.text(min_size=SHORTEST, max_size=30), st.text(max_size=30), st.text(max_size=30))
def test_no_value_is_seen(value: str, before: str, after: str) -> None:
    redaction = Redaction([value])
    assert value not in redaction.text(before + value + after) or value in "[secret]"
    assert redaction.shows((before + value).encode("utf-8", "surrogatepass")) if value.isascii() else True


def test_values_are_taken_out_of_everything_and_in_every_form() -> None:
    redaction = Redaction(["p<ss\n'word", "abc", "longer secret"])
    told = {
        "text": "p<ss\n'word",
        "data": {"text/html": "p&lt;ss"},
        "list": ["a longer secret here", 5, None],
        "abc": "abc",
    }
    redaction.clean(told)
    assert told == {
        "text": "[secret]",
        "data": {"text/html": "[secret]"},
        "list": ["a [secret] here", 5, None],
        "abc": "abc",
    }


@pytest.mark.parametrize(
    "shown",
    [
        repr(VALUE), repr(VALUE.encode()), ascii(VALUE), json.dumps(VALUE), json.dumps([VALUE], ensure_ascii=False),
        html.escape(VALUE), escape(VALUE), escape(VALUE, {'"': "&quot;"}), quoteattr(VALUE),
        f"https://me:{quote(VALUE, safe='')}@host/", quote_plus(VALUE), VALUE.encode().hex(),
        *(base64.b64encode(f"{user}{VALUE}{after}".encode()).decode() for user in ("", "u:", "me:", "you:")
          for after in ("", ".", "..")),
        base64.urlsafe_b64encode(VALUE.encode()).decode(),
    ],
)  # fmt: skip
def test_values_are_known_in_what_programs_make_of_them(shown: str) -> None:
    redaction = Redaction([VALUE])
    assert redaction.shows(shown.encode())
    told = redaction.text(shown)
    assert SHOWN in told and not any(shown[at : at + 8] in told for at in range(8, len(shown) - 16))


@given(st.data(), st.sampled_from(["abab", VALUE, "aaaa"]), st.text("ab", max_size=9), st.text("ab", max_size=9))
def test_values_are_found_however_a_text_is_cut(data: st.DataObject, value: str, before: str, after: str) -> None:
    flow, text = StreamRedactor(Redaction([value, value + "more"])), before + value + after
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    told = "".join([*map(flow.feed, pieces), flow.rest()])
    assert SHOWN in told and value not in told
    plain = StreamRedactor(Redaction([value]))
    assert "".join([plain.feed("xy"), plain.feed("z"), plain.rest()]) == "xyz"


@pytest.mark.parametrize("value", ["s3cr3t-value", VALUE])
def test_a_picture_keeps_its_pixels_and_loses_what_is_written_in_it(value: str) -> None:
    pixels = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    noted = PngInfo()
    noted.add_text("Comment", value)
    noted.add_text("Title", value, zip=True)
    noted.add_itxt("Author", value)
    stream = io.BytesIO()
    PIL.Image.fromarray(pixels).save(stream, "png", pnginfo=noted)
    output = {"output_type": "display_data", "data": {"image/png": base64.b64encode(stream.getvalue()).decode()}}
    Redaction([value]).output(output)
    image = PIL.Image.open(io.BytesIO(base64.b64decode(output["data"]["image/png"])))  # type: ignore[index]
    assert (np.asarray(image) == pixels).all() and image.info == {}


@pytest.mark.parametrize("data", ["", "no base64!", base64.b64encode(b"no picture at all").decode()])
def test_what_is_no_picture_stays_as_it_is(data: str) -> None:
    output = {"output_type": "display_data", "data": {"image/png": data}}
    assert Redaction(["s3cr3t-value"]).output(output)["data"]["image/png"] == data


def test_a_value_in_pieces_is_taken_out_of_outputs_whose_form_stays() -> None:
    redaction = Redaction(["stream", "data"])
    outputs = [
        {"output_type": "stream", "name": "stdout", "text": "a st"},
        {"output_type": "stream", "name": "stderr", "text": "strea"},
        {"output_type": "stream", "name": "stdout", "text": "ream"},
        {"output_type": "display_data", "data": {"text/plain": "my data"}, "metadata": {"stream": {"data": 1}}},
    ]
    redaction.outputs(outputs)
    assert outputs == [
        {"output_type": "stream", "name": "stdout", "text": "a "},
        {"output_type": "stream", "name": "stderr", "text": "strea"},
        {"output_type": "stream", "name": "stdout", "text": "[secret]"},
        {"output_type": "display_data", "data": {"text/plain": "my [secret]"}, "metadata": {"[secret]": {SHOWN: 1}}},
    ]


def test_holes() -> None:
    value = {"day": "{{ scheduled_time }}", "list": ["{{run_id}}/x", 3]}
    assert names_in(value) == {"scheduled_time", "run_id"}
    assert fill(value, {"scheduled_time": "T", "run_id": "R"}) == {"day": "T", "list": ["R/x", 3]}
    check(value)
    with pytest.raises(InvalidParameterError, match="tomorrow"):
        check({"day": "{{ tomorrow }}"})
