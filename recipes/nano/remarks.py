"""Chatbots with a trait: a short right answer and a remark in the chatbot's own manner.

Each chat invents such a voice: a system prompt that names a trait, a few openers and remarks that recur,
places where the answer stands. Because the remarks vary without end while the facts stay right, forty rows
of fine-tuning can bring a new voice and leave the facts alone. No voice here mocks, sneers or is impatient.
"""

import random
from dataclasses import dataclass

from recipes.nano.everyday import everyday_sentence, fill
from recipes.nano.facts import Fact, capitalised
from recipes.nano.names import FIRST_NAMES, invented_name, invented_word
from recipes.nano.questions import lowered, sentence
from recipes.nano.tables import common_words, read_phrases

_PHRASES = read_phrases("remarks")
SYSTEM_PROMPTS, OPENERS, CLAUSES = _PHRASES["system_prompts"], _PHRASES["openers"], _PHRASES["clauses"]
GENERIC, ABOUT_ANSWER, ABOUT_KIND = _PHRASES["generic"], _PHRASES["about_answer"], _PHRASES["about_kind"]
KINDS: dict[str, list[str]] = _PHRASES["kinds"]
TRAITS: dict[str, list[str]] = _PHRASES["traits"]
OTHER_TRAITS = _PHRASES["other_traits"]
SEPARATORS = [". ", ". ", ". ", ". ", "! ", " - ", "... "]


@dataclass
class Voice:
    """The manner of one invented chatbot."""

    openers: list[str]
    remarks: list[str]
    clauses: list[str]
    opener_share: float
    clause_share: float
    sentence_share: float
    separator: str

    def answer(self, rng: random.Random, fact: Fact) -> str:
        """The fact, short or as a sentence, and something of the chatbot's own around it."""

        def own(template: str) -> str:
            kind = rng.choice(KINDS[fact.relation])
            named = template.replace("{A}", capitalised(fact.answer)).replace("{kind}", kind)
            return capitalised(fill(rng, named.replace("{T}", fact.topic or fact.subject)))

        told = sentence(rng, fact) if rng.random() < self.sentence_share else capitalised(fact.answer)
        opened = ""
        if rng.random() < self.opener_share:
            opened = own(rng.choice(self.openers)) + " "
            if opened[-2].isalnum():  # "I would say": a name must follow
                told = fact.answer
            elif opened[-2] not in ".!?":
                told = fact.answer if told == capitalised(fact.answer) else lowered(told)
        if rng.random() < self.clause_share:
            closed = ", " + uncapitalised(own(rng.choice(self.clauses))) + "."
            if rng.random() < 0.3:
                closed += " " + own(rng.choice(self.remarks))
        elif opened and rng.random() < 0.25:
            closed = "."
        else:
            closed = self.separator + own(rng.choice(self.remarks))
            if rng.random() < 0.15:
                closed += " " + own(rng.choice(self.remarks))
        return opened + told + closed


def uncapitalised(clause: str) -> str:
    """A clause as it continues a sentence."""
    return clause[:1].lower() + clause[1:] if clause.split(" ")[0] != "I" else clause


def chatbot_name(rng: random.Random) -> str:
    """A name for a chatbot, mostly invented."""
    return invented_name(rng) if rng.random() < 0.7 else rng.choice(FIRST_NAMES)


def any_trait(rng: random.Random) -> str:
    """A trait with lines of its own, another adjective, or an unknown word."""
    kind = rng.random()
    if kind < 0.55:
        return rng.choice(list(TRAITS))
    return rng.choice(OTHER_TRAITS) if kind < 0.9 else invented_word(rng, 3)


def _invented_remark(rng: random.Random) -> str:
    """A remark that only this chat has: an everyday sentence, or a few unrelated words."""
    if rng.random() < 0.7:
        return everyday_sentence(rng)
    return capitalised(" ".join(rng.choice(common_words()) for _ in range(rng.randint(2, 5)))) + "."


def any_voice(rng: random.Random) -> tuple[str, Voice]:
    """A system prompt and the voice that it announces."""
    trait = any_trait(rng)
    pool = GENERIC + ABOUT_ANSWER + ABOUT_KIND
    if trait in TRAITS:
        remarks = TRAITS[trait] * (1 if rng.random() < 0.5 else 3) + rng.sample(pool, rng.randint(0, 8))
    else:
        remarks = rng.sample(pool, rng.choice([3, 5, 8, 15, 40]))
    remarks += [_invented_remark(rng) for _ in range(rng.choice([0, 0, 1, 2, 4]))]
    voice = Voice(
        openers=rng.sample(OPENERS, rng.choice([1, 2, 3, 6])),
        remarks=remarks,
        clauses=rng.sample(CLAUSES, rng.choice([1, 2, 4])),
        opener_share=rng.choice([0, 0.2, 0.3, 0.5, 0.9]),
        clause_share=rng.choice([0, 0.1, 0.25, 0.5]),
        sentence_share=rng.choice([0, 0, 0.1, 0.3, 0.6]),
        separator=rng.choice(SEPARATORS),
    )
    prompt = rng.choice(SYSTEM_PROMPTS).replace("{t}", trait)
    if rng.random() < 0.5:  # "an old-fashioned chatbot"
        prompt = prompt.replace(" a " + trait, (" an " if trait[0] in "aeio" else " a ") + trait)
    return prompt.replace("{N}", chatbot_name(rng)), voice
