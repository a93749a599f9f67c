"""A multipart body as it streams in: whatever its pieces, its file names and its pace."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.requests import ClientDisconnect, Request

from tunesmith.api.http.multipart import PIECE_BYTES, Pace, UploadForm
from tunesmith.errors import InvalidRequest, PayloadTooLarge, RequestTimeout, UnsupportedMediaType

Receive = Callable[[], Awaitable[dict[str, Any]]]


def form_of(receive: Receive, *, max_file_bytes: int = 10**9, **options: Any) -> UploadForm:
    """A form whose body is what `receive` gives."""
    headers = [(b"content-type", b"multipart/form-data; boundary=b")]
    request = Request({"type": "http", "method": "POST", "path": "/", "headers": headers}, receive)
    options.setdefault("fields", ("purpose",))
    return UploadForm(
        request, file_field="file", max_file_bytes=max_file_bytes, too_large="send less", **options
    )


def in_chunks(chunks: Iterable[bytes], *, pause_s: float = 0.0) -> Receive:
    """The messages of a body that comes in these chunks."""

    async def messages() -> AsyncIterator[dict[str, Any]]:
        for chunk in chunks:
            if pause_s:
                await asyncio.sleep(pause_s)
            yield {"type": "http.request", "body": chunk, "more_body": True}
        yield {"type": "http.request", "body": b"", "more_body": False}

    return messages().__anext__


def file_of(form: UploadForm) -> bytes:
    """All that comes out of a form."""

    async def read() -> bytes:
        return b"".join([piece async for piece in form.pieces()])

    return asyncio.run(read())


def body_of(data: bytes, disposition: str = 'name="file"; filename="a"') -> bytes:
    """A body of one file part."""
    return f"--b\r\nContent-Disposition: form-data; {disposition}\r\n\r\n".encode() + data + b"\r\n--b--\r\n"


@given(data=st.binary(max_size=300), cuts=st.lists(st.integers(0, 400), max_size=10))
def test_a_file_comes_out_as_it_went_in_however_the_body_is_cut(data: bytes, cuts: list[int]) -> None:
    purpose = b'--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nuser_data\r\n'
    body = purpose + body_of(data)
    edges = sorted({0, len(body), *(cut for cut in cuts if cut < len(body))})
    form = form_of(in_chunks(body[start:end] for start, end in zip(edges, edges[1:], strict=False)))
    assert file_of(form) == data
    assert form.fields == {"purpose": "user_data"}
    assert (form.file_bytes, form.filename, form.has_file) == (len(data), "a", True)


def test_a_large_file_comes_out_in_pieces_of_about_a_megabyte() -> None:
    body = body_of(bytes(5 * PIECE_BYTES))
    chunks = [body[start : start + 65536] for start in range(0, len(body), 65536)]

    async def sizes() -> list[int]:
        return [len(piece) async for piece in form_of(in_chunks(chunks)).pieces()]

    found = asyncio.run(sizes())
    assert sum(found) == 5 * PIECE_BYTES
    assert max(found) < 2 * PIECE_BYTES


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('name="file"; filename="имя 🙂.jsonl"', "имя 🙂.jsonl"),
        ("name=\"file\"; filename*=utf-8''%D0%B8%D0%BC%D1%8F.jsonl", "имя.jsonl"),
        ('name="file"; filename="x"; filename*=UTF-8\'en\'a%20b', "a b"),
        ('name="file"; filename="<b>&amp;</b>;=.jsonl"', "<b>&amp;</b>;=.jsonl"),
        ('name="file"; filename=""', ""),
        ("name=file; filename=plain.jsonl", "plain.jsonl"),
    ],
)
def test_a_filename_is_read_in_the_forms_that_clients_write(disposition: str, name: str) -> None:
    form = form_of(in_chunks([body_of(b"x", disposition)]))
    assert file_of(form) == b"x"
    assert form.filename == name


def test_a_body_that_drips_is_given_up() -> None:
    pace = Pace(piece_bytes=1000, wait_s=0.1)
    bytes_left = iter([body_of(b"x" * 50)[i : i + 1] for i in range(100)])
    with pytest.raises(RequestTimeout, match="came too slowly") as raised:
        file_of(form_of(in_chunks(bytes_left, pause_s=0.01), pace=pace))
    assert len(list(bytes_left)) > 50, "it did not wait for the rest"
    assert (raised.value.status, raised.value.headers) == (408, {"connection": "close"})


def test_a_slow_body_that_keeps_the_pace_is_taken_however_long_it_takes() -> None:
    pace = Pace(piece_bytes=1000, wait_s=0.8)
    body = body_of(b"x" * 20_000)
    chunks = [body[start : start + 1000] for start in range(0, len(body), 1000)]
    began_s = time.monotonic()
    assert len(file_of(form_of(in_chunks(chunks, pause_s=0.05), pace=pace))) == 20_000
    assert time.monotonic() - began_s > pace.wait_s


def test_the_time_that_the_reader_takes_is_not_the_senders() -> None:
    body = body_of(bytes(3 * PIECE_BYTES))
    chunks = [body[start : start + PIECE_BYTES] for start in range(0, len(body), PIECE_BYTES)]
    form = form_of(in_chunks(chunks, pause_s=0.001), pace=Pace(piece_bytes=10**9, wait_s=0.5))

    async def read_slowly() -> int:
        total = 0
        async for piece in form.pieces():
            total += len(piece)
            await asyncio.sleep(0.3)
        return total

    assert asyncio.run(read_slowly()) == 3 * PIECE_BYTES


def test_a_limit_that_becomes_known_late_counts_for_what_has_come() -> None:
    form = form_of(in_chunks([body_of(b"x" * 100)]))
    file_of(form)
    form.limit_file(100, "split it")
    with pytest.raises(PayloadTooLarge, match="split it"):
        form.limit_file(99, "split it")


@pytest.mark.parametrize(
    ("disposition", "problem"),
    [
        ('name="file"', "without a filename"),
        ('name="fiel"; filename="a"', "Unrecognized request argument supplied: fiel"),
        ('name="purpos"', "Unrecognized request argument supplied: purpos"),
    ],
)
def test_a_part_that_is_not_asked_for_is_named(disposition: str, problem: str) -> None:
    with pytest.raises(InvalidRequest, match=problem):
        file_of(form_of(in_chunks([body_of(b"x", disposition)])))


def test_a_field_that_is_there_twice_is_refused() -> None:
    field = b'--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
    with pytest.raises(InvalidRequest, match="'purpose' is there twice"):
        file_of(form_of(in_chunks([field, field, body_of(b"x")])))


_SCRAPS = st.sampled_from(
    [b"--b", b"--b--", b"\r\n", b"\r\n\r\n", b"Content-Disposition: ", b"form-data; ", b'name="file"; ']
    + [
        b'filename="a"',
        b"filename*=utf-8''%ff%",
        b'name="purpose"',
        b";",
        b'"',
        b"\\",
        b"\xff",
        b"\0",
        b"=",
        b":",
    ]
)


@settings(max_examples=300)
@given(
    scraps=st.lists(_SCRAPS | st.binary(max_size=8), max_size=30),
    content_type=st.binary(max_size=40) | st.none(),
)
def test_no_body_and_no_header_brings_it_down(scraps: list[bytes], content_type: bytes | None) -> None:
    kind = b"multipart/form-data; boundary=b" if content_type is None else b"multipart/" + content_type
    request = Request(
        {"type": "http", "method": "POST", "path": "/", "headers": [(b"content-type", kind)]},
        in_chunks([b"--b\r\n", *scraps]),
    )
    with suppress(InvalidRequest, UnsupportedMediaType):
        file_of(UploadForm(request, file_field="file", max_file_bytes=100, too_large="", fields=("purpose",)))


def test_a_sender_that_goes_away_is_told_from_one_that_has_ended() -> None:
    async def gone() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    with pytest.raises(ClientDisconnect):
        file_of(form_of(gone))
    with pytest.raises(InvalidRequest, match="ends before its closing boundary"):
        file_of(form_of(in_chunks([body_of(b"x")[:-6]])))
