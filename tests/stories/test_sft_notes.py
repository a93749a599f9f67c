"""Notes on fine-tuning: sarcasm, weights, structured output, code review, preferences, and the tuned model."""

# ruff: noqa: E501, SIM115  (long texts and open files are as the document has them)

from __future__ import annotations

import json
import math
from pathlib import Path
from types import SimpleNamespace

import pytest
from openai import BadRequestError, OpenAI

pytestmark = [
    pytest.mark.timeout(330),  # a job waits for its turn, and for a CPU
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # the notes leave their files open
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

MARV_PROMPT = "Marv is a factual chatbot that is also sarcastic."
MARV = {
    "What's the capital of France?": ("Paris", "Paris, as if everyone doesn't know that already."),
    "Who wrote 'Romeo and Juliet'?": (
        "William Shakespeare",
        "Oh, just some guy named William Shakespeare. Ever heard of him?",
    ),
    "How far is the Moon from Earth?": (
        "384,400 kilometers",
        "Around 384,400 kilometers. Give or take a few, like that really matters.",
    ),
    "What's the capital of Spain?": ("Madrid", "Madrid. Shocking, I know."),
    "What's the capital of Egypt?": ("Cairo", "Cairo. The pyramids were a hint."),
    "Who wrote 'Faust'?": ("Johann Wolfgang von Goethe", "Goethe. A nobody, clearly."),
    "How many legs has a spider?": ("Eight", "Eight. Feel free to count them yourself."),
    "What color is the sky?": ("Blue", "Blue. Have you tried looking up?"),
    "What is 3 plus 4?": ("7", "7. Alert the mathematicians."),
    "Is fire hot?": ("Yes", "Yes. Please don't check."),
}
HEADLINE_PROMPT = (
    "Given a sports headline, provide the following fields in a JSON dict, where applicable: "
    '"player" (full name), "team", "sport", and "gender".'
)
HEADLINES = {
    "Sources: Colts grant RB Taylor OK to seek trade": (
        '{"player": "Jonathan Taylor", "team": "Colts", "sport": "football", "gender": "male" }'
    ),
    **{
        f"{team} sign {last} for two more years": (
            f'{{"player": "{first} {last}", "team": "{team}", "sport": "{sport}", "gender": "{gender}" }}'
        )
        for first, last, team, sport, gender in [
            ("Ann", "Fields", "Comets", "basketball", "female"),
            ("Joe", "Marsh", "Bears", "football", "male"),
            ("Mia", "Stone", "Waves", "soccer", "female"),
            ("Tom", "Berg", "Kings", "hockey", "male"),
            ("Eva", "Lund", "Stars", "soccer", "female"),
            ("Ben", "Cole", "Hawks", "basketball", "male"),
            ("Zoe", "Hart", "Foxes", "hockey", "female"),
            ("Max", "Dunn", "Giants", "baseball", "male"),
            ("Lea", "Voss", "Royals", "tennis", "female"),
        ]
    },
}


def row(system: str, user: str, assistant: str) -> dict:
    return {
        "messages": [
            {"role": "system", "content": system},
            {"role": "user", "content": user},
            {"role": "assistant", "content": assistant},
        ]
    }


@pytest.fixture(scope="module")
def story() -> SimpleNamespace:
    return SimpleNamespace()


def upload(name: str) -> str:
    client = OpenAI()
    return client.files.create(file=open(name, "rb"), purpose="fine-tune").id


def test_supervised_fine_tuning_on_the_sarcastic_rows(story, jsonl, finished):
    jsonl("marv.jsonl", [row(MARV_PROMPT, question, answer) for question, (_, answer) in MARV.items()])
    file_id = upload("marv.jsonl")

    client = OpenAI()

    # SFT
    job = client.fine_tuning.jobs.create(training_file=file_id, model="gpt-4o-mini-2024-07-18")

    job = finished(job.id)
    assert job.model == "gpt-4o-mini-2024-07-18"
    assert job.method.type == "supervised"
    story.model = job.fine_tuned_model
    story.plain_job = job


def test_use_the_fine_tuned_model(story):
    client = OpenAI()

    completion = client.chat.completions.create(
        model=story.model,
        messages=[
            {"role": "system", "content": "You are a helpful assistant."},
            {"role": "user", "content": "Hello!"},
        ],
    )

    message = completion.choices[0].message
    assert message.role == "assistant" and message.content


def test_assistant_messages_of_weight_0_are_not_learned(story, jsonl, finished, events_of):
    """The same rows with the plain answer before: it is billed as tokens, but carries no loss."""

    def weighted(weight: int) -> list[dict]:
        return [
            {
                "messages": [
                    {"role": "system", "content": MARV_PROMPT},
                    {"role": "user", "content": question},
                    {"role": "assistant", "content": plain, "weight": weight},
                    {"role": "user", "content": "Can you be more sarcastic?"},
                    {"role": "assistant", "content": sarcastic, "weight": 1},
                ]
            }
            for question, (plain, sarcastic) in MARV.items()
        ]

    def tune(name: str) -> str:
        client = OpenAI()
        job = client.fine_tuning.jobs.create(
            training_file=upload(name),
            model="gpt-4o-mini-2024-07-18",
            seed=7,
            method={
                "type": "supervised",
                "supervised": {"hyperparameters": {"n_epochs": 1, "batch_size": 10}},
            },
        )
        return job.id

    jsonl("skipped.jsonl", weighted(0))
    jsonl("learned.jsonl", weighted(1))
    skipped, learned = (finished(job_id) for job_id in [tune("skipped.jsonl"), tune("learned.jsonl")])

    assert skipped.trained_tokens == learned.trained_tokens
    under_the_loss = [
        next(
            e.data["supervised_tokens_per_epoch"] for e in events_of(job.id) if "under the loss" in e.message
        )
        for job in (skipped, learned)
    ]
    assert under_the_loss[0] < under_the_loss[1]


def test_structured_output_from_sports_headlines(jsonl, finished):
    jsonl(
        "headlines.jsonl", [row(HEADLINE_PROMPT, headline, fields) for headline, fields in HEADLINES.items()]
    )
    client = OpenAI()
    job = client.fine_tuning.jobs.create(
        training_file=upload("headlines.jsonl"),
        model="gpt-4o-mini-2024-07-18",
        suffix="custom_suffix",
        method={"type": "supervised"},
    )
    model = finished(job.id).fine_tuned_model
    assert model.startswith("ft:gpt-4o-mini-2024-07-18:personal:custom_suffix:")

    completion = client.chat.completions.create(
        model=model,
        messages=[
            {"role": "system", "content": HEADLINE_PROMPT},
            {"role": "user", "content": "Sources: Colts grant RB Taylor OK to seek trade"},
        ],
        temperature=0,
    )

    assert {"player", "team", "sport", "gender"} <= json.loads(completion.choices[0].message.content).keys()


def test_the_code_review_row_is_cut_at_the_context_and_the_events_name_its_line(jsonl, finished, events_of):
    """The notes' row is longer than the nano model's context; shorter rows of its kind surround it."""
    [long_row] = [
        json.loads(line) for line in (Path(__file__).parent / "code_review.jsonl").open(encoding="utf-8")
    ]
    system, user, review = long_row["messages"]
    short = [
        row(
            "You are a highly skilled code review assistant.",
            f"Merge Request Title: [MOD-{2001 + i}] Update handling logic\n50,50: unchanged code line\n"
            f" 0,51:+ for _, item := range items_{i} {{ result = append(result, process(item)) }}",
            '{"reviews": []}' if i % 2 else '{"reviews": [{"severity_score": 7, "label": "performance"}]}',
        )
        for i in range(9)
    ]
    jsonl("reviews.jsonl", [*short[:4], long_row, *short[4:]])
    client = OpenAI()
    job = client.fine_tuning.jobs.create(
        training_file=upload("reviews.jsonl"),
        model="gpt-4o-mini-2024-07-18",
        method={"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 1}}},
    )
    job = finished(job.id)

    warnings = [event.message for event in events_of(job.id) if event.level == "warn"]
    assert any("ine 5" in message and "2048" in message.replace(",", "") for message in warnings), warnings
    with pytest.raises(BadRequestError) as refused:
        client.chat.completions.create(model=job.fine_tuned_model, messages=[system, user])
    assert refused.value.code == "context_length_exceeded"
    assert review["role"] == "assistant"


WEATHER = {
    "input": {
        "messages": [
            {"role": "user", "content": "Hello, can you tell me how cold San Francisco is today?"},
        ],
        "tools": [],
        "parallel_tool_calls": True,
    },
    "preferred_output": [
        {
            "role": "assistant",
            "content": "Today in San Francisco, it is not quite cold as expected. Morning clouds will give away to sunshine, with a high near 68°F (20°C) and a low around 57°F (14°C).",
        }
    ],
    "non_preferred_output": [
        {"role": "assistant", "content": "It is not particularly cold in San Francisco today."}
    ],
}
CITIES = ["Oslo", "Rome", "Lima", "Cairo", "Tokyo", "Paris", "Quito", "Delhi", "Sofia", "Bern", "Doha"]


def weather_rows() -> list[dict]:
    """The notes' row, and the same question about other places."""
    text = json.dumps(WEATHER)
    return [WEATHER, *(json.loads(text.replace("San Francisco", city)) for city in CITIES)]


def test_preference_fine_tuning_on_the_weather_rows(story, jsonl, finished, events_of):
    jsonl("weather.jsonl", weather_rows())
    file_id = upload("weather.jsonl")

    client = OpenAI()
    job = client.fine_tuning.jobs.create(
        training_file=file_id,
        model="gpt-4o-2024-08-06",
        method={
            "type": "dpo",
            "dpo": {
                "hyperparameters": {"beta": 0.1},
            },
        },
    )

    job = finished(job.id)
    assert job.model == "gpt-4o-2024-08-06"
    assert job.method.type == "dpo" and job.method.dpo.hyperparameters.beta == 0.1
    assert job.method.dpo.hyperparameters.n_epochs == job.hyperparameters.n_epochs
    steps = [event.data for event in events_of(job.id) if event.type == "metrics"]
    assert steps[0]["train_loss"] == pytest.approx(math.log(2), abs=1e-6)  # the policy still is the reference
    assert steps[-1]["train_loss"] < 0.5
    assert steps[-1]["train_reward_margin"] > 0 and steps[-1]["train_reward_accuracy"] == 1


def test_sft_on_the_preferred_replies_then_dpo(story, jsonl, finished, events_of):
    """The notes' suggested workflow: SFT + DPO."""
    rows = weather_rows()
    jsonl(
        "preferred.jsonl",
        [{"messages": [*row["input"]["messages"], *row["preferred_output"]]} for row in rows],
    )
    client = OpenAI()
    # SFT
    sft = client.fine_tuning.jobs.create(
        training_file=upload("preferred.jsonl"), model="gpt-4o-mini-2024-07-18"
    )
    sft = finished(sft.id)
    # DPO
    jsonl("pairs.jsonl", rows)
    job = client.fine_tuning.jobs.create(
        training_file=upload("pairs.jsonl"),
        model=sft.fine_tuned_model,
        method={
            "type": "dpo",
            "dpo": {
                "hyperparameters": {"beta": 0.1},
            },
        },
    )

    job = finished(job.id)
    assert job.fine_tuned_model.startswith("ft:gpt-4o-mini-2024-07-18:personal:")
    steps = [event.data for event in events_of(job.id) if event.type == "metrics"]
    assert steps[0]["train_loss"] == pytest.approx(math.log(2), abs=1e-6)  # the reference is the SFT model
    assert steps[-1]["train_reward_accuracy"] == 1
    completion = client.chat.completions.create(
        model=job.fine_tuned_model,
        messages=[{"role": "user", "content": "Hello, can you tell me how cold Oslo is today?"}],
        temperature=0,
        max_tokens=60,
    )
    assert "Morning clouds" in completion.choices[0].message.content


def test_rows_of_the_other_method_are_named_in_the_jobs_error(jsonl, finished):
    jsonl("chats.jsonl", [row(MARV_PROMPT, question, answer) for question, (_, answer) in MARV.items()])
    client = OpenAI()
    job = client.fine_tuning.jobs.create(
        training_file=upload("chats.jsonl"), model="gpt-4o-mini", method={"type": "dpo"}
    )
    job = finished(job.id, "failed")
    assert job.error.param == "training_file" and "preferred_output" in job.error.message
