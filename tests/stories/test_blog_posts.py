"""Fine-tuning gpt-4o-mini for blog posts: data, upload, job, looking after it, using the model, evaluating."""

# ruff: noqa: E501, SIM115  (long texts and open files are as the document has them)

from __future__ import annotations

from types import SimpleNamespace

import pytest
from openai import NotFoundError, OpenAI

# The document's scripts open a file and leave it, and the client, to the interpreter's end.
pytestmark = [
    pytest.mark.timeout(330),  # a job waits for its turn, and for a CPU
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

WRITER = (
    "Please write an SEO article of no less than 800 words based on the title I gave you, including at least 4 "
    "subtitles by HTML format. Do not include the <h1> , <body> tag.  Do not include the <html> tag in the start "
    "and end of the content. Directly start with the content."
)
TITLES = [
    ("What is the Difference Between a Mural and a Mosaic?", "mural", "mosaic, wall art"),
    ("How to Choose a Yoga Mat", "yoga mat", "grip, thickness"),
    ("Five Kinds of Garden Chairs", "garden chair", "teak, folding"),
    ("What to Know Before Buying a Drill", "drill", "battery, torque"),
    ("Why Glass Bottles Are Back", "glass bottle", "reuse, taste"),
    ("A Short Guide to Wool Socks", "wool socks", "merino, warmth"),
    ("The Best Lamps for Reading", "reading lamp", "warm light, dimmer"),
    ("How Often to Change a Filter", "water filter", "flow, taste"),
    ("What Makes a Good Backpack", "backpack", "straps, volume"),
    ("Paper or Cloth Napkins?", "napkins", "table, washing"),
]


def blog_row(title: str, core: str, related: str) -> dict:
    article = f"<h2>What is a {core}?</h2><p>Easy to find.</p><h2>What matters</h2><p>Look at {related}.</p>"
    return {
        "messages": [
            {"role": "system", "content": WRITER},
            {"role": "user", "content": f"title:{title},core keyword:{core},related keyword:{related}"},
            {"role": "assistant", "content": article},
        ]
    }


def marv_row(question: str, plain: str, sarcastic: str) -> dict:
    """A multi-turn row with weights: the plain answer is not to be learned."""
    return {
        "messages": [
            {"role": "system", "content": "Marv is a factual chatbot that is also sarcastic."},
            {"role": "user", "content": question},
            {"role": "assistant", "content": plain, "weight": 0},
            {"role": "user", "content": "Can you be more sarcastic?"},
            {"role": "assistant", "content": sarcastic, "weight": 1},
        ]
    }


MARV = [
    marv_row("What's the capital of France?", "Paris", "Paris, as if everyone doesn't know that already."),
    marv_row(
        "Who wrote 'Romeo and Juliet'?",
        "William Shakespeare",
        "Oh, just some guy named William Shakespeare. Ever heard of him?",
    ),
    marv_row(
        "How far is the Moon from Earth?",
        "384,400 kilometers",
        "Around 384,400 kilometers. Give or take a few, like that really matters.",
    ),
    marv_row("What's the capital of Italy?", "Rome", "Rome. All roads lead there, except yours apparently."),
    marv_row("What's the capital of Japan?", "Tokyo", "Tokyo. A tiny village, you may have missed it."),
    marv_row("Who wrote 'Hamlet'?", "William Shakespeare", "Shakespeare again. He did write more than one."),
    marv_row("How many days are in a week?", "Seven", "Seven. Count them, I'll wait."),
    marv_row("What color is grass?", "Green", "Green. Do go outside once in a while."),
    marv_row("What is 2 plus 2?", "4", "4. Truly the riddle of our age."),
    marv_row("Is ice cold?", "Yes", "Yes. Astonishing, isn't it?"),
]


@pytest.fixture(scope="module")
def story() -> SimpleNamespace:
    """What the reader writes down on the way: file id, job id, model name."""
    return SimpleNamespace()


def test_upload_the_prepared_data_and_record_the_file_id(story, jsonl):
    jsonl("all_filter_2120.jsonl", [blog_row(*title) for title in TITLES])

    client = OpenAI()

    uploaded = client.files.create(file=open("all_filter_2120.jsonl", "rb"), purpose="fine-tune")

    story.file_id = uploaded.id
    assert uploaded.id.startswith("file-")
    assert uploaded.filename == "all_filter_2120.jsonl"


def test_create_the_job_with_the_short_model_name(story):
    client = OpenAI()

    job = client.fine_tuning.jobs.create(training_file=story.file_id, model="gpt-4o-mini")

    story.job_id = job.id
    assert job.model == "gpt-4o-mini-2024-07-18"
    assert job.status in ("validating_files", "queued")
    assert job.fine_tuned_model is None


def test_the_job_is_found_in_the_list_and_by_its_id(story, finished):
    client = OpenAI()

    # the list of fine-tuning jobs
    listed = client.fine_tuning.jobs.list(limit=10)
    assert story.job_id in [job.id for job in listed.data]

    # one job's details
    assert client.fine_tuning.jobs.retrieve(story.job_id).training_file == story.file_id

    job = finished(story.job_id)
    assert job.fine_tuned_model.startswith("ft:gpt-4o-mini-2024-07-18:personal:")
    assert job.trained_tokens > 0
    story.model = job.fine_tuned_model


def test_the_log_of_the_job_is_there_newest_first(story):
    client = OpenAI()

    page = client.fine_tuning.jobs.list_events(fine_tuning_job_id=story.job_id, limit=10)

    assert len(page.data) == 10 and page.has_more
    assert page.data[0].message == "The job has successfully completed"


def test_calling_the_model_needs_only_another_model_name(story):
    client = OpenAI()
    task = SimpleNamespace(title="How to Choose a Kettle", coreKeywords="kettle", relatedKeywords="steel")

    completion = client.chat.completions.create(
        model=story.model,
        messages=[
            {"role": "system", "content": WRITER},
            {
                "role": "user",
                "content": f"title:{task.title},core keyword:{task.coreKeywords},related keyword:{task.relatedKeywords}",
            },
        ],
    )

    assert "<h2>" in completion.choices[0].message.content


def test_the_tuned_model_can_be_deleted_and_is_gone(story):
    client = OpenAI()

    assert client.models.delete(story.model).deleted is True

    with pytest.raises(NotFoundError):
        client.chat.completions.create(model=story.model, messages=[{"role": "user", "content": "Hi"}])
    with pytest.raises(NotFoundError):
        client.models.delete("ft:gpt-3.5-turbo:acemeco:suffix:abc123")


def test_weights_in_multi_turn_rows_and_both_kinds_of_validation_figures(finished, events_of, jsonl):
    """Section 5: a small batch at each step, the whole validation set at the end of each epoch."""
    jsonl("weighted.jsonl", MARV)
    jsonl("weighted_valid.jsonl", MARV[:3] + MARV[5:] + MARV[:3])
    client = OpenAI()
    train = client.files.create(file=open("weighted.jsonl", "rb"), purpose="fine-tune")
    valid = client.files.create(file=open("weighted_valid.jsonl", "rb"), purpose="fine-tune")

    job = client.fine_tuning.jobs.create(
        training_file=train.id,
        validation_file=valid.id,
        model="gpt-4o-mini",
        method={"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 2}}},
    )
    finished(job.id)

    metrics = [event.data for event in events_of(job.id) if event.type == "metrics"]
    assert all({"train_loss", "train_mean_token_accuracy", "valid_loss"} <= data.keys() for data in metrics)
    whole_set = [data for data in metrics if data.get("full_valid_loss") is not None]
    assert len(whole_set) == 2  # one at the end of each epoch
    assert whole_set[-1]["step"] == metrics[-1]["step"] == metrics[-1]["total_steps"]


def test_a_job_can_be_cancelled(story, finished):
    client = OpenAI()
    job = client.fine_tuning.jobs.create(training_file=story.file_id, model="gpt-4o-mini")

    # cancel the job
    cancelled = client.fine_tuning.jobs.cancel(job.id)

    assert cancelled.id == job.id
    assert finished(job.id, "cancelled").fine_tuned_model is None
