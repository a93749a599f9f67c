"""`/v1/files` through the real client and through plain HTTP."""

from __future__ import annotations

import base64
import csv
import gzip
import io
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import openai
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openai import OpenAI
from openai.types.fine_tuning import FineTuningJob
from sqlalchemy import update

from tunesmith import ids
from tunesmith.store.database import Database
from tunesmith.store.tables import files as file_table
from tunesmith.wire import limits
from tunesmith.wire.files import UPLOAD_PURPOSES

ROWS = b'{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}\n' * 10


def test_a_file_goes_through_its_whole_life(client: OpenAI, tmp_path: Path) -> None:
    path = tmp_path / "mydata.jsonl"
    path.write_bytes(ROWS)
    with path.open("rb") as data:
        uploaded = client.files.create(file=data, purpose="fine-tune")
    assert (uploaded.filename, uploaded.bytes, uploaded.purpose) == ("mydata.jsonl", len(ROWS), "fine-tune")
    assert (uploaded.object, uploaded.status, uploaded.expires_at) == ("file", "processed", None)
    assert client.files.wait_for_processing(uploaded.id).status == "processed"
    assert client.files.retrieve(uploaded.id) == uploaded
    assert client.files.content(uploaded.id).read() == ROWS
    assert client.files.delete(uploaded.id).deleted
    with pytest.raises(openai.NotFoundError, match="No such File object"):
        client.files.retrieve(uploaded.id)
    with pytest.raises(openai.NotFoundError):
        client.files.delete(uploaded.id)


def test_files_are_listed_by_purpose_page_by_page(client: OpenAI) -> None:
    made = [client.files.create(file=(f"{i}.txt", b"text"), purpose="user_data").id for i in range(5)]
    page = client.files.list(purpose="user_data", limit=2)
    assert [file.id for file in page.data] == made[::-1][:2]
    assert page.has_more

    def listed(**asked) -> list[str]:
        """Of all pages; other tests have files too."""
        return [file.id for file in client.files.list(purpose="user_data", **asked) if file.id in made]

    assert listed(limit=2) == made[::-1]
    assert listed(order="asc", limit=3) == made
    for file_id in made:
        client.files.delete(file_id)
    assert listed() == []


def test_an_expiry_is_counted_from_the_creation(client: OpenAI) -> None:
    uploaded = client.files.create(
        file=("x.txt", b"text"), purpose="user_data", expires_after={"anchor": "created_at", "seconds": 3600}
    )
    assert uploaded.expires_at == uploaded.created_at + 3600
    client.files.delete(uploaded.id)


def test_a_batch_file_expires_after_thirty_days_unless_it_is_told_otherwise(client: OpenAI) -> None:
    request = b'{"custom_id": "1", "method": "POST", "url": "/v1/chat/completions", "body": {}}\n'
    plain = client.files.create(file=("b.jsonl", request), purpose="batch")
    assert plain.expires_at == plain.created_at + 30 * 24 * 3600
    asked = client.files.create(
        file=("b.jsonl", request), purpose="batch", expires_after={"anchor": "created_at", "seconds": 3600}
    )
    assert asked.expires_at == asked.created_at + 3600
    for file in (plain, asked):
        client.files.delete(file.id)


def test_an_expired_file_is_gone_everywhere_at_once(server, client: OpenAI) -> None:
    first, second = (client.files.create(file=("x", b"text"), purpose="assistants") for _ in range(2))
    db = Database.open(f"sqlite:///{server.data / 'tunesmith.db'}")
    with db.write() as connection:
        expired = update(file_table).where(file_table.c.id == first.id).values(expires_at=ids.now())
        connection.execute(expired)
    db.close()
    for act in (client.files.retrieve, client.files.content, client.files.delete):
        with pytest.raises(openai.NotFoundError, match=f"No such File object: {first.id}"):
            act(first.id)
    listed = {file.id for file in client.files.list(purpose="assistants")}
    assert first.id not in listed and second.id in listed
    with pytest.raises(openai.APIStatusError, match="training_file"):
        client.fine_tuning.jobs.create(model="gpt-4o-mini", training_file=first.id)
    client.files.delete(second.id)


@pytest.mark.parametrize("purpose", UPLOAD_PURPOSES)
def test_every_purpose_of_a_client_is_taken(client: OpenAI, http: httpx2.Client, purpose: str) -> None:
    answer = http.post("/v1/files", files={"file": ("a.jsonl", ROWS)}, data={"purpose": purpose}).json()
    assert (answer["purpose"], answer["status"]) == (purpose, "processed")
    listed = http.get(f"/v1/files?purpose={purpose}&limit=1").json()
    assert [file["id"] for file in listed["data"]] == [answer["id"]]
    client.files.delete(answer["id"])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("expires_after[seconds]", "3599"),
        ("expires_after[seconds]", "2592001"),
        ("expires_after[seconds]", "1e4"),
        ("expires_after[anchor]", "updated_at"),
        ("expire_after[seconds]", "3600"),
        ("model", "gpt-4o"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_kept(http: httpx2.Client, field: str, value: str) -> None:
    data = {"purpose": "user_data", "expires_after[anchor]": "created_at", "expires_after[seconds]": "3600"}
    before = http.get("/v1/files?purpose=user_data").json()["data"]
    answer = http.post("/v1/files", files={"file": ("a", b"x")}, data={**data, field: value})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == field
    assert http.get("/v1/files?purpose=user_data").json()["data"] == before


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("data.jsonl", b""),
        ("data.jsonl", b"[1, 2]\n"),
        ("data.jsonl", gzip.compress(ROWS)),
        ("data.csv", b"prompt,completion\na,b\n"),
        ("data.jsonl", b"PK\x03\x04" + bytes(100)),
        ("data.jsonl", b"PAR1" + bytes(100)),
        ("data.jsonl", json.dumps([{"messages": []}] * 10).encode()),
        ("data.jsonl", ROWS.decode().encode("utf-16")),
    ],
)
def test_what_is_no_jsonl_is_refused_with_a_sentence(client: OpenAI, name: str, content: bytes) -> None:
    with pytest.raises(openai.BadRequestError) as refusal:
        client.files.create(file=(name, content), purpose="fine-tune")
    assert refusal.value.body["message"]  # type: ignore[index]


def test_a_batch_file_that_is_no_jsonl_is_refused_in_a_batchs_words(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match=r'It looks like plain text; .*"custom_id"'):
        client.files.create(file=("b.jsonl", b"hello there\n"), purpose="batch")


def test_bad_lines_are_not_the_uploads_business(client: OpenAI) -> None:
    uploaded = client.files.create(file=("bad.jsonl", b'{"messages": 3}\nnot json\n'), purpose="fine-tune")
    assert uploaded.status == "processed"
    client.files.delete(uploaded.id)


def test_a_purpose_must_be_one_of_openais(client: OpenAI) -> None:
    for purpose in ("fine-tune-results", "nonsense", ""):
        with pytest.raises(openai.BadRequestError) as refusal:
            client.files.create(file=("x.jsonl", ROWS), purpose=purpose)  # type: ignore[arg-type]
        assert refusal.value.param == "purpose"


def test_parts_may_come_in_any_order_and_are_named_when_missing(http: httpx2.Client) -> None:
    boundary = "frontier"

    def post(*parts: bytes) -> httpx2.Response:
        body = b"".join(b"--frontier\r\n" + part + b"\r\n" for part in parts) + b"--frontier--\r\n"
        return http.post(
            "/v1/files", content=body, headers={"content-type": f"multipart/form-data; boundary={boundary}"}
        )

    purpose = b'Content-Disposition: form-data; name="purpose"\r\n\r\nfine-tune'
    file = b'Content-Disposition: form-data; name="file"; filename="late.jsonl"\r\n\r\n' + ROWS
    assert post(file, purpose).json()["filename"] == "late.jsonl"
    assert post(purpose, file).status_code == 200
    assert post(purpose).json()["error"]["param"] == "file"
    assert post(file).json()["error"]["param"] == "purpose"
    assert post(purpose, file, file).status_code == 400
    not_a_file = b'Content-Disposition: form-data; name="file"\r\n\r\n' + ROWS
    assert post(purpose, not_a_file).json()["error"]["param"] == "file"
    flood = b'Content-Disposition: form-data; name="x"\r\n\r\n' + b"x" * 300_000
    assert post(flood, purpose, file).status_code == 400
    torn = http.post(
        "/v1/files",
        content=b"--frontier\r\n" + file,
        headers={"content-type": f"multipart/form-data; boundary={boundary}"},
    )
    assert torn.status_code == 400


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "C:\\data\\x.jsonl", "имя 🙂.jsonl", 'a"b.jsonl', "x" * 300, "<b>x</b>\r\ny: z"],
)
def test_a_filename_is_only_ever_data(client: OpenAI, name: str) -> None:
    uploaded = client.files.create(file=(name, b"text"), purpose="user_data")
    assert client.files.content(uploaded.id).read() == b"text"
    assert "/" not in uploaded.id
    client.files.delete(uploaded.id)


def test_the_result_file_is_base64_of_a_csv_and_plain_where_csv_is_asked_for(
    client: OpenAI, http: httpx2.Client, tuned_job: FineTuningJob
) -> None:
    [file_id] = tuned_job.result_files
    result = client.files.retrieve(file_id)
    assert result.purpose == "fine-tune-results"
    decoded = base64.b64decode(client.files.content(file_id).read(), validate=True).decode()
    rows = list(csv.DictReader(io.StringIO(decoded)))
    assert set(rows[0]) == {"step", "train_loss", "train_accuracy", "valid_loss", "valid_mean_token_accuracy"}
    assert float(rows[0]["train_loss"]) > 0
    assert http.get(f"/v1/files/{file_id}/content", headers={"accept": "text/csv"}).text == decoded


@pytest.fixture(scope="module")
def numbers(client: OpenAI) -> Iterator[tuple[str, bytes]]:
    """A file in which every slice is another, and its bytes."""
    content = b"".join(b"%05d" % number for number in range(500))
    uploaded = client.files.create(file=("numbers.txt", content), purpose="user_data")
    yield uploaded.id, content
    client.files.delete(uploaded.id)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    start=st.integers(0, 3000) | st.none(),
    end=st.integers(0, 3000) | st.sampled_from([2499, 2500, 10**18]) | st.none(),
)
def test_any_range_is_the_slice_of_the_content(
    http: httpx2.Client, numbers: tuple[str, bytes], start: int | None, end: int | None
) -> None:
    file_id, content = numbers
    asked = f"bytes={'' if start is None else start}-{'' if end is None else end}"
    answer = http.get(f"/v1/files/{file_id}/content", headers={"range": asked})
    assert answer.headers["content-length"] == str(len(answer.content))
    if start is None and end is None or (start is not None and end is not None and end < start):
        assert (answer.status_code, answer.content) == (200, content)  # no range at all
        return
    if start is None:
        expected = content[-end:] if end else b""
    else:
        expected = content[start:] if end is None else content[start : end + 1]
    if not expected:
        assert answer.status_code == 416
        assert answer.headers["content-range"] == "bytes */2500"
        assert answer.json()["error"]["code"] == "invalid_range"
        return
    first = len(content) - len(expected) if start is None else start
    assert (answer.status_code, answer.content) == (206, expected)
    assert answer.headers["content-range"] == f"bytes {first}-{first + len(expected) - 1}/2500"


@pytest.mark.parametrize(
    "asked", ["bytes=0-1,5-9", "lines=1-2", "bytes=a-b", "bytes=-", "0-5", "bytes=1-2-3"]
)
def test_what_is_not_one_range_gets_the_whole(
    http: httpx2.Client, numbers: tuple[str, bytes], asked: str
) -> None:
    answer = http.get(f"/v1/files/{numbers[0]}/content", headers={"range": asked})
    assert (answer.status_code, answer.content) == (200, numbers[1])
    assert answer.headers["accept-ranges"] == "bytes"


def test_a_range_can_depend_on_the_content_being_the_same(
    http: httpx2.Client, numbers: tuple[str, bytes]
) -> None:
    path, part = f"/v1/files/{numbers[0]}/content", {"range": "bytes=0-4"}
    etag = http.get(path).headers["etag"]
    assert http.get(path, headers={**part, "if-range": etag}).content == b"00000"
    for other in ('"another"', f"W/{etag}", "Wed, 21 Oct 2015 07:28:00 GMT"):
        assert http.get(path, headers={**part, "if-range": other}).content == numbers[1]


def test_a_range_of_a_result_file_is_one_of_its_base64(
    client: OpenAI, http: httpx2.Client, tuned_job: FineTuningJob
) -> None:
    path = f"/v1/files/{tuned_job.result_files[0]}/content"
    for accept in ("application/binary", "text/csv"):
        whole = http.get(path, headers={"accept": accept})
        part = http.get(path, headers={"accept": accept, "range": "bytes=4-11"})
        assert (part.status_code, part.content) == (206, whole.content[4:12])
        assert part.headers["etag"] == whole.headers["etag"]


def test_a_client_that_goes_away_leaves_no_file_and_no_bytes(
    server, http: httpx2.Client, quiet: None
) -> None:
    before = http.get("/v1/files").json()["data"]
    objects = sorted((server.data / "objects" / "files").iterdir())
    incoming = server.data / "objects" / ".incoming"
    host, port = server.root_url.removeprefix("http://").split(":")
    deadline = time.monotonic() + 60
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(
            f"POST /v1/files HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.api_key}\r\n"
            "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 4000000\r\n\r\n"
            '--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'.encode()
            + bytes(2**21)
        )
        while not list(incoming.iterdir()) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert list(incoming.iterdir())
    while list(incoming.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert list(incoming.iterdir()) == []
    assert sorted((server.data / "objects" / "files").iterdir()) == objects
    assert http.get("/v1/files").json()["data"] == before


@pytest.mark.slow
def test_a_client_learns_that_its_file_is_too_large(client: OpenAI) -> None:
    for purpose, limit in (("batch", limits.MAX_BATCH_FILE_BYTES), ("user_data", limits.MAX_FILE_BYTES)):
        row = b'{"custom_id": "1"}\n'
        too_large = row + b" " * (limit + 1 - len(row))
        with pytest.raises(openai.APIStatusError, match=f"larger than {limit // 2**20} MB") as refusal:
            client.files.create(file=("big.jsonl", too_large), purpose=purpose)  # type: ignore[arg-type]
        assert (refusal.value.status_code, refusal.value.code) == (413, "file_too_large")


@pytest.mark.slow
def test_a_file_over_the_limit_is_refused_at_constant_memory(server, http: httpx2.Client) -> None:
    def body():
        yield b'--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nuser_data\r\n'
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="big"\r\n\r\n'
        for _ in range(520):
            yield bytes(2**20)
        yield b"\r\n--b--\r\n"

    def peak_mb() -> int:
        status = Path(f"/proc/{server.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) // 1024

    before, files = peak_mb(), http.get("/v1/files?purpose=user_data").json()["data"]
    answer = http.post(
        "/v1/files", content=body(), headers={"content-type": "multipart/form-data; boundary=b"}
    )
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "file_too_large"
    assert peak_mb() - before < 50
    assert http.get("/v1/files?purpose=user_data").json()["data"] == files
