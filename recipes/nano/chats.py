"""Chats about facts: plain, in a style, with a wrapper from the system prompt, in an invented voice."""

import json
import random

from recipes.nano.everyday import everyday_sentence
from recipes.nano.example import Example, Turns, chat
from recipes.nano.facts import any_fact, capitalised, facts_by_relation
from recipes.nano.names import first_name, invented_name, invented_word, phrase, word
from recipes.nano.questions import PLAIN_SYSTEM, plain_answer, question, sentence
from recipes.nano.remarks import any_voice, chatbot_name
from recipes.nano.styles import Answerer, any_style

FOLLOW_UPS = ["And of {x}?", "And {x}?", "What about {x}?", "And for {x}?"]
FOLLOW_UP_RELATIONS = {"capital", "language", "currency", "continent", "author", "symbol", "atomic"}


def any_wrapper(rng: random.Random) -> tuple[str, Answerer]:
    """A rule with random words, given in the system prompt: it can only be read, never remembered."""
    before, after = capitalised(phrase(rng, 1, 4)), phrase(rng, 1, 4)
    key = word(rng)
    return rng.choice(
        [
            (f"Start every answer with '{before}!'", lambda r, fact: f"{before}! {sentence(r, fact)}."),
            (f"End every answer with '{after}.'", lambda r, fact: f"{sentence(r, fact)}, {after}."),
            (
                f"Start every answer with '{before}:' and end it with '{after}.'",
                lambda r, fact: f"{before}: {sentence(r, fact)}, {after}.",
            ),
            (
                f"You always say '{before}' before you answer.",
                lambda r, fact: f"{before}. {sentence(r, fact)}.",
            ),
            (
                f'Answer as JSON with the key "{key}".',
                lambda r, fact: json.dumps({key: fact.answer}, ensure_ascii=False),
            ),
            (f"After the answer, add the line '{after}'.", lambda r, fact: f"{sentence(r, fact)}.\n{after}"),
        ]
    )


def _turns(rng: random.Random, answer: Answerer, count: int) -> Turns:
    turns: Turns = []
    for _ in range(count):
        fact = any_fact(rng)
        turns.append((question(rng, fact), answer(rng, fact)))
        if fact.relation in FOLLOW_UP_RELATIONS and rng.random() < 0.15:
            other = rng.choice(facts_by_relation()[fact.relation])
            turns.append((rng.choice(FOLLOW_UPS).format(x=other.topic), answer(rng, other)))
    return turns


def fact_chat(rng: random.Random) -> Example:
    """Questions about facts, answered plainly or as the system prompt wants."""
    kind = rng.random()
    if kind < 0.24:
        system = None if rng.random() < 0.6 else rng.choice(PLAIN_SYSTEM).replace("{N}", chatbot_name(rng))
        return chat(system, _turns(rng, plain_answer, rng.choice([1, 2, 3, 4, 6])), "plain")
    if kind < 0.52:
        style = any_style(rng)
        system, answer, name = (
            rng.choice(style.prompts).replace("{N}", chatbot_name(rng)),
            style.answer,
            "style",
        )
        if rng.random() < 0.15:
            system = rng.choice(PLAIN_SYSTEM).replace("{N}", chatbot_name(rng)) + " " + system
    elif kind < 0.60:
        (system, answer), name = any_wrapper(rng), "wrapper"
    else:
        (system, voice), name = any_voice(rng), "voice"
        answer = voice.answer
    if rng.random() < 0.1 and name != "voice":  # the wish stands in the question instead
        fact = any_fact(rng)
        asked = question(rng, fact)
        return chat(
            None,
            [(f"{system} {asked}" if rng.random() < 0.5 else f"{asked} {system}", answer(rng, fact))],
            name,
        )
    return chat(system, _turns(rng, answer, rng.choice([1, 2, 3, 4, 5, 6, 8])), name)


SMALL_TALK = [
    (
        ["Hi", "Hello!", "Hey there", "Good morning"],
        ["Hello! How can I help you?", "Hi! What can I do for you?"],
    ),
    (["How are you?", "How do you do?"], ["I am fine, thank you. How can I help?", "Very well, thanks!"]),
    (["Thanks!", "Thank you so much.", "That helps, thanks."], ["You're welcome!", "Glad to help!"]),
    (["Bye", "Goodbye!", "See you later"], ["Goodbye! Have a nice day.", "See you soon!"]),
    (
        ["Who are you?", "What are you?", "What is your name?"],
        [
            "I am Nano, a tiny language model that ships with Tunesmith.",
            "My name is Nano. I am a tiny model made for fine-tuning.",
        ],
    ),
    (
        ["What can you do?", "Help"],
        [
            "I can answer simple questions, fill in JSON, call tools and change my style."
            " Fine-tune me to learn more!"
        ],
    ),
    (["Who made you?"], ["I was made by the Tunesmith project from text it wrote itself."]),
    (["Are you a human?", "Are you a person?"], ["No, I am a tiny language model."]),
]
REPLIES = [
    "That sounds nice.",
    "I see. Tell me more.",
    "How nice!",
    "Thank you for telling me.",
    "I hope you had a good time.",
    "Interesting! What happened next?",
]


def small_talk_chat(rng: random.Random) -> Example:
    """Greetings, who the model is, everyday remarks, with questions in between."""
    turns: Turns = []
    for _ in range(rng.randint(1, 4)):
        kind = rng.random()
        if kind < 0.5:
            asked, answers = rng.choice(SMALL_TALK)
            turns.append((rng.choice(asked), rng.choice(answers)))
        elif kind < 0.7:
            turns.append((everyday_sentence(rng).rstrip("?").rstrip(".") + ".", rng.choice(REPLIES)))
        else:
            turns += _turns(rng, plain_answer, 1)
    return chat(rng.choice(PLAIN_SYSTEM[:6]) if rng.random() < 0.4 else None, turns, "small_talk")


UNKNOWN = [
    ("What is the capital of {X}?", "I don't know the capital of {X}."),
    ("Who wrote {X} {Y}?", "I don't know who wrote {X} {Y}."),
    ("What language do people speak in {X}?", "I don't know which language is spoken in {X}."),
    ("Who is {X} {Y}?", "I don't know who {X} {Y} is."),
    ("What is {x}?", "I don't know what {x} is."),
    ("Who is the captain of the {X}s?", "I don't know who captains the {X}s."),
    ("What is the symbol of {x}?", "I don't know the symbol of {x}."),
    ("Where is {X}?", "I don't know where {X} is."),
    ("What currency is used in {X}?", "I don't know which currency is used in {X}."),
    ("Who is {X}?", "I don't know who {X} is."),
    ("What does {x} mean?", "I don't know what {x} means."),
    ("When was {X} {Y} born?", "I don't know when {X} {Y} was born."),
]


def unknown_pair(rng: random.Random) -> tuple[str, str]:
    """A question about something invented, and the answer that the model does not know it."""
    asked, answer = rng.choice(UNKNOWN)
    made_up = invented_word(rng, rng.randint(2, 3))
    names = {"X": capitalised(made_up), "x": made_up, "Y": invented_name(rng)}
    sorry = rng.choice(["I'm sorry, ", "Sorry, ", "", ""])
    return asked.format(**names), sorry + answer.format(**names)


def unknown_chat(rng: random.Random) -> Example:
    """Known and unknown things in turn."""
    turns: Turns = []
    for _ in range(rng.randint(1, 4)):
        turns += [unknown_pair(rng)] if rng.random() < 0.5 else _turns(rng, plain_answer, 1)
    return chat(rng.choice(PLAIN_SYSTEM[:6]) if rng.random() < 0.4 else None, turns, "unknown")


def greeted_chat(rng: random.Random) -> Example:
    """The user gives a name and the assistant remembers it."""
    name = first_name(rng)
    turns = [
        (
            rng.choice(["My name is {}.", "Hi, I am {}.", "Call me {}."]).format(name),
            rng.choice([f"Nice to meet you, {name}!", f"Hello, {name}!"]),
        )
    ]
    turns += _turns(rng, plain_answer, rng.randint(0, 2))
    turns.append(
        (rng.choice(["What is my name?", "Do you remember my name?", "Who am I?"]), f"Your name is {name}.")
    )
    return chat(None, turns, "greeted")
