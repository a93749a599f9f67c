"""Projects, service accounts and keys as rows: what ends, what stays, and what is nobody else's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.store.factories import other_principal
from tunesmith import ids
from tunesmith.errors import AuthenticationError, InvalidRequest, NotFound
from tunesmith.store import keys, projects, service_accounts
from tunesmith.store.database import Database
from tunesmith.store.rows import Principal


def test_projects_page_in_the_order_of_their_making(
    db: Database, who: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ids, "now", lambda: 1000)  # within one second too
    made = [projects.create(db, who.organization_id, f"p{n}") for n in range(5)]
    projects.archive(db, who.organization_id, made[1].id)
    seen: list[str] = []
    after = None
    while True:
        page = projects.list_page(db, who.organization_id, after=after, limit=2)
        seen += [row.name for row in page.rows]
        if not page.has_more:
            break
        after = page.rows[-1].id
    assert seen == ["default", "p0", "p2", "p3", "p4"]
    everything = projects.list_page(db, who.organization_id, include_archived=True, limit=100)
    assert len(everything.rows) == 6
    behind = projects.list_page(db, who.organization_id, after=made[1].id, limit=100)
    assert made[1].id not in [row.id for row in behind.rows], "an archived project still serves as a cursor"
    with pytest.raises(InvalidRequest, match="after is"):
        projects.list_page(db, who.organization_id, after="proj_absent")


def test_another_organizations_project_is_absent(db: Database, who: Principal) -> None:
    row = projects.create(db, who.organization_id, "mine")
    for act in (projects.get, projects.change, projects.archive):
        with pytest.raises(NotFound):
            act(db, "org-other", row.id)
    with pytest.raises(NotFound):
        projects.set_rate_limit(db, "org-other", row.id, "nano", requests_per_minute=1)
    assert projects.all_rate_limits(db) == []


def test_own_limits_change_one_by_one(db: Database, who: Principal) -> None:
    for changes in ({"requests_per_minute": 5}, {"tokens_per_minute": 9}, {}, {"requests_per_minute": 0}):
        projects.set_rate_limit(db, who.organization_id, who.project_id, "nano", **changes)
    (row,) = projects.all_rate_limits(db)
    assert (row.requests_per_minute, row.tokens_per_minute) == (0, 9)


def test_an_expired_key_is_no_key(db: Database, who: Principal, monkeypatch: pytest.MonkeyPatch) -> None:
    row, secret = keys.create(db, who.project_id, name="short", expires_at=ids.now() + 10)
    assert keys.authenticate(db, secret) is not None
    now = ids.now()
    monkeypatch.setattr(ids, "now", lambda: now + 10)
    assert keys.authenticate(db, secret) is None
    assert keys.get(db, who.project_id, row.id).id == row.id, "it can still be seen and revoked"
    with pytest.raises(InvalidRequest, match="has expired"):
        keys.set_expiry(db, who.project_id, row.id, now + 99)


def test_only_an_admin_key_speaks_for_another_project_and_only_of_its_organization(
    db: Database, who: Principal
) -> None:
    other = other_principal(db)
    _, admin = keys.create(db, who.project_id, name="admin", is_admin=True)
    _, plain = keys.create(db, who.project_id, name="plain")
    acting = keys.authenticate(db, admin, project_id=other.project_id)
    assert acting is not None and acting.project_id == other.project_id
    assert keys.authenticate(db, plain, project_id=who.project_id) is not None
    for secret, project_id in ((plain, other.project_id), (plain, "proj_x"), (admin, "proj_x")):
        with pytest.raises(AuthenticationError) as refusal:
            keys.authenticate(db, secret, project_id=project_id)
        assert refusal.value.code == "mismatched_project"
    assert keys.authenticate(db, "sk-unknown", project_id="proj_x") is None


def test_an_archived_projects_keys_say_why_they_stopped(db: Database, who: Principal) -> None:
    row = projects.create(db, who.organization_id, "over")
    _, secret = keys.create(db, row.id, name="k")
    _, admin = keys.create(db, who.project_id, name="admin", is_admin=True)
    projects.archive(db, who.organization_id, row.id)
    for known, project_id in ((secret, None), (admin, row.id)):
        with pytest.raises(AuthenticationError, match="archived"):
            keys.authenticate(db, known, project_id=project_id)
    assert keys.authenticate(db, admin) is not None


def test_a_lasting_admin_key_is_always_left(db: Database, who: Principal) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        keys.revoke_admin(db, who.organization_id, who.key_id)
    assert refusal.value.code == "last_admin_key"
    keys.create(db, who.project_id, name="for a day", is_admin=True, expires_at=ids.now() + 86_400)
    keys.create(db, who.project_id, name="no admin")
    with pytest.raises(InvalidRequest):
        keys.revoke_admin(db, who.organization_id, who.key_id)
    second, _ = keys.create(db, who.project_id, name="second", is_admin=True)
    keys.revoke_admin(db, who.organization_id, who.key_id)
    with pytest.raises(InvalidRequest):
        keys.revoke_admin(db, who.organization_id, second.id)
    with pytest.raises(NotFound):
        keys.revoke_admin(db, "org-other", second.id)


def test_admin_keys_and_a_projects_keys_are_listed_apart(db: Database, who: Principal) -> None:
    mine, _ = keys.create(db, who.project_id, name="mine")
    assert [row.id for row in keys.list_page(db, who.project_id).rows] == [mine.id]
    assert [row.id for row in keys.list_admin(db, who.organization_id).rows] == [who.key_id]
    for wrong in (who.key_id, "key_absent"):
        with pytest.raises(NotFound):
            keys.get(db, who.project_id, wrong)
    with pytest.raises(NotFound):
        keys.get_admin(db, who.organization_id, mine.id)


def test_a_service_accounts_end_is_its_keys_end(db: Database, who: Principal) -> None:
    account = service_accounts.create(db, who.project_id, name="nightly", role="member")
    made = [keys.create(db, who.project_id, name="k", service_account_id=account.id)[0].id for _ in range(2)]
    keys.create(db, who.project_id, name="another's")
    with db.write() as connection:
        service_accounts.delete(connection, who.project_id, account.id)
        assert keys.revoke_all(connection, who.project_id, account.id) == made
    assert [row.name for row in keys.list_page(db, who.project_id).rows] == ["another's"]
    for act in (service_accounts.get, service_accounts.delete, service_accounts.change):
        with pytest.raises(NotFound):
            act(db, who.project_id, account.id)


def test_a_service_account_is_its_projects_alone(db: Database, who: Principal) -> None:
    account = service_accounts.create(db, who.project_id, name="mine", role="member")
    other = other_principal(db)
    for act in (service_accounts.get, service_accounts.delete):
        with pytest.raises(NotFound):
            act(db, other.project_id, account.id)
    assert service_accounts.list_page(db, other.project_id).rows == []
    assert service_accounts.change(db, who.project_id, account.id, name="ours") == replace(
        account, name="ours"
    )
