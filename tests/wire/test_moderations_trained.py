"""A moderation model that was really trained: on rows as `docs/moderation.md` has them, judged by texts that
it has not seen."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator

import pytest
from openai import NotFoundError, OpenAI
from openai.types import Moderation
from openai.types.chat import ChatCompletionTokenLogprob

from tests.conftest import RunningServer, start_server, wait_for_job
from tunesmith.api.moderations.prompt import CATEGORIES, answer, messages
from tunesmith.api.moderations.scoring import AnswerForm
from tunesmith.data.chat_template import Renderer
from tunesmith.settings import NANO

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

NAMES = ["Anna", "Paul", "Maria", "Tom", "Lena", "Max"]
#: What texts say about somebody, and the categories that this puts them into.
SAID: dict[str, tuple[str, ...]] = {
    "{} is a stupid fool.": ("harassment",),
    "What a stupid fool, that {}.": ("harassment",),
    "The dragon killed {}.": ("violence",),
    "They killed {} in the war.": ("violence",),
    "{} likes the garden.": (),
    "{} is a good friend.": (),
    "The train leaves at noon, {}.": (),
    "What is the capital of France, {}?": (),
}
HELD_OUT: dict[str, tuple[str, ...]] = {
    "Peter is a stupid fool.": ("harassment",),
    "What a stupid fool, that teacher.": ("harassment",),
    "The dragon killed Peter.": ("violence",),
    "They killed the teacher in the war.": ("violence",),
    "Peter likes the house.": (),
    "The teacher is a good friend.": (),
    "The train leaves at noon, Peter.": (),
    "What is the capital of Spain, Peter?": (),
}


def rows() -> list[str]:
    """Each thing said about each name."""
    lines = [
        {
            "messages": [
                *messages(said.format(name)),
                {"role": "assistant", "content": answer([one in labels for one in CATEGORIES])},
            ]
        }
        for name in NAMES
        for said, labels in SAID.items()
    ]
    random.Random(3).shuffle(lines)
    return [json.dumps(line) for line in lines]


def client_of(server: RunningServer, api_key: str | None = None) -> OpenAI:
    return OpenAI(
        base_url=server.base_url,
        api_key=api_key or server.api_key,
        admin_api_key=server.api_key,
        max_retries=0,
        timeout=110,
        _strict_response_validation=True,
    )


@pytest.fixture(scope="module")
def moderating(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningServer, str]]:
    """A server whose moderation model is one that its default project has trained, and its name."""
    data = tmp_path_factory.mktemp("trained") / "data"
    trainer = start_server(data)
    try:
        with client_of(trainer) as client:
            file = client.files.create(
                file=("moderation.jsonl", "\n".join(rows()).encode()), purpose="fine-tune"
            )
            job = client.fine_tuning.jobs.create(
                model="gpt-4o-mini",
                training_file=file.id,
                suffix="moderator",
                seed=1,
                method={
                    "type": "supervised",
                    "supervised": {
                        "hyperparameters": {
                            "n_epochs": 16,
                            "batch_size": 4,
                            "learning_rate_multiplier": 1.5,
                        }
                    },
                },
            )
            name = wait_for_job(client, job.id).fine_tuned_model
    finally:
        trainer.stop()
    assert name is not None
    running = start_server(data, "--moderation-model", name)
    try:
        yield running, name
    finally:
        running.stop()


@pytest.fixture(scope="module")
def judged(moderating: tuple[RunningServer, str]) -> dict[str, Moderation]:
    """The verdicts on texts that were held out."""
    with client_of(moderating[0]) as client:
        answered = client.moderations.create(input=list(HELD_OUT), model="omni-moderation-latest")
    assert answered.model == moderating[1]
    return dict(zip(HELD_OUT, answered.results, strict=True))


def flags(result: Moderation) -> tuple[str, ...]:
    return tuple(name for name, flag in result.categories.model_dump(by_alias=True).items() if flag)


def test_texts_that_were_held_out_are_flagged_for_what_they_say(judged: dict[str, Moderation]) -> None:
    # five million parameters and 48 rows: one of eight may be wrong
    assert sum(flags(result) == HELD_OUT[text] for text, result in judged.items()) >= len(HELD_OUT) - 1
    assert all(result.flagged == bool(flags(result)) for result in judged.values())


@pytest.mark.parametrize("category", ["harassment", "violence"])
def test_scores_put_what_falls_into_a_category_first(judged: dict[str, Moderation], category: str) -> None:
    scores = {text: getattr(result.category_scores, category) for text, result in judged.items()}
    within = [score for text, score in scores.items() if category in HELD_OUT[text]]
    beyond = [score for text, score in scores.items() if category not in HELD_OUT[text]]
    assert min(within) > max(beyond)


def share_of_true(token: ChatCompletionTokenLogprob, true: str, false: str) -> float:
    """The probability of `true` among what both verdicts begin with; what is not told is next to nothing."""
    known = [(one.token, one.logprob) for one in token.top_logprobs] + [(token.token, token.logprob)]
    told = {text: math.exp(logprob) for text, logprob in known}
    return told.get(true, 0.0) / (told.get(true, 0.0) + told.get(false, 0.0))


def test_verdicts_are_those_that_the_model_itself_writes(
    moderating: tuple[RunningServer, str], judged: dict[str, Moderation]
) -> None:
    tokenizer, form = Renderer.load(NANO).tokenizer, AnswerForm.load(NANO)
    with client_of(moderating[0]) as client:
        for text, result in judged.items():
            written = client.chat.completions.create(
                model=moderating[1],
                messages=messages(text),  # type: ignore[arg-type]
                temperature=0,
                logprobs=True,
                top_logprobs=20,
            ).choices[0]
            verdicts = list(result.categories.model_dump().values())
            assert written.message.content == answer(verdicts)
            assert written.logprobs is not None and written.logprobs.content is not None
            shares = [
                share_of_true(
                    written.logprobs.content[place.at],
                    tokenizer.decode([place.true_id]),
                    tokenizer.decode([place.false_id]),
                )
                for place in form.answer(verdicts).places
            ]
            assert list(result.category_scores.model_dump().values()) == pytest.approx(shares, abs=0.01)


def test_it_judges_for_other_projects_which_cannot_ask_it_themselves(
    moderating: tuple[RunningServer, str],
) -> None:
    server, name = moderating
    with client_of(server) as admin:
        project = admin.admin.organization.projects.create(name="others")
        account = admin.admin.organization.projects.service_accounts.create(project.id, name="program")
    assert account.api_key is not None
    with client_of(server, account.api_key.value) as other:
        (result,) = other.moderations.create(input="Peter is a stupid fool.", model=name).results
        assert result.flagged
        with pytest.raises(NotFoundError):
            other.chat.completions.create(model=name, messages=[{"role": "user", "content": "Hello!"}])
