"""Validation moves a job on or fails it with everything that is wrong in its files."""

from __future__ import annotations

import json

import pytest

from tests.store.factories import a_file
from tunesmith.data.base import Catalog
from tunesmith.jobs.control import cancel
from tunesmith.jobs.creation import CreateJob, create_job
from tunesmith.jobs.validate import Interrupted, validate_job
from tunesmith.store import events, files, jobs
from tunesmith.store.blobs import Blobs
from tunesmith.store.database import Database
from tunesmith.store.rows import JobRow, Principal

CHAT = {"messages": [{"role": "user", "content": "2 + 2?"}, {"role": "assistant", "content": "4"}]}
PREFERENCE = {
    "input": {"messages": [{"role": "user", "content": "2 + 2?"}]},
    "preferred_output": [{"role": "assistant", "content": "4"}],
    "non_preferred_output": [{"role": "assistant", "content": "5"}],
}


class Office:
    """What a test of validation needs, in one place."""

    def __init__(self, db: Database, blobs: Blobs, catalog: Catalog, who: Principal) -> None:
        self.db, self.blobs, self.catalog, self.who = db, blobs, catalog, who

    def file(self, rows: list) -> str:
        """A stored file of these rows; a string stands for a line as it is."""
        text = "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows)
        return a_file(self.db, self.who, self.blobs, text.encode()).id

    def judged(self, training: list, validation: list | None = None) -> JobRow:
        """The job after its validation."""
        request = CreateJob(
            model="gpt-4o-mini",
            training_file=self.file(training),
            validation_file=None if validation is None else self.file(validation),
        )
        job = create_job(self.db, self.catalog, self.who, request)
        validate_job(self.db, self.blobs, self.catalog, job)
        return jobs.get(self.db, self.who.project_id, job.id)

    def story(self, job: JobRow) -> list:
        """The job's events, oldest first."""
        return events.list_page(self.db, self.who.project_id, job.id).rows[::-1]


@pytest.fixture
def office(db: Database, blobs: Blobs, catalog: Catalog, who: Principal) -> Office:
    return Office(db, blobs, catalog, who)


def test_good_files_queue_the_job(office: Office) -> None:
    job = office.judged([CHAT] * 10, [CHAT] * 2)
    assert (job.status, job.n_examples, job.n_valid_examples, job.error) == ("queued", 10, 2, None)
    assert office.story(job)[-1].message == "Files validated, moving job to queued state"


def test_all_faults_of_both_files_stand_in_the_error(office: Office) -> None:
    job = office.judged([CHAT, "{", *[CHAT] * 9, {"messages": []}], ['{"prompt": 1}'])
    assert job.status == "failed"
    assert job.error is not None
    assert (job.error["code"], job.error["param"]) == ("invalid_file_format", "training_file")
    message = job.error["message"]
    assert message is not None
    training, _, validation = message.partition("validation file")
    assert "Line 2:" in training and "Line 12:" in training
    assert "Line 1:" in validation
    last = office.story(job)[-1]
    assert (last.level, last.message) == ("error", message)
    assert last.data == {"error_code": "invalid_file_format", "error_param": "training_file"}
    assert job.finished_at is not None and job.finished_at >= job.created_at


def test_a_bad_validation_file_is_the_param(office: Office) -> None:
    job = office.judged([CHAT] * 10, ["[]"])
    assert job.error is not None and job.error["param"] == "validation_file"


def test_too_few_examples_have_a_code_of_their_own(office: Office) -> None:
    job = office.judged([CHAT] * 7)
    assert job.error is not None and job.error["code"] == "invalid_n_examples"
    expected = "Training file has 7 example(s), but must have at least 10 examples"
    assert job.error["message"] == expected


def test_preference_rows_for_supervised_training_are_refused_with_a_clear_error(office: Office) -> None:
    job = office.judged([PREFERENCE] * 10)
    assert job.status == "failed"
    assert job.error is not None and "preference" in (job.error["message"] or "")


def test_prompt_and_completion_on_a_chat_model_are_mentioned(office: Office) -> None:
    job = office.judged([{"prompt": "2 + 2?", "completion": "4"}] * 10)
    assert job.status == "queued"
    assert any("user message and an assistant reply" in event.message for event in office.story(job))


def test_a_validation_that_was_killed_is_done_again_and_told_once(office: Office) -> None:
    request = CreateJob(model="nano", training_file=office.file([CHAT] * 10))
    job = create_job(office.db, office.catalog, office.who, request)
    with pytest.raises(Interrupted):
        validate_job(office.db, office.blobs, office.catalog, job, stopping=lambda: True)
    assert jobs.get(office.db, office.who.project_id, job.id) == job
    for _ in range(2):
        validate_job(office.db, office.blobs, office.catalog, job)
    assert [e.kind for e in office.story(job)] == ["created", "weights", "validating", "queued"]


def test_a_job_cancelled_during_its_validation_stays_cancelled(office: Office) -> None:
    request = CreateJob(model="nano", training_file=office.file([CHAT] * 10))
    job = create_job(office.db, office.catalog, office.who, request)
    cancel(office.db, office.who.project_id, job.id)
    validate_job(office.db, office.blobs, office.catalog, job)
    assert jobs.get(office.db, office.who.project_id, job.id).status == "cancelled"


def test_a_file_deleted_after_the_job_was_made_is_still_read(office: Office) -> None:
    request = CreateJob(model="nano", training_file=office.file([CHAT] * 10))
    job = create_job(office.db, office.catalog, office.who, request)
    files.delete(office.db, office.who.project_id, job.training_file)
    validate_job(office.db, office.blobs, office.catalog, job)
    assert jobs.get(office.db, office.who.project_id, job.id).status == "queued"


def test_bytes_that_are_gone_fail_the_job_with_a_sentence(office: Office) -> None:
    request = CreateJob(model="nano", training_file=office.file([CHAT] * 10))
    job = create_job(office.db, office.catalog, office.who, request)
    office.blobs.delete(f"files/{job.training_file}")
    validate_job(office.db, office.blobs, office.catalog, job)
    failed = jobs.get(office.db, office.who.project_id, job.id)
    assert failed.error is not None and "no longer there" in (failed.error["message"] or "")
