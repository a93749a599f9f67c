"""Another project's objects are as good as absent: same status, same body but for the id.

The routes come from the server's own OpenAPI document, so that a new resource cannot be forgotten: whatever
has an id in its path needs a line in `objects`, which says how to make one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from openai import OpenAI
from openai.types.fine_tuning import FineTuningJob
from sqlalchemy import insert

from tunesmith import ids
from tunesmith.store import keys
from tunesmith.store.database import Database
from tunesmith.store.tables import organizations, projects

SAMPLE = Path(__file__).parents[2] / "tunesmith" / "assets" / "samples" / "marv" / "train.jsonl"
BODIES: dict[str, dict] = {
    "CompleteUploadRequest": {"part_ids": ["part_absent"]},
    "CreatePermissionsRequest": {"project_ids": ["proj_absent"]},
    "AddItemsRequest": {"items": [{"role": "user", "content": "taken"}]},
    "UpdateConversationRequest": {"metadata": {"taken": "yes"}},
    "CreateKeyRequest": {"name": "taken"},
    "CreateServiceAccountRequest": {"name": "taken"},
    "UpdateProjectKeyRequest": {"expires_in_seconds": 1},
    "SendTestEventRequest": {"event_type": "batch.completed"},
    "UpdateCompletionRequest": {"metadata": {"taken": "yes"}},
}
"""The least that a route's body must hold; nothing for the others."""


@pytest.fixture(scope="module")
def db(server) -> Iterator[Database]:
    database = Database.open(f"sqlite:///{server.data / 'tunesmith.db'}")
    yield database
    database.close()


def project_of(db: Database, organization_id: str, *, is_admin: bool) -> str:
    """A new project of the organisation; its key's secret."""
    project_id = ids.new_id("project")
    with db.write() as connection:
        if organization_id != keys.FIRST_ORGANIZATION:
            connection.execute(insert(organizations).values(id=organization_id, created_at=ids.now()))
        connection.execute(
            insert(projects).values(
                id=project_id, organization_id=organization_id, name=project_id, created_at=ids.now()
            )
        )
        return keys.create(connection, project_id, name="stranger", is_admin=is_admin)[1]


@pytest.fixture(scope="module")
def stranger(server, db: Database) -> Iterator[httpx2.Client]:
    """Plain HTTP with the key of another project of the same organisation."""
    secret = project_of(db, keys.FIRST_ORGANIZATION, is_admin=False)
    with httpx2.Client(
        base_url=server.root_url, headers={"authorization": f"Bearer {secret}"}, timeout=60
    ) as plain:
        yield plain


@pytest.fixture(scope="module")
def outsider(server, db: Database) -> Iterator[httpx2.Client]:
    """Plain HTTP with an admin key of another organisation."""
    secret = project_of(db, f"org-{ids.random_name(8)}", is_admin=True)
    with httpx2.Client(
        base_url=server.root_url, headers={"authorization": f"Bearer {secret}"}, timeout=60
    ) as plain:
        yield plain


@pytest.fixture(scope="module")
def objects(
    client: OpenAI, http: httpx2.Client, tuned_job: FineTuningJob, tuned_model: str
) -> dict[str, str]:
    """One object of the first project for each kind of id in a path."""

    def post(path: str, **body: object) -> dict:
        answer = http.post(path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    messages = [{"role": "user", "content": "hi"}]
    chat = {"model": "nano", "messages": messages, "max_completion_tokens": 4}
    line = {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": chat}
    lines = client.files.create(file=("lines.jsonl", json.dumps(line).encode()), purpose="batch")
    project_id = post("/v1/organization/projects", name=f"tenancy {ids.random_name(8)}")["id"]
    within = f"/v1/organization/projects/{project_id}"
    conversation_id = post("/v1/conversations", items=[{"role": "user", "content": "hi"}])["id"]
    said = http.get(f"/v1/conversations/{conversation_id}/items").json()["data"][0]
    sharing = http.post(
        f"/v1/fine_tuning/checkpoints/{tuned_model}/permissions", json={"project_ids": [project_id]}
    ).json()["data"][0]
    return {
        "file_id": client.files.create(file=SAMPLE, purpose="fine-tune").id,
        "upload_id": post(
            "/v1/uploads", filename="a.jsonl", purpose="batch", bytes=3, mime_type="text/jsonl"
        )["id"],
        "batch_id": client.batches.create(
            input_file_id=lines.id, endpoint="/v1/chat/completions", completion_window="24h"
        ).id,
        "job_id": tuned_job.id,
        "model": tuned_model,
        "fine_tuned_model_checkpoint": tuned_model,
        "permission_id": sharing["id"],
        "response_id": post("/v1/responses", model="nano", input="hi", max_output_tokens=16)["id"],
        "conversation_id": conversation_id,
        "item_id": said["id"],
        "completion_id": post("/v1/chat/completions", **chat, store=True)["id"],
        "webhook_endpoint_id": post(
            "/v1/webhook_endpoints",
            name="tenancy",
            url="https://127.0.0.1:9/none",
            event_types=["batch.completed"],
        )["id"],
        "project_id": project_id,
        "api_key_id": post(f"{within}/api_keys", name="its key")["id"],
        "service_account_id": post(f"{within}/service_accounts", name="its account")["id"],
        "rate_limit_id": "rl-nano",
        "key_id": post("/v1/organization/admin_api_keys", name="another admin")["id"],
    }


@dataclass(frozen=True)
class Route:
    """One method of one path with ids in it."""

    method: str
    path: str
    body: str | None
    """The name of the model that it reads."""

    @property
    def names(self) -> list[str]:
        """The ids in its path."""
        return re.findall(r"\{(\w+)\}", self.path)

    @property
    def is_the_organizations(self) -> bool:
        """Whether it needs an admin key, whose realm is the organization."""
        return "/organization/" in self.path or self.path.endswith(("/permissions", "{permission_id}"))

    def ask(self, plain: httpx2.Client, ids: dict[str, str]) -> httpx2.Response:
        """The answer to a well-formed request about these ids."""
        path = re.sub(r"\{(\w+)\}", lambda found: ids[found[1]], self.path)
        if self.body == "multipart":
            return plain.request(self.method, path, files={"data": b"abc"})
        if self.body is not None:
            return plain.request(self.method, path, json=BODIES.get(self.body, {}))
        return plain.request(self.method, path)


@pytest.fixture(scope="module")
def routes(http: httpx2.Client, objects: dict[str, str]) -> list[Route]:
    """All routes with an id in their path."""
    found = []
    for path, methods in http.get("/openapi.json").json()["paths"].items():
        for method, operation in methods.items():
            if "{" in path and "login_codes" not in path:  # a code is nobody's
                content = operation.get("requestBody", {}).get("content", {})
                schema = content.get("application/json", {}).get("schema", {})
                body = "multipart" if "multipart/form-data" in content else None
                if "$ref" in schema:
                    body = schema["$ref"].rpartition("/")[2]
                found.append(Route(method.upper(), path, body))
    missing = {name for route in found for name in route.names} - set(objects)
    assert not missing, f"say in `objects` how to make an object for each of {missing}"
    return found


def absent(id: str) -> str:
    """An id like this one that nobody has."""
    return id[:-3] + ("xyz" if not id.endswith("xyz") else "abc")


def without_ids(answer: httpx2.Response, ids: dict[str, str]) -> str:
    """The body, with the ids of the request blotted out."""
    text = answer.text
    for id in ids.values():
        text = text.replace(id, "ID")
    return text


def check(plain: httpx2.Client, route: Route, theirs: dict[str, str], status: int) -> None:
    """`plain` learns of what is theirs just what it would learn of what is not there."""
    asked = {name: theirs[name] for name in route.names}
    refused = route.ask(plain, asked)
    assert refused.status_code == status, (route, refused.text)
    for name in route.names:
        if name == "rate_limit_id":  # the name of a model: nobody's
            continue
        nobodys = asked | {name: absent(asked[name])}
        missing = route.ask(plain, nobodys)
        assert missing.status_code == status, (route, missing.text)
        assert without_ids(refused, asked) == without_ids(missing, nobodys), (route, name)


def test_foreign_objects_are_refused_exactly_as_absent_ones(
    stranger: httpx2.Client, routes: list[Route], objects: dict[str, str]
) -> None:
    for route in routes:
        check(stranger, route, objects, 403 if route.is_the_organizations else 404)


def test_another_organizations_admin_finds_nothing_either(
    outsider: httpx2.Client, routes: list[Route], objects: dict[str, str]
) -> None:
    for route in routes:
        check(outsider, route, objects, 404)


def test_after_all_these_refusals_every_object_is_as_it_was(
    http: httpx2.Client,
    stranger: httpx2.Client,
    outsider: httpx2.Client,
    routes: list[Route],
    objects: dict[str, str],
) -> None:
    def seen() -> dict[str, str]:
        shown = {}
        for route in routes:
            if route.method == "GET" and not route.path.endswith(("events", "rate_limits")):
                answer = route.ask(http, objects)
                assert answer.status_code == 200, (route, answer.text)
                shown[route.path] = re.sub(r'"last_used_at":\s*\w+', "", answer.text)
        return shown

    batch = "/v1/batches/{batch_id}"
    before = seen()
    for route in routes:
        if route.method != "GET":
            for plain in (stranger, outsider):
                route.ask(plain, objects)
    after = seen()
    del before[batch], after[batch]  # it goes on by itself
    assert after == before


def test_foreign_objects_are_in_no_list_and_no_cursor(
    http: httpx2.Client,
    stranger: httpx2.Client,
    outsider: httpx2.Client,
    objects: dict[str, str],
    client: OpenAI,
) -> None:
    shared_name = {"rate_limit_id"}
    theirs = {name: id for name, id in objects.items() if name not in shared_name}
    for path, methods in http.get("/openapi.json").json()["paths"].items():
        if "get" not in methods or "{" in path or "/usage/" in path or path.endswith("/costs"):
            continue
        parameters = {parameter["name"] for parameter in methods["get"].get("parameters", [])}
        admins_only = "/organization/" in path
        for plain in (outsider,) if admins_only else (stranger, outsider):
            listed = plain.get(path)
            assert listed.status_code == 200, (path, listed.text)
            for id in theirs.values():
                assert id not in listed.text, path
            if "after" in parameters:
                for id in theirs.values():
                    assert plain.get(f"{path}?after={id}").status_code == 400, (path, id)
        if admins_only:
            assert stranger.get(path).status_code == 403


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


@pytest.mark.parametrize(
    "ask",
    [
        lambda plain, at: plain.post(
            "/v1/batches",
            json={
                "input_file_id": at["file_id"],
                "endpoint": "/v1/chat/completions",
                "completion_window": "24h",
            },
        ),
        lambda plain, at: plain.post(
            "/v1/responses", json={"model": "nano", "input": "hi", "previous_response_id": at["response_id"]}
        ),
        lambda plain, at: plain.post(
            "/v1/fine_tuning/jobs/estimate", json={"model": "nano", "training_file": at["file_id"]}
        ),
    ],
    ids=["a batch of a foreign file", "a response to a foreign one", "an estimate of a foreign file"],
)
def test_a_foreign_object_in_a_body_is_as_good_as_absent(
    ask: Callable[[httpx2.Client, dict[str, str]], httpx2.Response],
    stranger: httpx2.Client,
    objects: dict[str, str],
) -> None:
    nobodys = {name: absent(id) for name, id in objects.items()}
    foreign, missing = ask(stranger, objects), ask(stranger, nobodys)
    assert foreign.status_code == missing.status_code in (400, 404)
    assert without_ids(foreign, objects) == without_ids(missing, nobodys)
