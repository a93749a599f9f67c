"""What the model knows: the tables of its closed world, turned into facts.

Countries, books, elements and words are real; the teams, the bookstore and the airport are invented.
A fact is a subject and an answer with ways to ask for it and to tell it. `held_out_questions` are
phrasings that pre-training never sees: they measure how far the model reads beyond its templates.
"""

import random
from dataclasses import dataclass
from functools import cache

from recipes.nano.tables import read_phrases, read_table

VOWELS = "aeio"


def with_article(noun: str) -> str:
    """'owl' -> 'an owl'."""
    return ("an " if noun[0].lower() in VOWELS else "a ") + noun


def capitalised(text: str) -> str:
    """The text with a capital first letter, the rest as it is."""
    return text[:1].upper() + text[1:]


@dataclass(frozen=True)
class Fact:
    """One thing the model knows: 'the capital of France' is 'Paris'."""

    subject: str
    answer: str
    relation: str
    topic: str = ""
    questions: tuple[str, ...] = ()
    held_out_questions: tuple[str, ...] = ()
    statements: tuple[str, ...] = ()
    details: tuple[str, ...] = ()

    @property
    def statement(self) -> str:
        """The main sentence, without its full stop."""
        return self.statements[0]

    @property
    def first_question(self) -> str:
        """The question that evaluations and samples ask."""
        return self.questions[0] if self.questions else f"What is {self.subject}?"


@dataclass(frozen=True)
class Relation:
    """Templates that turn one table row into one fact, as relations.toml explains them."""

    name: str
    topic: str
    subject: str
    answer: str
    questions: list[str]
    held_out: list[str]
    statements: list[str]
    details: list[str]
    table: str = ""

    def fact(self, row: dict[str, str]) -> Fact:
        """The fact that this relation reads from a row."""
        words = dict(row)
        for column, value in row.items():
            words["an_" + column] = with_article(value)
            words["Cap_" + column] = capitalised(value)
            words["Cap_an_" + column] = capitalised(with_article(value))

        def each(templates: list[str]) -> tuple[str, ...]:
            return tuple(template.format(**words) for template in templates)

        return Fact(
            subject=self.subject.format(**words),
            answer=self.answer.format(**words),
            relation=self.name,
            topic=words[self.topic],
            questions=each(self.questions),
            held_out_questions=each(self.held_out),
            statements=each(self.statements),
            details=each(self.details),
        )


@cache
def relations() -> dict[str, list[Relation]]:
    """The relations of each table."""
    groups: dict[str, list[Relation]] = {}
    for values in read_phrases("relations")["relations"]:
        groups.setdefault(values["table"], []).append(Relation(**values))
    return groups


FOREIGN_LANGUAGES = ("French", "Spanish", "German")


def _word_facts() -> list[Fact]:
    (relation,) = relations()["words"]
    return [
        relation.fact({"english": row["english"], "language": language, "foreign": row[language]})
        for row in read_table("words")
        for language in FOREIGN_LANGUAGES
    ]


def _opposite_facts() -> list[Fact]:
    (relation,) = relations()["opposites"]
    facts = []
    for row in read_table("opposites"):
        for one, other in ((row["one"], row["other"]), (row["other"], row["one"])):
            facts.append(relation.fact({"one": one, "other": other}))
    return facts


def _misc_facts() -> list[Fact]:
    facts = []
    for row in read_table("misc"):
        subject, answer = row["subject"], row["answer"]
        statements = [f"{capitalised(subject)} is {answer}"]
        if not answer[0].isdigit():
            statements.append(f"{capitalised(answer)} is {subject}")
        facts.append(
            Fact(
                subject,
                answer,
                "misc",
                subject,
                tuple(q for q in row["questions"].split(";") if q),
                (),
                tuple(statements),
                ("That is a well-known fact.", "Many people learn this at school."),
            )
        )
    return facts


@cache
def all_facts() -> list[Fact]:
    """Every fact of the world, in a fixed order."""
    facts = [
        relation.fact(row)
        for table, its_relations in relations().items()
        if table not in {"words", "opposites"}
        for row in read_table(table)
        for relation in its_relations
    ]
    return facts + _word_facts() + _opposite_facts() + _misc_facts()


@cache
def facts_by_relation() -> dict[str, list[Fact]]:
    """The facts, grouped: capital, author, symbol..."""
    groups: dict[str, list[Fact]] = {}
    for fact in all_facts():
        groups.setdefault(fact.relation, []).append(fact)
    return groups


def arithmetic(rng: random.Random) -> Fact:
    """A sum, a difference or a product of small numbers."""
    kind = rng.random()
    if kind < 0.45:
        left, right = rng.randint(0, 20), rng.randint(0, 20)
        sign, word, result = "+", "plus", left + right
        named = f"the sum of {left} and {right}"
    elif kind < 0.7:
        left = rng.randint(0, 20)
        right = rng.randint(0, left)
        sign, word, result = "-", "minus", left - right
        named = f"the difference of {left} and {right}"
    else:
        left, right = rng.randint(0, 10), rng.randint(0, 10)
        sign, word, result = "*", "times", left * right
        named = f"the product of {left} and {right}"
    subject = rng.choice([named, f"{left} {word} {right}", f"{left} {sign} {right}"])
    questions = (
        f"What is {left} {word} {right}?",
        f"How much is {left} {sign} {right}?",
        f"Calculate {left} {sign} {right}.",
        f"{left} {sign} {right} = ?",
    )
    return Fact(
        subject,
        str(result),
        "arithmetic",
        "",
        questions,
        (f"Work out {left} {word} {right}.",),
        (f"{left} {word} {right} is {result}", f"{left} {sign} {right} = {result}"),
        ("That is simple arithmetic.", "You can count it on paper."),
    )


def any_fact(rng: random.Random) -> Fact:
    """A fact from the tables, or now and then a calculation."""
    return arithmetic(rng) if rng.random() < 0.15 else rng.choice(all_facts())
