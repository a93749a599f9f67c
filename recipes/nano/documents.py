"""Plain texts without chat turns, and articles in four formats."""

import random

from recipes.nano.everyday import everyday_text
from recipes.nano.example import Example, chat
from recipes.nano.facts import any_fact, capitalised, with_article
from recipes.nano.names import word
from recipes.nano.questions import lowered, question, sentence
from recipes.nano.tables import read_table

Sections = list[tuple[str, str]]


def _country(rng: random.Random) -> tuple[str, Sections]:
    row = rng.choice(read_table("countries"))
    name = row["country"]
    return name, [
        ("Capital", f"The capital of {name} is {row['capital']}."),
        ("Language", f"People in {name} speak {row['language']}."),
        ("Money", f"The currency of {name} is the {row['currency']}."),
        ("Place", f"{name} is in {row['continent']}."),
    ]


def _animal(rng: random.Random) -> tuple[str, Sections]:
    row = rng.choice(read_table("animals"))
    name = row["animal"]
    return f"The {name}", [
        ("Class", f"The {name} is {with_article(row['class'])}."),
        ("Young", f"A baby {name} is called {with_article(row['young'])}."),
        ("Sound", f"The sound of {with_article(name)} is {with_article(row['sound'])}."),
        ("Legs", f"The {name} has {row['legs']} legs."),
    ]


def _team(rng: random.Random) -> tuple[str, Sections]:
    row = rng.choice(read_table("teams"))
    name = row["team"]
    return f"The {row['city']} {name}", [
        ("Sport", f"The {name} play {row['sport']}."),
        ("Home", f"The {name} come from {row['city']}."),
        ("Captain", f"The captain of the {name} is {row['captain']}."),
        ("Coach", f"The coach of the {name} is {row['coach']}."),
    ]


def _page(rng: random.Random, form: str) -> tuple[str, str]:
    title, sections = rng.choice([_country, _country, _animal, _team])(rng)
    rng.shuffle(sections)
    sections = sections[: rng.randint(2, 4)]
    if form == "html":
        return title, "\n".join(f"<h2>{head}</h2>\n<p>{body}</p>" for head, body in sections)
    if form == "markdown":
        return title, f"# {title}\n\n" + "\n\n".join(f"## {head}\n{body}" for head, body in sections)
    if form == "bullets":
        return title, "\n".join("- " + body for _, body in sections)
    return title, " ".join(body for _, body in sections)


REQUESTS = {
    "plain": ["Write a short text about {}.", "Tell me about {}.", "Describe {}."],
    "html": ["Write an HTML article about {} with <h2> sections.", "Write about {} in HTML."],
    "markdown": ["Write an article about {} in Markdown.", "Write a Markdown page about {} with headings."],
    "bullets": ["List facts about {}.", "Tell me about {} in bullet points."],
}


def article_chat(rng: random.Random) -> Example:
    """The user asks for a page about a country, an animal or a team."""
    form = rng.choice(list(REQUESTS))
    title, body = _page(rng, form)
    return chat(None, [(rng.choice(REQUESTS[form]).format(lowered(title)), body)], "article")


def document(rng: random.Random) -> Example:
    """A text to continue: everyday English, facts in a row, pages, questions and answers."""
    kind = rng.random()
    if kind < 0.5:
        text = everyday_text(rng)
    elif kind < 0.72:
        text = " ".join(sentence(rng, any_fact(rng)) + "." for _ in range(rng.randint(3, 9)))
    elif kind < 0.82:
        text = _page(rng, rng.choice(list(REQUESTS)))[1]
    elif kind < 0.94:
        facts = [any_fact(rng) for _ in range(rng.randint(2, 6))]
        text = "\n".join(f"Q: {question(rng, fact)}\nA: {capitalised(fact.answer)}" for fact in facts)
    else:
        text = " ".join(word(rng) for _ in range(rng.randint(10, 40)))
    return Example(document=text, kind="document")
