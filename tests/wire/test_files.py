"""`/v1/files` through the real client and through plain HTTP."""

from __future__ import annotations

import base64
import csv
import gzip
import io
import json
from pathlib import Path

import httpx2
import openai
import pytest
from openai import OpenAI
from openai.types.fine_tuning import FineTuningJob

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
    assert [file.id for file in client.files.list(purpose="user_data", limit=2)] == made[::-1]
    assert [file.id for file in client.files.list(purpose="user_data", order="asc", limit=3)] == made
    for file_id in made:
        client.files.delete(file_id)
    assert client.files.list(purpose="user_data").data == []


def test_an_expiry_is_counted_from_the_creation(client: OpenAI) -> None:
    uploaded = client.files.create(
        file=("x.txt", b"text"), purpose="user_data", expires_after={"anchor": "created_at", "seconds": 3600}
    )
    assert uploaded.expires_at == uploaded.created_at + 3600
    client.files.delete(uploaded.id)


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
    "name", ["../../etc/passwd", "C:\\data\\x.jsonl", "имя 🙂.jsonl", 'a"b.jsonl', "x" * 300]
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

    before = peak_mb()
    answer = http.post(
        "/v1/files", content=body(), headers={"content-type": "multipart/form-data; boundary=b"}
    )
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "file_too_large"
    assert peak_mb() - before < 50
    assert http.get("/v1/files?purpose=user_data").json()["data"] == []
