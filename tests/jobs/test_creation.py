"""What can be refused at once is refused at once, in a sentence that names the field."""

from __future__ import annotations

import importlib
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from tests.store.factories import a_file, a_job, model_row, other_principal
from tunesmith import ids
from tunesmith.data.base import Catalog
from tunesmith.errors import AuthenticationError, InvalidRequest, ModelNotFound, NotFound
from tunesmith.jobs.creation import CreateJob, create_job
from tunesmith.jobs.integrations import what_wandb_misses
from tunesmith.jobs.lease import claim
from tunesmith.jobs.numbers import shown_method
from tunesmith.jobs.states import QUEUED, VALIDATING, move
from tunesmith.store import events, files, idempotency, jobs, models, projects
from tunesmith.store.database import Database
from tunesmith.store.rows import EventRow, JobRow, Principal
from tunesmith.store.tables import idempotency_keys


def test_a_job_begins_with_its_validation_and_says_which_weights_answer(
    db: Database, catalog: Catalog, who: Principal
) -> None:
    training, validation = a_file(db, who), a_file(db, who)
    job = create_job(
        db,
        catalog,
        who,
        CreateJob(
            model="gpt-4o-mini",
            training_file=training.id,
            validation_file=validation.id,
            suffix="kiln_ai.1",
            metadata={"team": "a"},
            method={"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 2}}},
        ),
    )
    assert jobs.get(db, who.project_id, job.id) == job
    assert (job.status, job.model, job.base_id) == ("validating_files", "gpt-4o-mini-2024-07-18", "nano")
    assert job.base_digest == catalog.default.digest
    assert 0 <= job.seed < 2**31
    assert job.method == {
        "type": "supervised",
        "supervised": {
            "hyperparameters": {"n_epochs": 2, "batch_size": "auto", "learning_rate_multiplier": "auto"}
        },
    }
    told = events.list_page(db, who.project_id, job.id).rows[::-1]
    assert told[0].message == f"Created fine-tuning job: {job.id}"
    assert "nano" in told[1].message and catalog.default.digest[:12] in told[1].message
    assert "gpt-4o-mini-2024-07-18" in told[1].message and "alias" in told[1].message
    expected = f"Validating training file: {training.id} and validation file: {validation.id}"
    assert told[2].message == expected
    assert all(event.data is not None and event.level == "info" for event in told)


def test_an_unknown_model_is_answered_with_the_nearest_names(
    db: Database, catalog: Catalog, who: Principal
) -> None:
    with pytest.raises(ModelNotFound) as raised:
        create(db, catalog, who, model="gpt-4o-mimi")
    assert raised.value.status == 404
    assert "The model `gpt-4o-mimi` does not exist" in raised.value.message
    assert "gpt-4o-mini" in raised.value.message
    assert (raised.value.param, raised.value.code) == ("model", "model_not_found")


def test_a_file_that_is_not_there_or_not_for_training_is_named(
    db: Database, catalog: Catalog, who: Principal
) -> None:
    foreign = a_file(db, other_principal(db)).id
    for absent in ("file-none", foreign):
        with pytest.raises(NotFound) as raised:
            create(db, catalog, who, training_file=absent)
        assert raised.value.param == "training_file"
    with pytest.raises(NotFound) as raised:
        create(db, catalog, who, validation_file="file-none")
    assert raised.value.param == "validation_file"
    batch = a_file(db, who, purpose="batch").id
    with pytest.raises(InvalidRequest, match="purpose 'batch'") as refused:
        create(db, catalog, who, training_file=batch)
    assert refused.value.param == "training_file"
    assert jobs.list_page(db, who.project_id).rows == []


def test_a_method_that_is_not_trained_here_is_refused(db: Database, catalog: Catalog, who: Principal) -> None:
    with pytest.raises(InvalidRequest, match="'reinforcement'.*graders.*Use 'supervised'.*or 'dpo'"):
        create(db, catalog, who, method={"type": "reinforcement", "reinforcement": {}})


def test_dpo_has_all_its_hyperparameters_from_the_start(
    db: Database, catalog: Catalog, who: Principal
) -> None:
    job = create(db, catalog, who, method={"type": "dpo", "dpo": {"hyperparameters": {"beta": 0.3}}})
    values = {"n_epochs": "auto", "batch_size": "auto", "learning_rate_multiplier": "auto", "beta": 0.3}
    assert job.method == {"type": "dpo", "dpo": {"hyperparameters": values}}


@pytest.mark.parametrize("suffix", ["", "a/b", "../x", "ü", "a" * 65, "a b"])
def test_a_suffix_that_could_be_more_than_a_name_is_refused(
    db: Database, catalog: Catalog, who: Principal, suffix: str
) -> None:
    with pytest.raises(InvalidRequest, match="suffix"):
        create(db, catalog, who, suffix=suffix)


def test_a_tuned_model_can_be_tuned_further_on_its_own_base_only(
    db: Database, catalog: Catalog, who: Principal
) -> None:
    first = a_job(db, who, status="succeeded")
    tuned = model_row(who, first.id, base_digest=catalog.default.digest)
    models.insert(db, tuned)
    job = create(db, catalog, who, model=tuned.name)
    assert (job.parent_model_id, job.model, job.base_id) == (tuned.id, tuned.name, "nano")

    for changed, words in (
        ({"base_id": "llama"}, "not loaded here"),
        ({"base_digest": "x"}, "other weights"),
    ):
        stranger = replace(model_row(who, first.id, base_digest=catalog.default.digest), **changed)
        models.insert(db, stranger)
        with pytest.raises(InvalidRequest, match=words):
            create(db, catalog, who, model=stranger.name)
    with pytest.raises(ModelNotFound):
        create(db, catalog, other_principal(db), model=tuned.name)


def test_a_served_base_is_known_by_its_folder_too_and_an_absent_one_is_told_how_to_come(
    db: Database, catalog: Catalog, who: Principal
) -> None:
    folder = catalog.default.path
    for name in (str(folder), f"{folder}/", f"{folder}/../{folder.name}"):
        job = create(db, catalog, who, model=name)
        assert (job.model, job.base_id) == ("nano", "nano")
    for name in ("Qwen/Qwen3-0.6B", "/etc/passwd", str(folder.parent)):
        with pytest.raises(ModelNotFound, match="start the server with --base-model"):
            create(db, catalog, who, model=name)


def test_a_job_has_numbers_for_auto_from_the_moment_it_runs(
    db: Database, catalog: Catalog, who: Principal
) -> None:
    job = create(db, catalog, who, method={"type": "dpo", "dpo": {"hyperparameters": {"n_epochs": 3}}})
    move(db, job.id, QUEUED, only_from=VALIDATING, n_examples=100, estimated_finish=5)
    claimed = claim(db, device="cpu", method=lambda job: shown_method(job, catalog))
    assert claimed is not None
    numbers = claimed.method["dpo"]["hyperparameters"]
    assert numbers["n_epochs"] == 3
    assert all(isinstance(number, int | float) for number in numbers.values())
    assert claimed.requested["dpo"]["hyperparameters"]["batch_size"] == "auto"
    assert claimed.estimated_finish is None, "an earlier attempt's forecast is none"


def test_what_keeps_an_integration_away_is_said_at_once(
    db: Database, catalog: Catalog, who: Principal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.delenv("WANDB_MODE", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "absent"))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    job = create(db, catalog, who, integrations=[{"type": "wandb", "wandb": {"project": "p"}}])
    (warning,) = [e.message for e in events.list_page(db, who.project_id, job.id).rows if e.level == "warn"]
    assert "wandb is not installed" in warning and "no WANDB_API_KEY" in warning


def test_a_folder_of_runs_is_not_the_package_and_a_login_is_a_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "wandb" / "run-1").mkdir(parents=True)
    monkeypatch.syspath_prepend(str(tmp_path))
    sys.modules.pop("wandb", None)
    netrc = tmp_path / "netrc"
    netrc.write_text("machine api.wandb.ai login user password secret\n")
    netrc.chmod(0o600)
    missing = what_wandb_misses({"NETRC": str(netrc)})
    assert missing is not None and "not installed" in missing and "WANDB_API_KEY" not in missing
    (tmp_path / "wandb" / "__init__.py").write_text("")
    importlib.invalidate_caches()
    assert what_wandb_misses({"NETRC": str(netrc)}) is None
    assert what_wandb_misses({"WANDB_MODE": "offline"}) is None
    elsewhere = {"NETRC": str(netrc), "WANDB_BASE_URL": "https://wandb.example"}
    assert "no WANDB_API_KEY" in (what_wandb_misses(elsewhere) or "")


def test_an_idempotency_key_is_its_project_s_and_free_again_after_a_day(
    db: Database, catalog: Catalog, who: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    training_file = a_file(db, who).id
    asked = {"training_file": training_file, "idempotency_key": "again"}
    first = create(db, catalog, who, **asked)
    files.delete(db, who.project_id, training_file)
    assert create(db, catalog, who, **asked) == first, "what is there needs no file"
    stranger = other_principal(db)
    assert create(db, catalog, stranger, idempotency_key="again").id != first.id

    now = ids.now()
    monkeypatch.setattr(ids, "now", lambda: now + idempotency.REMEMBER_S)
    with pytest.raises(NotFound):
        create(db, catalog, who, **asked)
    second = create(db, catalog, who, idempotency_key="again")
    assert second.id != first.id
    with db.read() as connection:
        kept = connection.execute(select(idempotency_keys.c.job_id)).scalars().all()
    assert kept == [second.id], "older keys are swept out"


def test_a_project_that_is_archived_while_its_job_is_made_gets_none(
    db: Database, catalog: Catalog, who: Principal
) -> None:
    over = projects.create(db, who.organization_id, "over")
    theirs = replace(who, project_id=over.id)

    def archive(_: JobRow) -> list[EventRow]:
        projects.archive(db, who.organization_id, over.id)
        return []

    asked = CreateJob(model="nano", training_file=a_file(db, theirs).id)
    with pytest.raises(AuthenticationError) as refusal:
        create_job(db, catalog, theirs, asked, foretell=archive)
    assert refusal.value.code == "project_archived"
    assert jobs.list_page(db, over.id).rows == []


def create(db: Database, catalog: Catalog, who: Principal, **asked: Any) -> Any:
    """A job that asks for as little as possible."""
    values = {"model": "nano", "training_file": a_file(db, who).id, **asked}
    return create_job(db, catalog, who, CreateJob(**values))
