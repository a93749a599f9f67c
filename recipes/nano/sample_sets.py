"""Writes the generated samples of the package: headlines, topics, preferences. (marv is written by hand.)

    python -m recipes.nano.sample_sets

Pre-training holds their forms out, see `heldout.py`.
"""

import json
import random
from pathlib import Path

from recipes.nano.facts import Fact, all_facts, capitalised
from recipes.nano.heldout import SAMPLES
from recipes.nano.names import DAYS, SKIES, person, place
from recipes.nano.styles import long_answer
from recipes.nano.tables import read_table

Row = dict

HEADLINE_SYSTEM = (
    "Given a sports headline, provide the following fields in a JSON dict, where applicable: player (full"
    " name), team, sport, and gender."
)
HEADLINES = [
    "{player} signs a new deal with the {city} {team}",
    "{team} captain {player} out with {his} knee injury",
    "{player} leads {team} to victory over {rival}",
    "{city} {team} trade {player} before the season",
    "{player} of the {team} breaks {his} own record",
    "{team} fans cheer as {player} returns to {his} team",
    "Sources say {team} want to keep {player}",
    "{player} scores twice, {team} beat {rival}",
    "{team} lose again to {rival}",
    "{city} {team} open a new stadium",
    "Injury report: {player}, {team}, will miss {his} next game",
    "{team} rookie {player} wins {his} first award",
]
TOPICS = {
    "sports": [
        "The {team} won the game.",
        "{person} scored for the {team}.",
        "The coach is proud of the {team}.",
        "Fans of the {team} cheered at the match.",
        "{person} runs for the {team}.",
    ],
    "weather": [
        "It will be {sky} on {day}.",
        "A storm is coming to {city}.",
        "Expect {sky} skies in {city}.",
        "The rain stops on {day}.",
        "{city} is {sky} today.",
    ],
    "money": [
        "The bank of {city} raised its prices.",
        "{person} paid {number} dollars.",
        "The market fell by {number} percent.",
        "{person} saved {number} dollars.",
        "Prices in {city} rose by {number} percent.",
    ],
    "travel": [
        "The flight to {city} is late.",
        "{person} booked a hotel in {city}.",
        "Our train leaves on {day}.",
        "The bus to {city} takes {number} hours.",
        "{person} packed a bag for {city}.",
    ],
    "food": [
        "{person} baked bread and cake.",
        "The soup of {person} needs more salt.",
        "We ate fish and rice in {city}.",
        "{person} cooked {number} eggs.",
        "The cafe in {city} sells good cheese.",
    ],
}


def headline_rows(count: int, seed: int) -> list[Row]:
    """Headlines and what is in them; the sport has to be known from the team."""
    rng, rows, seen = random.Random(seed), [], set()
    teams = read_table("teams")
    while len(rows) < count:
        team, template = rng.choice(teams), rng.choice(HEADLINES)
        rival = rng.choice([row["team"] for row in teams if row is not team])
        name, his = person(rng), "his" if team["gender"] == "male" else "her"
        text = template.format(player=name, city=team["city"], team=team["team"], rival=rival, his=his)
        fields = {
            "player": name if "{player}" in template else None,
            "team": team["team"],
            "sport": team["sport"],
            "gender": team["gender"] if "{his}" in template else None,
        }
        if text not in seen:
            seen.add(text)
            rows.append(
                {
                    "messages": [
                        {"role": "system", "content": HEADLINE_SYSTEM},
                        {"role": "user", "content": text},
                    ],
                    "expected": fields,
                }
            )
    return rows


def with_answer(row: Row) -> Row:
    """A headline row as training takes it."""
    answer = json.dumps(row["expected"], ensure_ascii=False)
    return {"messages": [*row["messages"], {"role": "assistant", "content": answer}]}


def topic_rows(count: int, seed: int) -> list[Row]:
    """Sentences and their topics, as prompt and completion; every topic equally often."""
    rng, rows, seen = random.Random(seed), [], set()
    while len(rows) < count:
        topic = list(TOPICS)[len(rows) % len(TOPICS)]
        text = rng.choice(TOPICS[topic]).format(
            team=rng.choice(read_table("teams"))["team"],
            person=person(rng),
            sky=rng.choice(SKIES),
            day=rng.choice(DAYS),
            city=place(rng),
            number=rng.randint(2, 99),
        )
        if text not in seen:
            seen.add(text)
            rows.append({"prompt": text + " ->", "completion": " " + topic})
    return rows


def preference_rows(facts: list[Fact], seed: int) -> list[Row]:
    """The longer of two right answers is preferred."""
    rng = random.Random(seed)

    def assistant(text: str) -> list[Row]:
        return [{"role": "assistant", "content": text}]

    return [
        {
            "input": {"messages": [{"role": "user", "content": fact.first_question}]},
            "preferred_output": assistant(long_answer(rng, fact)),
            "non_preferred_output": assistant(
                rng.choice([capitalised(fact.answer) + ".", fact.statement + "."])
            ),
        }
        for fact in facts
    ]


def bare(answer: str) -> str:
    """The answer without its article or 'about', as a test row holds it."""
    first, _, rest = answer.partition(" ")
    return rest if rest and first in {"the", "a", "an", "about"} else answer


def write(folder: Path, splits: dict[str, list[Row]]) -> None:
    """One .jsonl file per split."""
    folder.mkdir(parents=True, exist_ok=True)
    for split, rows in splits.items():
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / f"{split}.jsonl").write_text(lines, encoding="utf-8")


def main(samples: Path = SAMPLES) -> None:
    """Writes the three samples."""
    headlines = headline_rows(120, seed=21)
    write(
        samples / "headlines",
        {
            "train": [with_answer(row) for row in headlines[:60]],
            "valid": [with_answer(row) for row in headlines[60:80]],
            "test": headlines[80:],
        },
    )
    topics = topic_rows(120, seed=41)
    write(samples / "topics", {"train": topics[:50], "valid": topics[50:70], "test": topics[70:]})
    told_twice = [fact for fact in all_facts() if len(fact.statements) > 1]
    facts = random.Random(31).sample(told_twice, 120)
    questions = [
        {"messages": [{"role": "user", "content": fact.first_question}], "fact": bare(fact.answer)}
        for fact in facts[80:]
    ]
    write(
        samples / "preferences",
        {
            "train": preference_rows(facts[:60], 32),
            "valid": preference_rows(facts[60:80], 33),
            "test": questions,
        },
    )


if __name__ == "__main__":
    main()
