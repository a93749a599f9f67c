"""`/v1/uploads` through the real client and through plain HTTP."""

from __future__ import annotations

import asyncio
import hashlib
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from openai.types import Upload
from sqlalchemy import insert, update

from tunesmith import ids
from tunesmith.store import keys
from tunesmith.store.database import Database
from tunesmith.store.tables import projects
from tunesmith.store.tables import uploads as upload_table
from tunesmith.wire import limits

ROW = b'{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}\n'


@pytest.fixture(scope="module")
def db(server) -> Iterator[Database]:
    """The server's own database."""
    database = Database.open(f"sqlite:///{server.data / 'tunesmith.db'}")
    yield database
    database.close()


def started(client: OpenAI, size_bytes: int, **values: object) -> Upload:
    """A pending upload."""
    asked = {"bytes": size_bytes, "filename": "a.txt", "mime_type": "text/plain", "purpose": "user_data"}
    return client.uploads.create(**{**asked, **values})  # type: ignore[arg-type]


def sent(client: OpenAI, upload: Upload, *pieces: bytes) -> list[str]:
    """Parts with these bytes, by their ids."""
    return [client.uploads.parts.create(upload.id, data=piece).id for piece in pieces]


def parts_on_disk(server, upload: Upload) -> list[Path]:
    return sorted((server.data / "objects" / "uploads").glob(f"{upload.id}/*"))


def unfinished(server) -> list[Path]:
    return sorted((server.data / "objects" / ".incoming").iterdir())


def test_an_upload_goes_through_its_whole_life(server, client: OpenAI) -> None:
    upload = started(client, 9, filename="story.txt", expires_after={"anchor": "created_at", "seconds": 7200})
    assert (upload.object, upload.status, upload.file) == ("upload", "pending", None)
    assert (upload.bytes, upload.filename, upload.purpose) == (9, "story.txt", "user_data")
    assert upload.id.startswith("upload_")
    assert upload.expires_at == upload.created_at + 3600
    part = client.uploads.parts.create(upload.id, data=b"one two")
    assert (part.object, part.upload_id) == ("upload.part", upload.id)
    assert part.id.startswith("part_")
    [last] = sent(client, upload, b"!\n")
    assert len(parts_on_disk(server, upload)) == 2
    done = client.uploads.complete(upload.id, part_ids=[part.id, last])
    assert (done.status, done.id) == ("completed", upload.id)
    file = done.file
    assert file is not None
    assert (file.bytes, file.filename, file.purpose, file.status) == (
        9,
        "story.txt",
        "user_data",
        "processed",
    )
    assert file.expires_at == file.created_at + 7200
    assert client.files.retrieve(file.id) == file
    assert client.files.content(file.id).read() == b"one two!\n"
    assert parts_on_disk(server, upload) == []
    client.files.delete(file.id)


@pytest.mark.parametrize("of_a_path", [True, False])
def test_the_clients_own_helper_uploads_a_file_in_chunks(
    client: OpenAI, tmp_path: Path, of_a_path: bool
) -> None:
    data = ROW * 300
    md5 = hashlib.md5(data).hexdigest()
    if of_a_path:
        path = tmp_path / "rows.jsonl"
        path.write_bytes(data)
        upload = client.uploads.upload_file_chunked(
            file=path, mime_type="text/jsonl", purpose="fine-tune", part_size=7000, md5=md5.upper()
        )
    else:
        upload = client.uploads.upload_file_chunked(
            file=data,
            filename="rows.jsonl",
            bytes=len(data),
            mime_type="text/jsonl",
            purpose="fine-tune",
            part_size=7000,
            md5=md5,
        )
    assert upload.file is not None
    assert (upload.file.filename, upload.file.purpose) == ("rows.jsonl", "fine-tune")
    assert client.files.wait_for_processing(upload.file.id).status == "processed"
    assert client.files.content(upload.file.id).read() == data
    client.files.delete(upload.file.id)


def test_the_asynchronous_helper_does_so_too(server) -> None:
    async def upload() -> bytes:
        async with AsyncOpenAI(
            base_url=server.base_url,
            api_key=server.api_key,
            max_retries=0,
            _strict_response_validation=True,
        ) as client:
            done = await client.uploads.upload_file_chunked(
                file=ROW * 9,
                filename="rows.jsonl",
                bytes=len(ROW) * 9,
                mime_type="text/jsonl",
                purpose="fine-tune",
            )
            assert done.file is not None
            content = (await client.files.content(done.file.id)).read()
            await client.files.delete(done.file.id)
            return content

    assert asyncio.run(upload()) == ROW * 9


def test_parts_may_come_at_once_and_the_order_is_the_completions(client: OpenAI) -> None:
    pieces = [bytes([65 + index]) * 70_000 for index in range(12)]
    upload = started(client, sum(map(len, pieces)))
    with ThreadPoolExecutor(6) as pool:
        part_ids = list(pool.map(lambda piece: sent(client, upload, piece)[0], reversed(pieces)))[::-1]
    done = client.uploads.complete(upload.id, part_ids=part_ids)
    assert done.file is not None
    assert client.files.content(done.file.id).read() == b"".join(pieces)
    client.files.delete(done.file.id)


def test_a_refused_completion_leaves_the_upload_to_be_completed_rightly(client: OpenAI) -> None:
    upload, other = started(client, 6), started(client, 6)
    one, two, again = sent(client, upload, b"abc", b"def", b"def")
    [foreign] = sent(client, other, b"abc")
    for part_ids, param, problem in (
        ([one, "part_absent"], "part_ids[1]", "is no part of"),
        ([foreign, two], "part_ids[0]", "is no part of"),
        ([one, one], "part_ids[1]", "name each part once"),
        ([one], "part_ids", "hold 3 bytes together, but .* was created for 6"),
        ([one, two, again], "part_ids", "hold 9 bytes together"),
        ([], "part_ids", "part_ids"),
    ):
        with pytest.raises(openai.BadRequestError, match=problem) as refusal:
            client.uploads.complete(upload.id, part_ids=part_ids)
        assert refusal.value.param == param
    with pytest.raises(openai.BadRequestError, match="not 0{32}; check their order") as refusal:
        client.uploads.complete(upload.id, part_ids=[one, two], md5="0" * 32)
    assert refusal.value.param == "md5"
    with pytest.raises(openai.BadRequestError, match="32 hexadecimal digits"):
        client.uploads.complete(upload.id, part_ids=[one, two], md5="nonsense")
    done = client.uploads.complete(upload.id, part_ids=[one, again])
    assert done.file is not None
    assert client.files.content(done.file.id).read() == b"abcdef"
    client.files.delete(done.file.id)
    client.uploads.cancel(other.id)


def test_an_ended_upload_says_how_it_ended(server, client: OpenAI) -> None:
    completed = started(client, 3)
    [part] = sent(client, completed, b"abc")
    done = client.uploads.complete(completed.id, part_ids=[part])
    assert done.file is not None
    cancelled = started(client, 3)
    [lost] = sent(client, cancelled, b"abc")
    ended = client.uploads.cancel(cancelled.id)
    assert (ended.status, ended.file) == ("cancelled", None)
    assert parts_on_disk(server, cancelled) == []
    for upload, part_id, problem in (
        (completed, part, f"completed already; its file is {done.file.id}"),
        (cancelled, lost, "has been cancelled"),
    ):
        for act in (
            lambda upload=upload: sent(client, upload, b"more"),
            lambda upload=upload, part_id=part_id: client.uploads.complete(upload.id, part_ids=[part_id]),
            lambda upload=upload: client.uploads.cancel(upload.id),
        ):
            with pytest.raises(openai.BadRequestError, match=problem):
                act()
    client.files.delete(done.file.id)


def test_two_completions_at_once_make_one_file(client: OpenAI) -> None:
    upload = started(client, 4 * 2**20)
    part_ids = sent(client, upload, *[bytes(2**20)] * 4)

    def complete() -> str | None:
        try:
            done = client.uploads.complete(upload.id, part_ids=part_ids)
        except openai.BadRequestError as refusal:
            assert "completed already" in str(refusal)
            return None
        assert done.file is not None
        return done.file.id

    with ThreadPoolExecutor(3) as pool:
        made = [file_id for file_id in pool.map(lambda _: complete(), range(3)) if file_id]
    assert len(made) == 1
    assert client.files.retrieve(made[0]).bytes == 4 * 2**20
    client.files.delete(made[0])


def test_an_expired_upload_takes_nothing_more(client: OpenAI, db: Database) -> None:
    upload = started(client, 3)
    [part] = sent(client, upload, b"abc")
    with db.write() as connection:
        past = update(upload_table).where(upload_table.c.id == upload.id).values(expires_at=ids.now() - 1)
        connection.execute(past)
    for act in (
        lambda: sent(client, upload, b"abc"),
        lambda: client.uploads.complete(upload.id, part_ids=[part]),
        lambda: client.uploads.cancel(upload.id),
    ):
        with pytest.raises(openai.BadRequestError, match="has expired; create another one"):
            act()


@pytest.mark.parametrize(
    ("values", "param"),
    [
        ({"bytes": 0}, "bytes"),
        ({"bytes": limits.MAX_UPLOAD_BYTES + 1}, "bytes"),
        ({"bytes": "12"}, "bytes"),
        ({"bytes": limits.MAX_BATCH_FILE_BYTES + 1, "purpose": "batch"}, "bytes"),
        ({"purpose": "fine-tune-results"}, "purpose"),
        ({"purpose": "fine-tune", "mime_type": "image/png"}, "mime_type"),
        ({"purpose": "vision", "mime_type": "text/html"}, "mime_type"),
        ({"filename": ""}, "filename"),
        ({"filename": "x" * 600}, "filename"),
        ({"expires_after": {"anchor": "created_at", "seconds": 60}}, "expires_after.seconds"),
        ({"expires_after": {"anchor": "last_active_at", "seconds": 3600}}, "expires_after.anchor"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_announcement_is_refused_with_its_parameter(
    http: httpx2.Client, values: dict, param: str
) -> None:
    asked = {"bytes": 3, "filename": "a.txt", "mime_type": "text/plain", "purpose": "user_data", **values}
    answer = http.post("/v1/uploads", json=asked)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["param"] == param


@pytest.mark.parametrize(
    ("purpose", "mime_type"),
    [
        ("fine-tune", "application/jsonl"),
        ("fine-tune", "application/x-ndjson; charset=utf-8"),
        ("batch", "application/json"),
        ("vision", "image/webp"),
        ("assistants", "pdf"),
        ("evals", "text/plain"),
    ],
)
def test_types_are_taken_as_clients_write_them(client: OpenAI, purpose: str, mime_type: str) -> None:
    upload = started(client, 3, purpose=purpose, mime_type=mime_type)
    assert client.uploads.cancel(upload.id).purpose == purpose


def test_the_file_is_checked_as_one_that_comes_whole(client: OpenAI) -> None:
    data = b"prompt,completion\na,b\n"
    upload = started(client, len(data), filename="data.csv", purpose="fine-tune", mime_type="text/jsonl")
    part_ids = sent(client, upload, data[:5], data[5:])
    with pytest.raises(openai.BadRequestError, match="It looks like CSV"):
        client.uploads.complete(upload.id, part_ids=part_ids)
    client.uploads.cancel(upload.id)
    assert all(file.filename != "data.csv" for file in client.files.list())


def test_parts_out_of_order_that_make_no_rows_are_named_as_what_may_be_wrong(client: OpenAI) -> None:
    data = b'{"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}\n'
    upload = started(client, len(data), filename="a.jsonl", purpose="fine-tune", mime_type="text/jsonl")
    first, second = sent(client, upload, data[:9], data[9:])
    with pytest.raises(
        openai.BadRequestError, match=f"The first of the parts is {second}: .* in their order"
    ):
        client.uploads.complete(upload.id, part_ids=[second, first])
    client.uploads.cancel(upload.id)


def test_a_name_of_any_text_stays_data(client: OpenAI, http: httpx2.Client) -> None:
    name = 'a\r\nset-cookie: x=1\n<script>alert(1)</script>/../"🙂.txt'
    upload = started(client, 1, filename=name)
    done = client.uploads.complete(upload.id, part_ids=sent(client, upload, b"x"))
    assert done.file is not None
    assert done.file.filename == name
    answer = http.get(f"/v1/files/{done.file.id}/content")
    assert answer.content == b"x"
    assert "set-cookie" not in answer.headers
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"].startswith("attachment; filename*=UTF-8''a%0D%0Aset-cookie")
    client.files.delete(done.file.id)


def test_another_projects_upload_is_as_good_as_absent(
    server, client: OpenAI, http: httpx2.Client, db: Database
) -> None:
    upload = started(client, 3)
    [part] = sent(client, upload, b"abc")
    with db.write() as connection:
        project_id = ids.new_id("project")
        connection.execute(
            insert(projects).values(
                id=project_id,
                organization_id=keys.FIRST_ORGANIZATION,
                name=project_id,
                created_at=ids.now(),
            )
        )
        _, secret = keys.create(connection, project_id, name="stranger")
    stranger = {"authorization": f"Bearer {secret}"}
    file = {"data": ("x", b"abc")}
    for path, body in (
        ("parts", {"files": file}),
        ("complete", {"json": {"part_ids": [part]}}),
        ("cancel", {}),
    ):
        answers = []
        for upload_id in (upload.id, "upload_absent"):
            answer = http.post(f"/v1/uploads/{upload_id}/{path}", headers=stranger, **body)  # type: ignore[arg-type]
            answers.append((answer.status_code, answer.text.replace(upload_id, "ID")))
        assert answers[0] == answers[1]
        assert answers[0][0] == 404
    assert client.uploads.cancel(upload.id).status == "cancelled"


def test_a_part_over_the_limit_is_refused_and_the_client_learns_why(
    server, client: OpenAI, quiet: None
) -> None:
    upload = started(client, 2**30)
    with pytest.raises(openai.APIStatusError) as refusal:
        client.uploads.parts.create(upload.id, data=bytes(limits.MAX_PART_BYTES + 1))
    assert refusal.value.status_code == 413
    assert refusal.value.code == "file_too_large"
    assert refusal.value.param == "data"
    assert parts_on_disk(server, upload) == unfinished(server) == []
    client.uploads.cancel(upload.id)


def test_a_part_may_come_without_a_filename_but_not_without_bytes(
    client: OpenAI, http: httpx2.Client
) -> None:
    upload = started(client, 3)
    head = {"content-type": "multipart/form-data; boundary=b"}

    def post(disposition: str, data: bytes) -> httpx2.Response:
        body = (
            f"--b\r\nContent-Disposition: form-data; {disposition}\r\n\r\n".encode() + data + b"\r\n--b--\r\n"
        )
        return http.post(f"/v1/uploads/{upload.id}/parts", content=body, headers=head)

    assert post('name="data"', b"abc").json()["object"] == "upload.part"
    for disposition, data in (('name="data"; filename="x"', b""), ('name="file"; filename="x"', b"abc")):
        refused = post(disposition, data)
        assert refused.status_code == 400
        assert refused.json()["error"]["param"] in ("data", "file")
    client.uploads.cancel(upload.id)


def test_a_client_that_goes_away_leaves_nothing_behind(server, client: OpenAI, quiet: None) -> None:
    upload = started(client, 2**22)
    address = server.root_url.removeprefix("http://").split(":")
    with socket.create_connection((address[0], int(address[1])), timeout=60) as connection:
        connection.sendall(
            f"POST /v1/uploads/{upload.id}/parts HTTP/1.1\r\nHost: x\r\n"
            f"Authorization: Bearer {server.api_key}\r\n"
            "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 4000000\r\n\r\n"
            '--b\r\nContent-Disposition: form-data; name="data"; filename="x"\r\n\r\n'.encode()
            + bytes(2**21)
        )
        deadline = time.monotonic() + 60
        while not unfinished(server) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert unfinished(server)
    while unfinished(server) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert unfinished(server) == parts_on_disk(server, upload) == []
    assert client.uploads.cancel(upload.id).status == "cancelled"


def test_slow_uploads_leave_the_threads_to_others(
    server, client: OpenAI, http: httpx2.Client, quiet: None
) -> None:
    upload = started(client, 2**22)
    host, port = server.root_url.removeprefix("http://").split(":")
    slow = [socket.create_connection((host, int(port)), timeout=60) for _ in range(60)]
    try:
        for connection in slow:
            connection.sendall(
                f"POST /v1/uploads/{upload.id}/parts HTTP/1.1\r\nHost: x\r\n"
                f"Authorization: Bearer {server.api_key}\r\n"
                "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 4000000\r\n\r\n"
                '--b\r\nContent-Disposition: form-data; name="data"; filename="x"\r\n\r\nabc'.encode()
            )
        deadline = time.monotonic() + 60
        while len(unfinished(server)) < len(slow) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(unfinished(server)) == len(slow)
        assert http.get("/v1/files?limit=1", timeout=20).status_code == 200
    finally:
        for connection in slow:
            connection.close()
    while unfinished(server) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert unfinished(server) == []
    client.uploads.cancel(upload.id)


@pytest.mark.slow
def test_more_than_a_gigabyte_comes_in_parts_at_bounded_memory(server, client: OpenAI) -> None:
    def resident_mb(which: str) -> int:
        status = Path(f"/proc/{server.pid}/status").read_text()
        return int(status.split(f"{which}:")[1].split()[0]) // 1024

    part_bytes, n_parts = limits.MAX_PART_BYTES, 17
    pieces = [bytes([index]) * part_bytes for index in range(4)]
    upload = started(client, part_bytes * n_parts)
    before_mb = resident_mb("VmRSS")
    Path(f"/proc/{server.pid}/clear_refs").write_text("5")  # the peak is counted from here
    digest = hashlib.md5()
    part_ids = []
    for index in range(n_parts):
        digest.update(pieces[index % 4])
        part_ids += sent(client, upload, pieces[index % 4])
    with ThreadPoolExecutor(1) as pool:
        completing = pool.submit(
            client.uploads.complete, upload.id, part_ids=part_ids, md5=digest.hexdigest()
        )
        slowest_s = 0.0
        while not completing.done():
            began_s = time.monotonic()
            client.models.list()
            slowest_s = max(slowest_s, time.monotonic() - began_s)
            time.sleep(0.02)
        file = completing.result().file
    assert file is not None and file.bytes == part_bytes * n_parts
    assert resident_mb("VmHWM") - before_mb < 60
    assert slowest_s < 1.0  # the loop goes on answering
    with client.files.with_streaming_response.content(file.id) as answer:
        downloaded = hashlib.md5()
        for piece in answer.iter_bytes(2**20):
            downloaded.update(piece)
    assert downloaded.hexdigest() == digest.hexdigest()
    assert resident_mb("VmHWM") - before_mb < 60
    client.files.delete(file.id)
