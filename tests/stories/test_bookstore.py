"""A guide to fine-tuning gpt-4o-mini for a bookstore's support: rows, a reproducible job, and the model in use."""

# ruff: noqa: E501, SIM115  (long texts and open files are as the document has them)

from __future__ import annotations

from types import SimpleNamespace

import pytest
from openai import OpenAI

pytestmark = [
    pytest.mark.timeout(330),  # a job waits for its turn, and for a CPU
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # the guide leaves its files open
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

N_EPOCHS = 6  # the form's automatic value would be 20: more than a test needs
SUPPORT = "You are a customer service representative for an online bookstore."
ANSWERS = {
    "How long does shipping usually take?": (
        "Shipping times typically range from 3-5 business days for standard delivery. "
        "Express shipping options are available for faster delivery."
    ),
    "Can I return a book if I don't like it?": (
        "Yes, we offer a 30-day return policy for books in new condition. "
        "Please keep the original receipt for your return."
    ),
    "I received a wrong book.": "We are sorry. Please send us a photo, and we will ship the right one today.",
    "Do you sell used books?": "Yes, used books are marked as such on their page.",
    "Can I change my order?": "Yes, until it has been shipped. Please tell us your order number.",
    "Do you ship abroad?": "Yes, we ship to most countries. It takes 7-14 business days.",
    "How can I pay?": "You can pay by card, by bank transfer or by invoice.",
    "Do you have gift cards?": "Yes, gift cards are available from 10 to 200 dollars.",
    "Can you order a rare book?": "We can try. Please tell us the title and the author.",
    "Where is my order?": "Please tell us your order number, and we will look it up.",
}
COMPLETIONS = {
    "Summarize the main points of the article:": "The article discusses...",
    "Translate the following sentence to French:": "La traduction est...",
    "What are the key features of Python?": "Python's key features include...",
    **{
        f"What are the key features of the {thing}?": f"The {thing}'s key features include..."
        for thing in ("book", "lamp", "chair", "table", "clock", "radio", "phone")
    },
}


@pytest.fixture(scope="module")
def story(jsonl) -> SimpleNamespace:
    jsonl(
        "customer_service.jsonl",
        [
            {
                "messages": [
                    {"role": "system", "content": SUPPORT},
                    {"role": "user", "content": question},
                    {"role": "assistant", "content": answer},
                ]
            }
            for question, answer in ANSWERS.items()
        ],
    )
    return SimpleNamespace(jobs=[])


def test_create_the_job_with_suffix_seed_and_automatic_settings(story, finished):
    """What the guide fills into the form: base, data, no validation data, suffix, seed, the rest automatic."""
    client = OpenAI()
    uploaded = client.files.create(file=open("customer_service.jsonl", "rb"), purpose="fine-tune")
    for _ in range(2):  # the second time is for the next step
        job = client.fine_tuning.jobs.create(
            model="gpt-4o-mini",
            training_file=uploaded.id,
            validation_file=None,
            suffix="customer-service",
            seed=42,
            method={
                "type": "supervised",
                "supervised": {
                    "hyperparameters": {
                        "batch_size": "auto",
                        "learning_rate_multiplier": "auto",
                        "n_epochs": N_EPOCHS,
                    }
                },
            },
        )
        assert job.seed == 42
        story.jobs.append(job.id)

    job = finished(story.jobs[0])
    assert isinstance(job.hyperparameters.batch_size, int)
    assert isinstance(job.hyperparameters.learning_rate_multiplier, float)
    assert job.fine_tuned_model.startswith("ft:gpt-4o-mini-2024-07-18:personal:customer-service:")
    story.model = job.fine_tuned_model


def test_the_same_seed_and_parameters_give_the_same_losses(story, finished, events_of):
    finished(story.jobs[1])

    [first, second] = [
        [
            (event.data["step"], event.data["train_loss"], event.data["train_mean_token_accuracy"])
            for event in events_of(job_id)
            if event.type == "metrics"
        ]
        for job_id in story.jobs
    ]

    assert first == second
    story.losses = [loss for _, loss, _ in first]
    story.losses_per_epoch = len(first) // N_EPOCHS


def test_the_training_loss_falls(story):
    """By the curve that the guide looks at: the mean of the last epoch against that of the first."""
    epoch = story.losses_per_epoch

    assert sum(story.losses[-epoch:]) < 0.8 * sum(story.losses[:epoch])


def test_use_the_model_in_an_application(story):
    client = OpenAI()

    completion = client.chat.completions.create(
        model=story.model,
        messages=[
            {
                "role": "system",
                "content": "You are a customer service representative for an online bookstore. Provide helpful and friendly assistance to customers with their inquiries.",
            },
            {"role": "user", "content": "I received a damaged book. What should I do?"},
        ],
    )

    assert completion.choices[0].message.content


def test_rows_for_a_completion_model_tune_davinci_002(jsonl, finished):
    jsonl("completions.jsonl", [{"prompt": p, "completion": c} for p, c in COMPLETIONS.items()])
    client = OpenAI()
    uploaded = client.files.create(file=open("completions.jsonl", "rb"), purpose="fine-tune")
    job = client.fine_tuning.jobs.create(
        model="davinci-002",
        training_file=uploaded.id,
        method={"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 1}}},
    )

    model = finished(job.id).fine_tuned_model

    assert model.startswith("ft:davinci-002:personal:")
    completion = client.completions.create(
        model=model, prompt="What are the key features of Go?", max_tokens=8
    )
    assert completion.choices[0].text
