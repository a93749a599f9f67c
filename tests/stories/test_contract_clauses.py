"""A course's four steps: prompt/completion rows on a chat model, `n_epochs` the old way, and a first chat."""

# ruff: noqa: E501, SIM115  (long texts and open files are as the document has them)

from __future__ import annotations

from types import SimpleNamespace

import pytest
from openai import OpenAI

pytestmark = [
    pytest.mark.timeout(330),  # a job waits for its turn, and for a CPU
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # the course leaves its files open
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

CLAUSES = {
    "Generate a confidentiality agreement clause:": "The Parties agree to keep all information confidential...",
    "Create a termination clause for a contract:": (
        "This Agreement may be terminated by either party upon written notice..."
    ),
    "Write a payment clause:": "The Customer shall pay each invoice within thirty days...",
    "Write a delivery clause:": "The Supplier shall deliver the goods to the agreed place...",
    "Write a warranty clause:": "The Supplier warrants that the goods are free of defects...",
    "Write a liability clause:": "Neither party is liable for indirect damage...",
    "Create a notice clause:": "Notices under this Agreement shall be in writing...",
    "Create a governing law clause:": "This Agreement is governed by the law of the Supplier's seat...",
    "Create a renewal clause:": "This Agreement renews for one year unless either party objects...",
    "Create an assignment clause:": "Neither party may assign this Agreement without consent...",
}


@pytest.fixture(scope="module")
def story(jsonl) -> SimpleNamespace:
    jsonl("mydata.jsonl", [{"prompt": prompt, "completion": text} for prompt, text in CLAUSES.items()])
    return SimpleNamespace()


def test_upload_the_dataset(story):
    client = OpenAI()

    uploaded = client.files.create(file=open("mydata.jsonl", "rb"), purpose="fine-tune")

    assert uploaded.purpose == "fine-tune"
    story.file_id = uploaded.id


def test_fine_tune_with_hyperparameters_at_the_top_level(story, finished):
    client = OpenAI()

    job = client.fine_tuning.jobs.create(
        training_file=story.file_id, model="gpt-4o-mini-2024-07-18", hyperparameters={"n_epochs": 2}
    )

    assert job.hyperparameters.n_epochs == 2
    story.job = finished(job.id)
    assert story.job.hyperparameters.n_epochs == 2
    assert story.job.method.supervised.hyperparameters.n_epochs == 2


def test_the_events_say_that_prompts_became_user_and_completions_assistant(story, events_of):
    messages = [event.message for event in events_of(story.job.id)]

    assert any("prompt" in m and "completion" in m and "assistant" in m for m in messages), messages


def test_the_model_answers_test_prompts(story):
    client = OpenAI()

    completion = client.chat.completions.create(
        model=story.job.fine_tuned_model,
        messages=[
            {"role": "system", "content": "You are a helpful assistant."},
            {"role": "user", "content": "Write a haiku about recursion in programming."},
        ],
    )

    assert completion.choices[0].message.content


def test_the_legacy_endpoint_asks_as_the_model_was_trained(story):
    """Its rows became user and assistant turns, so a prompt must be a user turn here too."""
    client = OpenAI()
    prompt, asked = "Write a payment clause:", {"model": story.job.fine_tuned_model, "temperature": 0}

    completion = client.completions.create(prompt=prompt, max_tokens=24, **asked)
    chat = client.chat.completions.create(
        messages=[{"role": "user", "content": prompt}], max_tokens=24, **asked
    )

    assert completion.usage.prompt_tokens == chat.usage.prompt_tokens
    assert completion.choices[0].text == chat.choices[0].message.content
