"""`/v1/models` through the real client."""

from __future__ import annotations

import openai
import pytest
from openai import OpenAI
from openai.types.fine_tuning import FineTuningJob


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
