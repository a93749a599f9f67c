"""What `POST /files` refuses at once, in OpenAI's words and with a way out; the rest is the job's."""

from __future__ import annotations

import gzip
import io
import json
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.data.jsonl import sniff
from tunesmith.errors import InvalidRequest

ROW = '{"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho"}]}'


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("f.jsonl", ROW)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "It is empty"),
        (b"\xef\xbb\xbf", "It is empty"),
        (b" \r\n\n", "It is empty"),
        (gzip.compress(ROW.encode()), "It looks like a gzip archive; unpack it first: gunzip FILE"),
        (zipped(), "a zip archive"),
        (b"PAR1\x15\x04\x15", "a Parquet file; convert it: pandas.read_parquet"),
        (ROW.encode("utf-16"), "It looks like UTF-16; save it as UTF-8: iconv"),
        (ROW.encode("utf-16-le"), "It looks like UTF-16"),
        (ROW.encode("utf-16-be"), "It looks like UTF-16"),
        (ROW.encode() + b"\0", "It is binary"),
        (b"\x7fELF\x02\x01\x01\x00\x00", "It is binary"),
        (b"prompt,completion\nHi,Ho\n", "It looks like CSV; convert it: pandas.read_csv"),
        (b"prompt\tcompletion\nHi\tHo\n", "It looks like CSV"),
        (
            f"[{ROW}]".encode(),
            "It looks like a JSON array; write each element on a line of its own: jq -c '.[]'",
        ),
        (b"[\n" + ROW.encode() + b"\n]", "It looks like a JSON array"),
        (
            json.dumps(json.loads(ROW), indent=2).encode(),
            "JSON objects over several lines; write each on one line",
        ),
        (repr(json.loads(ROW)).encode(), "It looks like Python dictionaries"),
        (ROW.replace("]}", "],}").encode(), "It looks like JSON with a mistake in it"),
        (b'"x"\n', "It looks like plain text"),
        (b"Hello\n", "It looks like plain text"),
        (b"<!DOCTYPE html><html>", "It looks like HTML or XML"),
        (b"\xff\xd8\xff\xe0", "a JPEG image"),
    ],
)
def test_what_is_no_jsonl_is_refused_with_what_it_looks_like(data: bytes, says: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        sniff(data, "train.jsonl")
    assert caught.value.status == 400 and caught.value.param == "file"
    assert caught.value.message.startswith(
        "Expected file to have JSONL format, where every line is a JSON dictionary. "
    )
    assert says in caught.value.message


def test_the_refusal_has_openais_hint() -> None:
    with pytest.raises(InvalidRequest) as caught:
        sniff(b'{"prompt": "a" "completion": "b"}\n', "f.jsonl")
    assert 'Line 1 is not a dictionary (HINT: line starts with: "{"p...").' in caught.value.message


@pytest.mark.parametrize(
    "data",
    [
        ROW.encode(),
        b"\xef\xbb\xbf" + ROW.encode() + b"\r\n",
        b"\n\n" + ROW.encode(),
        ROW.encode()[:40],  # the first kilobytes of a long row
        '{"prompt": "é'.encode()[:-1],
        ROW.encode() + b"\nthe second line is the job's business",
        ROW.replace("Ho", "\xe9").encode("latin-1"),
        b'{"custom_id": "1"}',
        b"{}",
        b'{"a": ' + b"1" * 5000 + b"}\n",
        b'{"a": ' + b"[" * 100_000,
    ],
)
def test_what_could_be_jsonl_is_let_in(data: bytes) -> None:
    sniff(data, "train.jsonl")


@given(st.binary(max_size=200), st.text(max_size=20))
def test_any_bytes_are_let_in_or_refused(data: bytes, filename: str) -> None:
    try:
        sniff(data, filename)
    except InvalidRequest as error:
        error.message.encode()
