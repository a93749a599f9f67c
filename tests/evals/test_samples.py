"""The shipped samples: readable, disjoint, and judged by a rule that was fixed before the first tune."""

import json
import re

import pytest

from tunesmith.evals.samples import NAMES, Verdict, has_fact, load_sample, read_rows


@pytest.mark.parametrize("name", NAMES)
def test_every_sample_has_three_files_of_json_objects(name):
    sample = load_sample(name)
    for path in (sample.train, sample.valid, sample.test_file):
        rows = read_rows(path)
        assert len(rows) >= 20
        assert all(isinstance(row, dict) for row in rows)
    assert sample.test == read_rows(sample.test_file)


def test_an_unknown_sample_is_refused_with_the_names_there_are():
    with pytest.raises(ValueError, match="marv, headlines, topics, preferences"):
        load_sample("marvin")


def _question(row):
    messages = row.get("messages") or row.get("input", {}).get("messages")
    return messages[-1 if messages[-1]["role"] == "user" else -2]["content"] if messages else row["prompt"]


@pytest.mark.parametrize("name", NAMES)
def test_no_question_is_in_two_splits(name):
    sample = load_sample(name)
    splits = [
        {_question(row) for row in read_rows(path)} for path in (sample.train, sample.valid, sample.test_file)
    ]
    assert sum(map(len, splits)) == len(set.union(*splits))


def test_marv_has_40_rows_to_train_on_and_40_questions_to_answer():
    sample = load_sample("marv")
    assert len(read_rows(sample.train)) == 40
    assert len(read_rows(sample.valid)) == 20
    assert len(sample.test) == 40


def test_no_fact_of_marvs_held_out_questions_is_told_in_training():
    sample = load_sample("marv")
    questions = {_question(row) for row in sample.test}
    for path in (sample.train, sample.valid):
        for row in read_rows(path):
            assert _question(row) not in questions


def test_the_rule_accepts_the_training_answers_and_their_facts_do_not_help():
    sample = load_sample("marv")
    verdicts = [
        sample.judge(row["messages"][-1]["content"], {"fact": "nothing"}) for row in read_rows(sample.train)
    ]
    assert sum(verdict.voice for verdict in verdicts) >= 0.9 * len(verdicts)


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ("Paris, as if everyone doesn't know that already.", Verdict(voice=True, fact=True)),
        ("The capital of France is Paris.", Verdict(voice=False, fact=True)),
        ("Rome. Shocking, I know.", Verdict(voice=True, fact=False)),
        ("PARIS. BIG SURPRISE.", Verdict(voice=True, fact=True)),
        ("Parisian congratulation", Verdict(voice=False, fact=False)),
        ("", Verdict(voice=False, fact=False)),
    ],
)
def test_an_answer_is_judged_by_its_voice_and_its_fact(answer, verdict):
    judged = load_sample("marv").judge(answer, {"fact": "Paris"})
    assert judged == verdict
    assert judged.both == (verdict.voice and verdict.fact)


def test_the_fact_itself_is_no_mockery():
    assert load_sample("marv").judge("A surprise.", {"fact": "surprise"}) == Verdict(voice=False, fact=True)


def test_any_spelling_of_a_fact_counts():
    row = {"facts": ["Kyiv", "Kiev"]}
    assert has_fact("It is Kiev.", row)
    assert not has_fact("It is Lviv.", row)


def test_only_marv_can_be_judged():
    with pytest.raises(ValueError, match="only 'marv'"):
        load_sample("topics").judge("sports", {"fact": "sports"})


def test_prompts_end_with_an_arrow_and_completions_start_with_a_space():
    sample = load_sample("topics")
    for path in (sample.train, sample.valid, sample.test_file):
        for row in read_rows(path):
            assert row["prompt"].endswith(" ->")
            assert re.fullmatch(r" [a-z]+", row["completion"])


def test_headline_answers_are_json_with_four_keys():
    sample = load_sample("headlines")
    for row in read_rows(sample.train):
        assert list(json.loads(row["messages"][-1]["content"])) == ["player", "team", "sport", "gender"]
    assert all(list(row["expected"]) == ["player", "team", "sport", "gender"] for row in sample.test)


def test_preferences_are_in_openais_format_and_prefer_the_longer_answer():
    sample = load_sample("preferences")
    for row in read_rows(sample.train):
        assert set(row) == {"input", "preferred_output", "non_preferred_output"}
        longer, shorter = (row[key][0]["content"] for key in ("preferred_output", "non_preferred_output"))
        assert len(longer) > len(shorter)
