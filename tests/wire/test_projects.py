"""Projects, their keys and admin keys, through the real client's `admin` and through plain HTTP."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import httpx2
import openai
import pytest
from openai import OpenAI
from openai.types.admin.organization import Project

from tunesmith import ids
from tunesmith.store import jobs
from tunesmith.store.database import Database

HI = [{"role": "user", "content": "Hello!"}]
ENDLESS = {"temperature": 2, "logit_bias": {"0": -100, "1": -100, "2": -100}, "max_tokens": 1900}
SOON_S = 20.0  # it takes one; the answer itself would take longer than this


@pytest.fixture
def project(admin: OpenAI) -> Project:
    """A project of its own."""
    return admin.admin.organization.projects.create(name=f"project {ids.random_name(8)}")


@pytest.fixture
def with_key(server) -> Iterator[Callable[..., OpenAI]]:
    """Makes clients that use another key."""
    made: list[OpenAI] = []

    def make(secret: str, **options: object) -> OpenAI:
        made.append(
            OpenAI(base_url=server.base_url, api_key=secret, max_retries=0, timeout=110, **options)  # type: ignore[arg-type]
        )
        return made[-1]

    yield make
    for client in made:
        client.close()


def secret_of(admin: OpenAI, project: Project, name: str = "program") -> tuple[str, str]:
    """A new key's id and secret."""
    account = admin.admin.organization.projects.service_accounts.create(project.id, name=name)
    assert account.api_key is not None
    return account.api_key.id, account.api_key.value


# -- projects -----------------------------------------------------------------------------------------


def test_a_project_is_made_found_renamed_and_archived(admin: OpenAI) -> None:
    calls = admin.admin.organization.projects
    name = f"shop {ids.random_name(8)}"
    made = calls.create(name=name, external_key_id="ext-1")
    assert (made.name, made.status, made.archived_at) == (name, "active", None)
    assert made.id.startswith("proj_") and made.external_key_id == "ext-1"
    assert calls.retrieve(made.id) == made
    assert made.id in [known.id for known in calls.list(limit=1)], "over several pages"
    renamed = calls.update(made.id, name=f"{name} 2")
    assert (renamed.name, renamed.external_key_id) == (f"{name} 2", "ext-1")

    archived = calls.archive(made.id)
    assert archived.status == "archived" and archived.archived_at
    assert calls.archive(made.id) == archived, "twice is once"
    assert calls.retrieve(made.id) == archived
    assert made.id not in [known.id for known in calls.list()]
    assert made.id in [known.id for known in calls.list(include_archived=True)]
    for change in (
        lambda: calls.update(made.id, name="again"),
        lambda: calls.service_accounts.create(made.id, name="late"),
        lambda: calls.rate_limits.update_rate_limit("rl-nano", project_id=made.id),
    ):
        with pytest.raises(openai.BadRequestError, match="archived"):
            change()


def test_a_projects_name_is_its_own(admin: OpenAI, project: Project) -> None:
    assert project.name is not None
    with pytest.raises(openai.BadRequestError, match=project.id) as refusal:
        admin.admin.organization.projects.create(name=project.name)
    assert refusal.value.param == "name"


@pytest.mark.parametrize("name", ["", " x", "x ", "a\nb", "\u0000", "x" * 129, 7, None])
def test_a_name_that_nobody_could_read_is_refused(
    http: httpx2.Client, project: Project, name: object
) -> None:
    within = f"/v1/organization/projects/{project.id}"
    for path in (
        "/v1/organization/projects",
        "/v1/organization/admin_api_keys",
        f"{within}/api_keys",
        f"{within}/service_accounts",
    ):
        answer = http.post(path, json={"name": name})
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, "name"), path


def test_the_first_project_stays(admin: OpenAI) -> None:
    calls = admin.admin.organization.projects
    first = next(known for known in calls.list() if known.name == "default")
    with pytest.raises(openai.BadRequestError, match="cannot be archived"):
        calls.archive(first.id)
    with pytest.raises(openai.BadRequestError):
        calls.update(first.id, name="other")


def test_what_cannot_be_honoured_is_said(admin: OpenAI, project: Project) -> None:
    calls = admin.admin.organization.projects
    with pytest.raises(openai.BadRequestError) as refusal:
        calls.create(name="eu", geography="EU")
    assert refusal.value.param == "geography"
    with pytest.raises(openai.BadRequestError) as refusal:
        calls.rate_limits.update_rate_limit("rl-nano", project_id=project.id, max_images_per_1_minute=1)
    assert refusal.value.param == "max_images_per_1_minute"
    account = calls.service_accounts.create(project.id, name="reader")
    with pytest.raises(openai.BadRequestError) as refusal:
        calls.service_accounts.api_keys.create(account.id, project_id=project.id, scopes=["api.all.read"])
    assert refusal.value.param == "scopes"


# -- keys ---------------------------------------------------------------------------------------------


def test_a_service_account_comes_with_a_key_that_works_in_its_project_alone(
    admin: OpenAI, project: Project, with_key: Callable[..., OpenAI], server
) -> None:
    calls = admin.admin.organization.projects
    account = calls.service_accounts.create(project.id, name="nightly")
    assert account.api_key is not None and account.role == "member"
    secret = account.api_key.value
    program = with_key(secret)
    answer = program.models.with_raw_response.list()
    assert answer.headers["openai-project"] == project.id
    uploaded = program.files.create(file=("a.txt", b"a"), purpose="user_data")
    assert [known.id for known in program.files.list()] == [uploaded.id]

    (shown,) = calls.api_keys.list(project.id)
    assert shown.id == account.api_key.id
    assert shown.owner.service_account is not None and shown.owner.service_account.id == account.id
    assert shown.last_used_at is not None
    assert shown.redacted_value.endswith(secret[-4:]) and secret not in shown.to_json()
    assert calls.api_keys.retrieve(shown.id, project_id=project.id).id == shown.id
    assert calls.service_accounts.retrieve(account.id, project_id=project.id).name == "nightly"
    assert calls.service_accounts.update(account.id, project_id=project.id, name="daily").name == "daily"
    second = calls.service_accounts.api_keys.create(account.id, project_id=project.id, name="second")
    assert with_key(second.value).models.list().data
    assert [known.id for known in calls.api_keys.list(project.id, limit=1)] == [shown.id, second.id]

    for path in server.data.glob("tunesmith.db*"):
        assert secret.encode() not in path.read_bytes(), "only a hash is kept"

    assert calls.service_accounts.delete(account.id, project_id=project.id).deleted
    for ended in (secret, second.value):
        with pytest.raises(openai.AuthenticationError) as refusal:
            with_key(ended).models.list()
        assert refusal.value.code == "invalid_api_key"
    assert list(calls.api_keys.list(project.id)) == []
    assert list(calls.service_accounts.list(project.id)) == []


def test_an_account_can_be_made_without_a_key(admin: OpenAI, project: Project) -> None:
    calls = admin.admin.organization.projects.service_accounts
    account = calls.create(project.id, name="later", create_service_account_only=True)
    assert (account.role, account.api_key) == ("none", None)
    assert calls.api_keys.create(account.id, project_id=project.id).name == "later"
    assert calls.retrieve(account.id, project_id=project.id).role == "member"


def test_one_plain_request_makes_a_key(
    http: httpx2.Client, project: Project, with_key: Callable[..., OpenAI]
) -> None:
    path = f"/v1/organization/projects/{project.id}/api_keys"
    made = http.post(path, json={"name": "from curl", "expires_in_seconds": 3600}).json()
    assert with_key(made["value"]).models.list().data
    assert made["owner"]["service_account"]["name"] == "from curl"
    assert made["expires_at"] == pytest.approx(time.time() + 3600, abs=60)
    assert "value" not in http.get(f"{path}/{made['id']}").json()
    changed = http.post(f"{path}/{made['id']}", json={"expires_in_seconds": 60}).json()
    assert changed["expires_at"] == pytest.approx(time.time() + 60, abs=30)


def test_a_revoked_key_ends_at_once_together_with_its_streams(
    admin: OpenAI, project: Project, with_key: Callable[..., OpenAI]
) -> None:
    key_id, secret = secret_of(admin, project)
    program = with_key(secret)
    stream = program.chat.completions.create(model="nano", messages=HI, stream=True, **ENDLESS)
    chunks = iter(stream)
    next(chunks)
    admin.admin.organization.projects.api_keys.delete(key_id, project_id=project.id)
    revoked = time.monotonic()
    with pytest.raises(openai.APIError, match="has been revoked"):
        for _ in chunks:
            pass
    assert time.monotonic() - revoked < SOON_S
    with pytest.raises(openai.AuthenticationError):
        program.models.list()


def test_a_revoked_keys_whole_answer_under_way_is_refused(
    admin: OpenAI, project: Project, with_key: Callable[..., OpenAI]
) -> None:
    key_id, secret = secret_of(admin, project)
    outcome: list[object] = []

    def ask() -> None:
        try:
            outcome.append(
                with_key(secret).chat.completions.create(model="nano", messages=HI, n=16, **ENDLESS)
            )
        except openai.APIError as error:
            outcome.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    time.sleep(0.3)
    admin.admin.organization.projects.api_keys.delete(key_id, project_id=project.id)
    asking.join(SOON_S)
    assert len(outcome) == 1 and isinstance(outcome[0], openai.AuthenticationError)


def test_an_archived_project_does_nothing_any_more(
    server, admin: OpenAI, project: Project, with_key: Callable[..., OpenAI], small_training_file
) -> None:
    _, secret = secret_of(admin, project)
    program = with_key(secret)
    rows = program.files.create(file=small_training_file, purpose="fine-tune")
    job = program.fine_tuning.jobs.create(model="nano", training_file=rows.id)
    stream = iter(program.chat.completions.create(model="nano", messages=HI, stream=True, **ENDLESS))
    next(stream)
    admin.admin.organization.projects.archive(project.id)
    with pytest.raises(openai.APIError, match="archived"):
        list(stream)
    with pytest.raises(openai.AuthenticationError, match="archived") as refusal:
        program.fine_tuning.jobs.retrieve(job.id)
    assert refusal.value.code == "project_archived"
    with pytest.raises(openai.AuthenticationError, match="archived"):
        with_key(admin.admin_api_key, project=project.id).models.list()
    db = Database.open(f"sqlite:///{server.data / 'tunesmith.db'}")
    row = jobs.find(db, job.id)
    db.close()
    assert row is not None and row.status == "cancelled"


# -- who may, and where -------------------------------------------------------------------------------


def test_a_projects_key_manages_nothing(
    admin: OpenAI, project: Project, with_key: Callable[..., OpenAI], http: httpx2.Client
) -> None:
    _, secret = secret_of(admin, project)
    paths = http.get("/openapi.json").json()["paths"]
    asked = 0
    for path, methods in paths.items():
        if path.startswith("/v1/organization"):
            for method in methods:
                answer = http.request(
                    method.upper(),
                    path.replace("{project_id}", project.id),
                    headers={"authorization": f"Bearer {secret}"},
                )
                assert answer.status_code == 403, (method, path)
                assert "admin key" in answer.json()["error"]["message"]
                asked += 1
    assert asked > 20


def test_an_admin_key_acts_in_the_project_that_the_header_names(
    admin: OpenAI, project: Project, with_key: Callable[..., OpenAI]
) -> None:
    _, secret = secret_of(admin, project)
    acting = with_key(admin.admin_api_key, project=project.id, organization="personal")
    uploaded = acting.files.create(file=("a.txt", b"a"), purpose="user_data")
    assert with_key(secret).files.retrieve(uploaded.id).id == uploaded.id
    with pytest.raises(openai.NotFoundError):
        with_key(admin.admin_api_key).files.retrieve(uploaded.id)


def test_headers_that_do_not_match_the_key_are_refused_in_openais_words(
    admin: OpenAI, project: Project, with_key: Callable[..., OpenAI]
) -> None:
    _, secret = secret_of(admin, project)
    other = admin.admin.organization.projects.create(name=f"other {ids.random_name(8)}")
    for secret_, options, code, sentence in (
        (secret, {"organization": "org-x"}, "mismatched_organization", "OpenAI-Organization header should"),
        (secret, {"project": other.id}, "mismatched_project", "OpenAI-Project header should match project"),
        (secret, {"project": "proj_x"}, "mismatched_project", "OpenAI-Project header should match project"),
        (admin.admin_api_key, {"project": "proj_x"}, "mismatched_project", "OpenAI-Project header should"),
    ):
        with pytest.raises(openai.AuthenticationError, match=sentence) as refusal:
            with_key(secret_, **options).models.list()
        assert refusal.value.code == code
    assert with_key(secret, organization="personal", project=project.id).models.list().data


def test_admin_keys_are_made_listed_used_and_deleted(admin: OpenAI, with_key: Callable[..., OpenAI]) -> None:
    calls = admin.admin.organization.admin_api_keys
    made = calls.create(name="second admin")
    assert made.value.startswith("sk-admin-")
    another = OpenAI(base_url=admin.base_url, api_key="sk-x", admin_api_key=made.value, max_retries=0)
    with another:
        shown = another.admin.organization.admin_api_keys.retrieve(made.id)
        assert shown.owner.role == "owner" and shown.redacted_value.endswith(made.value[-4:])
        known = [key.id for key in calls.list(limit=1)]
        assert made.id in known
        assert [key.id for key in calls.list(limit=1, order="desc")] == known[::-1]
        assert calls.delete(made.id).deleted
        with pytest.raises(openai.AuthenticationError):
            another.admin.organization.projects.list()
    with pytest.raises(openai.NotFoundError):
        calls.retrieve(made.id)
