"""`/v1/models` through the real client."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import httpx2
import openai
import pytest
from openai import OpenAI
from openai.types.fine_tuning import FineTuningJob

from tests.conftest import RunningServer
from tunesmith import ids
from tunesmith.store import models
from tunesmith.store.database import Database
from tunesmith.store.rows import ModelRow

HI = [{"role": "user", "content": "Say red."}]


@pytest.fixture
def copy_of(server: RunningServer, tuned_model: str) -> Iterator[Callable[..., str]]:
    """Registers the tuned model once more, under another name and changed as asked."""
    db = Database.open(f"sqlite:///{server.data / 'tunesmith.db'}")
    with db.read() as connection:
        found = connection.exec_driver_sql("SELECT id FROM models WHERE name = ?", (tuned_model,)).scalar()
    row = models.find(db, found)  # type: ignore[arg-type]
    assert row is not None

    def copy(**changes: str) -> str:
        model_id = ids.new_id("model")
        name = f"ft:gpt-4o-mini-2024-07-18:personal:copy:{ids.random_name(8)}"
        made: ModelRow = replace(row, id=model_id, prefix=f"models/{model_id}", **{"name": name, **changes})  # type: ignore[arg-type]
        models.insert(db, made)
        return made.name

    yield copy
    db.close()


def test_aliases_bases_and_tuned_models_are_listed_with_the_weights_that_answer(
    client: OpenAI, tuned_model: str
) -> None:
    models = {model.id: model for model in client.models.list()}
    for name in (
        "nano",
        "gpt-4o-mini",
        "gpt-4o-mini-2024-07-18",
        "gpt-3.5-turbo",
        "davinci-002",
        tuned_model,
    ):
        assert models[name].to_dict()["served_by"] == "nano"
    assert models[tuned_model].owned_by == "personal"
    assert models["nano"].created > 0


def test_each_listed_model_can_be_retrieved(client: OpenAI, tuned_model: str) -> None:
    for model in client.models.list():
        assert client.models.retrieve(model.id) == model


def test_a_checkpoint_can_be_retrieved_by_its_name(client: OpenAI, tuned_job: FineTuningJob) -> None:
    for checkpoint in client.fine_tuning.jobs.checkpoints.list(tuned_job.id):
        assert client.models.retrieve(checkpoint.fine_tuned_model_checkpoint).owned_by == "personal"


def test_a_model_for_embeddings_can_be_retrieved_and_says_so_to_who_wants_to_chat(client: OpenAI) -> None:
    name = "text-embedding-3-small"
    assert client.models.retrieve(name).id == name
    with pytest.raises(openai.NotFoundError, match="makes embeddings: ask POST /v1/embeddings") as refusal:
        client.chat.completions.create(model=name, messages=HI)
    assert refusal.value.code == "model_not_found"


def test_an_unknown_name_is_a_404_that_names_the_nearest(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as refusal:
        client.models.retrieve("gpt-4o-mni")
    assert refusal.value.code == "model_not_found"
    message = refusal.value.body["message"]  # type: ignore[index]
    assert message.startswith("The model `gpt-4o-mni` does not exist or you do not have access to it.")
    assert "`gpt-4o-mini`" in message


@pytest.mark.parametrize("name", ["meta-llama/Llama-3", "../../etc/passwd", "ft:a/b:c::d", "x#y", "%2e%2e"])
def test_names_with_slashes_are_only_names(client: OpenAI, name: str) -> None:
    with pytest.raises(openai.NotFoundError) as refusal:
        client.models.retrieve(name)
    assert refusal.value.code == "model_not_found"


def test_a_base_cannot_be_deleted(client: OpenAI) -> None:
    for name in ("nano", "gpt-4o-mini"):
        with pytest.raises(openai.PermissionDeniedError):
            client.models.delete(name)
    with pytest.raises(openai.NotFoundError):
        client.models.delete("ft:gpt-3.5-turbo:acemeco:suffix:abc123")


def test_a_model_s_name_and_what_answers_under_it(client: OpenAI, tuned_model: str) -> None:
    for name, served_by in (("gpt-4o-mini", "nano"), ("nano", "nano"), (tuned_model, "nano")):
        model = client.models.retrieve(name)
        assert (model.id, model.object, model.shutdown_date) == (name, "model", None)
        assert model.to_dict()["served_by"] == served_by


def test_a_base_is_found_by_its_folder(client: OpenAI, http: httpx2.Client) -> None:
    folder = str(Path(models.__file__).parents[1] / "assets" / "nano")
    assert client.models.retrieve(folder).to_dict()["served_by"] == "nano"
    assert client.chat.completions.create(model=folder, messages=HI, max_tokens=2).model == "nano"  # type: ignore[arg-type]
    refusal = client.with_options(max_retries=0)
    with pytest.raises(openai.NotFoundError, match="start the server with --base-model"):
        refusal.models.retrieve("Qwen/Qwen3-0.6B")


@pytest.mark.parametrize("spelling", ["org%2Fbase", "org/base"])
def test_a_name_with_a_slash_is_one_name_however_it_is_written(
    client: OpenAI, http: httpx2.Client, copy_of: Callable[..., str], spelling: str
) -> None:
    name = copy_of(name=f"ft:org/base:personal::{ids.random_name(8)}")
    assert client.models.retrieve(name).id == name
    assert http.get(f"/v1/models/{name.replace('org/base', spelling)}").json()["id"] == name
    answer = http.delete(f"/v1/models/{name.replace('org/base', spelling)}")
    assert answer.json() == {"id": name, "object": "model", "deleted": True}
    with pytest.raises(openai.NotFoundError):
        client.models.delete(name)


def test_a_deleted_model_answers_no_more_and_is_in_no_list(
    client: OpenAI, copy_of: Callable[..., str]
) -> None:
    name = copy_of()
    assert name in [model.id for model in client.models.list()]
    assert client.models.delete(name).deleted
    assert name not in [model.id for model in client.models.list()]
    for ask in (
        lambda: client.models.retrieve(name),
        lambda: client.chat.completions.create(model=name, messages=HI),  # type: ignore[arg-type]
        lambda: client.fine_tuning.jobs.create(model=name, training_file="file-absent"),
    ):
        with pytest.raises(openai.NotFoundError) as refusal:
            ask()
        assert refusal.value.code == "model_not_found"


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"base_id": "llama-8b"}, "which is not loaded"), ({"base_digest": "sha256:0"}, "weights are others")],
)
def test_a_model_whose_base_is_not_here_says_what_to_start(
    client: OpenAI, copy_of: Callable[..., str], changes: dict[str, str], words: str
) -> None:
    name = copy_of(**changes)
    patient = client.with_options(max_retries=2)  # it must not try again: nothing changes by itself
    with pytest.raises(openai.InternalServerError, match=words) as refusal:
        patient.chat.completions.create(model=name, messages=HI)  # type: ignore[arg-type]
    assert refusal.value.status_code == 503
    assert refusal.value.code == "base_model_not_available"
    assert "--base-model" in refusal.value.message
    assert client.models.retrieve(name).id == name
    with pytest.raises(openai.BadRequestError, match="--base-model") as refused:
        client.fine_tuning.jobs.create(model=name, training_file="file-absent")
    assert (refused.value.param, refused.value.code) == ("model", "model_not_available")
    assert client.models.delete(name).deleted


def test_a_checkpoint_answers_by_its_own_name_and_by_its_model_s(
    client: OpenAI, tuned_job: FineTuningJob, tuned_model: str
) -> None:
    for checkpoint in client.fine_tuning.jobs.checkpoints.list(tuned_job.id):
        own = checkpoint.fine_tuned_model_checkpoint
        assert own.endswith(f":ckpt-step-{checkpoint.step_number}")
        for name in (own, f"{tuned_model}:ckpt-step-{checkpoint.step_number}"):
            assert client.models.retrieve(name).id == own
            answer = client.chat.completions.create(model=name, messages=HI, max_tokens=2)  # type: ignore[arg-type]
            assert answer.model == own
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve(f"{tuned_model}:ckpt-step-999")
