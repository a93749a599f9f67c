"""Checkpoint permissions: an organization's projects share their tuned models, through the real client."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx2
import openai
import pytest
from openai import OpenAI
from openai.types.fine_tuning import FineTuningJob
from sqlalchemy import insert

from tests.conftest import RunningServer
from tunesmith import ids
from tunesmith.store import keys
from tunesmith.store.database import Database
from tunesmith.store.tables import organizations, projects

HI = [{"role": "user", "content": "Say red."}]


@dataclass(frozen=True)
class Project:
    """Another project, and a client that has its key."""

    id: str
    client: OpenAI


@pytest.fixture(scope="module")
def make_project(server: RunningServer) -> Iterator[Callable[..., Project]]:
    """Makes projects, of the server's organization or of another one."""
    db = Database.open(f"sqlite:///{server.data / 'tunesmith.db'}")
    made: list[OpenAI] = []

    def make(organization_id: str = keys.FIRST_ORGANIZATION, *, is_admin: bool = False) -> Project:
        project_id = ids.new_id("project")
        with db.write() as connection:
            if organization_id != keys.FIRST_ORGANIZATION:
                connection.execute(insert(organizations).values(id=organization_id, created_at=ids.now()))
            connection.execute(
                insert(projects).values(
                    id=project_id, organization_id=organization_id, name=project_id, created_at=ids.now()
                )
            )
            _, secret = keys.create(connection, project_id, name="its key", is_admin=is_admin)
        made.append(
            OpenAI(
                base_url=server.base_url,
                api_key=secret,
                max_retries=0,
                timeout=90,
                _strict_response_validation=True,
            )
        )
        return Project(project_id, made[-1])

    yield make
    for client in made:
        client.close()
    db.close()


@pytest.fixture(scope="module")
def other(make_project: Callable[..., Project]) -> Project:
    return make_project()


@pytest.fixture(scope="module")
def checkpoint(client: OpenAI, tuned_job: FineTuningJob) -> str:
    """The checkpoint before the last one."""
    return list(client.fine_tuning.jobs.checkpoints.list(tuned_job.id))[-1].fine_tuned_model_checkpoint


def grant(client: OpenAI, model: str, *project_ids: str) -> list[str]:
    """Ids of the permissions."""
    made = client.fine_tuning.checkpoints.permissions.create(model, project_ids=list(project_ids))
    assert [permission.project_id for permission in made.data] == list(project_ids)
    return [permission.id for permission in made.data]


def test_a_permission_lets_another_project_see_and_use_a_model_until_it_is_taken_away(
    client: OpenAI, other: Project, checkpoint: str, tuned_model: str
) -> None:
    for model in (checkpoint, tuned_model):
        with pytest.raises(openai.NotFoundError):
            other.client.chat.completions.create(model=model, messages=HI, max_completion_tokens=4)
        (permission_id,) = grant(client, model, other.id)
        assert permission_id.startswith("cp_")

        answer = other.client.chat.completions.create(model=model, messages=HI, max_completion_tokens=4)
        assert answer.model == model
        assert answer.choices[0].message.content
        assert other.client.models.retrieve(model).id == model
        assert model in [known.id for known in other.client.models.list()]

        gone = client.fine_tuning.checkpoints.permissions.delete(
            permission_id, fine_tuned_model_checkpoint=model
        )
        assert (gone.id, gone.deleted, gone.object) == (permission_id, True, "checkpoint.permission")
        with pytest.raises(openai.NotFoundError) as refusal:
            other.client.chat.completions.create(model=model, messages=HI, max_completion_tokens=4)
        assert refusal.value.code == "model_not_found"
        assert model not in [known.id for known in other.client.models.list()]


def test_a_shared_model_can_be_trained_further_but_not_deleted(
    client: OpenAI, other: Project, tuned_model: str, tuned_job: FineTuningJob
) -> None:
    (permission_id,) = grant(client, tuned_model, other.id)
    with pytest.raises(openai.PermissionDeniedError, match="belongs to another project"):
        other.client.models.delete(tuned_model)
    rows = client.files.content(tuned_job.training_file).read()
    uploaded = other.client.files.create(file=("rows.jsonl", rows), purpose="fine-tune")
    job = other.client.fine_tuning.jobs.create(model=tuned_model, training_file=uploaded.id)
    assert job.model == tuned_model
    other.client.fine_tuning.jobs.cancel(job.id)
    with pytest.raises(openai.NotFoundError):
        other.client.fine_tuning.jobs.retrieve(tuned_job.id)
    client.fine_tuning.checkpoints.permissions.delete(permission_id, fine_tuned_model_checkpoint=tuned_model)
    assert client.models.retrieve(tuned_model).id == tuned_model


def test_permissions_are_listed_by_page_project_and_order(
    client: OpenAI, make_project: Callable[..., Project], checkpoint: str
) -> None:
    calls = client.fine_tuning.checkpoints.permissions
    sharing = [make_project() for _ in range(3)]
    made = grant(client, checkpoint, *(project.id for project in sharing))
    assert grant(client, checkpoint, sharing[1].id) == [made[1]], "who has one keeps it"

    page = calls.list(checkpoint, limit=2)
    assert page.has_more and page.last_id == made[1]
    assert [permission.id for permission in page] == made[::-1]
    assert [permission.id for permission in calls.list(checkpoint, limit=1, order="ascending")] == made
    assert [p.id for p in calls.list(checkpoint, project_id=sharing[2].id)] == [made[2]]
    with pytest.warns(DeprecationWarning):
        older = calls.retrieve(checkpoint, order="ascending", after=made[0], limit=1)
    assert ([p.id for p in older.data], older.has_more) == ([made[1]], True)
    assert (older.first_id, older.last_id) == (made[1], made[1])
    with pytest.raises(openai.BadRequestError) as refusal:
        list(calls.list(checkpoint, after="cp_absent"))
    assert refusal.value.param == "after"

    for permission_id in made:
        calls.delete(permission_id, fine_tuned_model_checkpoint=checkpoint)
    empty = calls.list(checkpoint)
    assert (empty.data, empty.has_more, empty.last_id) == ([], False, None)


def test_a_checkpoint_is_also_known_by_its_id(
    client: OpenAI, other: Project, tuned_job: FineTuningJob
) -> None:
    newest = next(iter(client.fine_tuning.jobs.checkpoints.list(tuned_job.id)))
    (permission_id,) = grant(client, newest.id, other.id)
    assert other.client.models.retrieve(newest.fine_tuned_model_checkpoint)
    client.fine_tuning.checkpoints.permissions.delete(permission_id, fine_tuned_model_checkpoint=newest.id)


def test_only_an_admin_key_gives_sees_and_takes_permissions(
    other: Project, tuned_model: str, nobody: httpx2.Client
) -> None:
    calls = other.client.fine_tuning.checkpoints.permissions
    for ask in (
        lambda: calls.create(tuned_model, project_ids=[other.id]),
        lambda: calls.list(tuned_model),
        lambda: calls.delete("cp_absent", fine_tuned_model_checkpoint=tuned_model),
    ):
        with pytest.raises(openai.PermissionDeniedError, match="admin key"):
            ask()
    path = f"/v1/fine_tuning/checkpoints/{tuned_model}/permissions"
    assert nobody.get(path).status_code == 401


def test_an_admin_of_another_organization_finds_nothing(
    make_project: Callable[..., Project], client: OpenAI, tuned_model: str
) -> None:
    stranger = make_project("strangers", is_admin=True)
    calls = stranger.client.fine_tuning.checkpoints.permissions
    with pytest.raises(openai.NotFoundError):
        calls.create(tuned_model, project_ids=[stranger.id])
    with pytest.raises(openai.NotFoundError):
        calls.list(tuned_model)
    with pytest.raises(openai.NotFoundError) as refusal:
        client.fine_tuning.checkpoints.permissions.create(tuned_model, project_ids=[stranger.id])
    assert refusal.value.param == "project_ids[0]"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "project_ids"),
        ({"project_ids": []}, "project_ids"),
        ({"project_ids": "proj_x"}, "project_ids"),
        ({"project_ids": [3]}, "project_ids[0]"),
        ({"project_ids": ["proj_x"] * 101}, "project_ids"),
        ({"project_ids": ["proj_x"], "role": "owner"}, "role"),
    ],
)
def test_a_grant_that_cannot_be_is_refused_and_named(
    http: httpx2.Client, tuned_model: str, body: dict, param: str
) -> None:
    refusal = http.post(f"/v1/fine_tuning/checkpoints/{tuned_model}/permissions", json=body)
    assert (refusal.status_code, refusal.json()["error"]["param"]) == (400, param)


def test_a_grant_to_one_unknown_project_grants_nothing(
    client: OpenAI, other: Project, checkpoint: str
) -> None:
    calls = client.fine_tuning.checkpoints.permissions
    with pytest.raises(openai.NotFoundError) as refusal:
        calls.create(checkpoint, project_ids=[other.id, "proj_absent"])
    assert refusal.value.param == "project_ids[1]"
    assert calls.list(checkpoint).data == []
    for model in ("gpt-4o-mini", "nano", "ft:gpt-4o-mini:personal::absent", "ftckpt_absent"):
        with pytest.raises(openai.NotFoundError, match="does not exist or you do not have access"):
            calls.create(model, project_ids=[other.id])
    with pytest.raises(openai.NotFoundError):
        calls.delete("cp_absent", fine_tuned_model_checkpoint=checkpoint)
