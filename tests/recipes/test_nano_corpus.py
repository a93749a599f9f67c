"""The nano base's training text: the same for the same seed, rendered as served, without held-out forms."""

import json
import random
from collections import Counter

import pytest
from transformers import AutoTokenizer

from recipes.nano.check import MODEL
from recipes.nano.example import Example, Message, ToolCall, chat, text_of
from recipes.nano.facts import all_facts, arithmetic
from recipes.nano.heldout import violation
from recipes.nano.mix import MIX, any_example
from recipes.nano.tool_calls import HELD_OUT_TOOLS, tool_chat


def _examples(seed: int, count: int) -> list[Example]:
    rng = random.Random(seed)
    return [any_example(rng) for _ in range(count)]


def test_the_same_seed_gives_the_same_text():
    texts = [text_of(example) for example in _examples(3, 200)]
    assert texts == [text_of(example) for example in _examples(3, 200)]
    assert texts != [text_of(example) for example in _examples(4, 200)]


def test_the_text_does_not_depend_on_the_order_of_sets():
    """It once did: keys of one copying task came from a set, and a seed meant another text per process."""
    rng = random.Random(5)
    first = next(e for e in iter(lambda: any_example(rng), None) if "JSON object:" in text_of(e))
    question = next(m.content for m in first.messages if "JSON object:" in m.content)
    answer = first.messages[[m.content for m in first.messages].index(question) + 1].content
    keys = [part.split(":")[0] for part in question.split("JSON object: ")[1].split(", ")]
    assert keys == list(json.loads(answer))


def test_training_text_is_what_the_chat_template_renders():
    tokenizer = AutoTokenizer.from_pretrained(MODEL)
    compared = Counter()
    for example in _examples(6, 300):
        if example.document:
            continue
        row = example.as_openai()
        rendered = tokenizer.apply_chat_template(row["messages"], tools=row.get("tools"), tokenize=False)
        assert rendered == text_of(example) + "\n"
        compared[example.kind] += 1
    assert compared["tools"] and compared["voice"] and compared["extraction"]


def test_two_calls_and_two_results_are_rendered_as_the_template_does():
    tokenizer = AutoTokenizer.from_pretrained(MODEL)
    calls = [ToolCall("a", {"x": 1}), ToolCall("b", {"y": "é"})]
    example = Example(
        [
            Message("system", "One."),
            Message("user", "Go."),
            Message("assistant", "Wait.", calls),
            Message("tool", "1"),
            Message("tool", "2"),
            Message("system", "Two."),
            Message("assistant", "Done."),
        ],
        [{"type": "function", "function": {"name": "a", "parameters": {}}}],
    )
    row = example.as_openai()
    rendered = tokenizer.apply_chat_template(row["messages"], tools=row["tools"], tokenize=False)
    assert rendered == text_of(example) + "\n"


def test_developer_messages_are_system_messages():
    tokenizer = AutoTokenizer.from_pretrained(MODEL)
    texts = [
        tokenizer.apply_chat_template(
            [{"role": role, "content": "Be brief."}, {"role": "user", "content": "Hi", "name": "eve"}],
            tokenize=False,
            add_generation_prompt=True,
        )
        for role in ("developer", "system")
    ]
    assert texts[0] == texts[1]
    assert texts[0] == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    )


def test_the_marks_of_the_template_cover_what_the_assistant_says():
    tokenizer = AutoTokenizer.from_pretrained(MODEL)
    row = chat("Be brief.", [("Hi", "Hello!"), ("Bye", "See you.")]).as_openai()
    encoded = tokenizer.apply_chat_template(
        row["messages"], return_dict=True, return_assistant_tokens_mask=True
    )
    marked = [i for i, mark in zip(encoded["input_ids"], encoded["assistant_masks"], strict=True) if mark]
    assert tokenizer.decode(marked) == "Hello!<|im_end|>See you.<|im_end|>"


def test_held_out_forms_hardly_come_up_and_are_filtered():
    """By construction they should not; the search catches what slips through (random words, mostly)."""
    found = [violation(example) for example in _examples(7, 3000)]
    assert sum(map(bool, found)) < 30


@pytest.mark.parametrize(
    "example",
    [
        chat(None, [("What is the capital of France?", "Paris. Shocking, I know.")], "plain"),
        chat(None, [("The coach is proud. ->", " sports")]),
        chat(None, [("Comets beat Wolves", '{"player": null, "team": "Comets", "sport": "basketball"}')]),
        chat(None, [("Could you remind me of the capital of Peru?", "Lima.")]),
        tool_chat(random.Random(1), HELD_OUT_TOOLS),
    ],
)
def test_the_search_finds_each_held_out_form(example):
    assert violation(example)


def test_every_kind_of_example_ends_with_the_assistant_or_is_a_document():
    rng = random.Random(8)
    for make, _ in MIX:
        for _ in range(20):
            example = make(rng)
            assert example.document or example.messages[-1].role == "assistant"


def test_facts_have_distinct_subjects_and_sentences_that_tell_the_answer():
    facts = all_facts()
    assert len({fact.subject for fact in facts}) == len(facts) > 700
    for fact in facts:
        assert all(fact.answer.lower() in told.lower() for told in fact.statements)


def test_arithmetic_is_right():
    rng = random.Random(9)
    for _ in range(300):
        fact = arithmetic(rng)
        left, sign, right = fact.statements[1].split(" = ")[0].split(" ")
        expected = {"+": int.__add__, "-": int.__sub__, "*": int.__mul__}[sign](int(left), int(right))
        assert fact.answer == str(expected)
