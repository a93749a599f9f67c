"""What can be refused at once is refused at once, in a sentence that names the field."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.store.factories import a_file, a_job, model_row, other_principal
from tunesmith.data.base import Catalog
from tunesmith.errors import InvalidRequest, ModelNotFound, NotFound
from tunesmith.jobs.creation import CreateJob, create_job
from tunesmith.store import events, jobs, models
from tunesmith.store.database import Database
from tunesmith.store.rows import Principal


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
    with pytest.raises(InvalidRequest, match="'reinforcement'.*use 'supervised' or 'dpo'"):
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


def test_an_integration_that_is_not_contacted_is_named_in_a_warning(
    db: Database, catalog: Catalog, who: Principal
) -> None:
    job = create(db, catalog, who, integrations=[{"type": "wandb", "wandb": {"project": "p"}}])
    warnings = [e.message for e in events.list_page(db, who.project_id, job.id).rows if e.level == "warn"]
    assert len(warnings) == 1 and "wandb" in warnings[0]


def create(db: Database, catalog: Catalog, who: Principal, **asked: Any) -> Any:
    """A job that asks for as little as possible."""
    values = {"model": "nano", "training_file": a_file(db, who).id, **asked}
    return create_job(db, catalog, who, CreateJob(**values))
