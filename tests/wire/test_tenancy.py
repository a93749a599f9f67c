"""Another project's objects are as good as absent: same status, same body but for the id."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest
from openai import OpenAI
from openai.types.fine_tuning import FineTuningJob
from sqlalchemy import insert

from tunesmith import ids
from tunesmith.store import keys
from tunesmith.store.database import Database
from tunesmith.store.tables import projects


@pytest.fixture(scope="module")
def stranger(server) -> Iterator[httpx2.Client]:
    """Plain HTTP with the key of another project of the same organisation."""
    db = Database.open(f"sqlite:///{server.data / 'tunesmith.db'}")
    project_id = ids.new_id("project")
    with db.write() as connection:
        connection.execute(
            insert(projects).values(
                id=project_id, organization_id=keys.FIRST_ORGANIZATION, name="other", created_at=ids.now()
            )
        )
        _, secret = keys.create(connection, project_id, name="stranger")
    db.close()
    with httpx2.Client(
        base_url=server.root_url, headers={"authorization": f"Bearer {secret}"}, timeout=60
    ) as plain:
        yield plain


def test_foreign_objects_are_refused_exactly_as_absent_ones(
    stranger: httpx2.Client, http: httpx2.Client, tuned_job: FineTuningJob, tuned_model: str
) -> None:
    routes = [route for route in http.get("/openapi.json").json()["paths"].items() if "{" in route[0]]
    foreign = {
        "file_id": tuned_job.training_file,
        "job_id": tuned_job.id,
        "model": tuned_model,
    }
    assert {path.partition("{")[2].partition("}")[0] for path, _ in routes} == set(foreign)
    for path, methods in routes:
        name = path.partition("{")[2].partition("}")[0]
        theirs = foreign[name]
        absent = theirs[:-3] + ("xyz" if not theirs.endswith("xyz") else "abc")
        for method in methods:
            refused = stranger.request(method.upper(), path.replace(f"{{{name}}}", theirs))
            missing = stranger.request(method.upper(), path.replace(f"{{{name}}}", absent))
            assert refused.status_code == missing.status_code == 404, (method, path)
            assert refused.text.replace(theirs, "ID") == missing.text.replace(absent, "ID"), (method, path)


def test_foreign_objects_are_in_no_list_and_no_cursor(
    stranger: httpx2.Client, tuned_job: FineTuningJob, tuned_model: str
) -> None:
    assert stranger.get("/v1/files").json()["data"] == []
    assert stranger.get("/v1/fine_tuning/jobs").json()["data"] == []
    assert tuned_model not in stranger.get("/v1/models").text
    assert stranger.get(f"/v1/files?after={tuned_job.training_file}").status_code == 400
    assert stranger.get(f"/v1/fine_tuning/jobs?after={tuned_job.id}").status_code == 400


def test_foreign_objects_cannot_be_used(
    stranger: httpx2.Client, client: OpenAI, tuned_job: FineTuningJob, tuned_model: str
) -> None:
    messages = [{"role": "user", "content": "hi"}]
    chat = stranger.post("/v1/chat/completions", json={"model": tuned_model, "messages": messages})
    assert (chat.status_code, chat.json()["error"]["code"]) == (404, "model_not_found")
    assert tuned_model not in chat.json()["error"]["message"].partition("Did you mean")[2]
    asked = {"model": "nano", "training_file": tuned_job.training_file}
    assert stranger.post("/v1/fine_tuning/jobs", json=asked).json()["error"]["param"] == "training_file"
    own = {"model": tuned_model, "training_file": tuned_job.training_file}
    assert stranger.post("/v1/fine_tuning/jobs", json=own).status_code == 404
    assert client.fine_tuning.jobs.retrieve(tuned_job.id).status == "succeeded"
