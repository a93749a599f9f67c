"""Text to JSON: any subset of the fields in any order, fields under other names, null for what is missing."""

import json
import random
from collections.abc import Callable

from recipes.nano.example import Example, Turns, chat
from recipes.nano.names import COLORS, DAYS, ITEMS, JOBS, SKIES, invented_name, person, phrase, place
from recipes.nano.tables import common_words, read_phrases

Fields = dict[str, str | int | None]


def _contact(rng: random.Random) -> tuple[str, Fields]:
    name, phone, topic = person(rng), f"555-{rng.randint(1000, 9999)}", phrase(rng, 1, 2)
    fields: Fields = {"name": name, "phone": None, "topic": None}
    text = rng.choice(
        [f"Call {name}", f"Please contact {name}", f"{name} is waiting for a call", f"Ask {name}"]
    )
    if rng.random() < 0.75:
        text, fields["phone"] = f"{text} at {phone}", phone
    if rng.random() < 0.75:
        text, fields["topic"] = f"{text} about {topic}", topic
    return text + ".", fields


def _order(rng: random.Random) -> tuple[str, Fields]:
    name, number, item, price = person(rng), rng.randint(1, 9), rng.choice(ITEMS), rng.randint(5, 400)
    color = rng.choice(COLORS) if rng.random() < 0.7 else None
    fields: Fields = {"customer": name, "quantity": number, "color": color, "item": item, "price": None}
    things = f"{number} {color + ' ' if color else ''}{item}{'s' if number > 1 else ''}"
    text = rng.choice([f"{name} ordered {things}", f"{things} for {name}", f"{name} wants to buy {things}"])
    if rng.random() < 0.7:
        text, fields["price"] = f"{text} for {price} dollars", price
    return text + ".", fields


def _event(rng: random.Random) -> tuple[str, Fields]:
    event = phrase(rng, 1, 3)
    fields: Fields = {"event": event, "day": None, "time": None, "place": None}
    text = rng.choice(
        [f"The {event} will be held", f"We invite you to the {event}", f"Join us for the {event}"]
    )
    for key, preposition, value in (
        ("day", "on", rng.choice(DAYS)),
        ("time", "at", f"{rng.randint(1, 12)} {rng.choice(['am', 'pm'])}"),
        ("place", "in", place(rng)),
    ):
        if rng.random() < 0.75:
            text, fields[key] = f"{text} {preposition} {value}", value
    return text + ".", fields


def _forecast(rng: random.Random) -> tuple[str, Fields]:
    city, day, sky, degrees = place(rng), rng.choice(DAYS), rng.choice(SKIES), rng.randint(-10, 38)
    text = rng.choice(
        [
            f"{day} in {city}: {sky}, {degrees} degrees.",
            f"It will be {sky} in {city} on {day} with {degrees} degrees.",
            f"{city} expects {degrees} degrees on {day}, {sky}.",
        ]
    )
    return text, {"city": city, "day": day, "weather": sky, "temperature": degrees}


def _flight(rng: random.Random) -> tuple[str, Fields]:
    start, end = place(rng), place(rng)
    number = f"{rng.choice('ABCDEFG')}{rng.choice('KLMNPQ')} {rng.randint(10, 999)}"
    fields: Fields = {"flight": number, "from": start, "to": end, "gate": None}
    text = rng.choice(
        [
            f"Flight {number} from {start} to {end}",
            f"{number} departs {start} for {end}",
            f"From {start} to {end} with flight {number}",
        ]
    )
    if rng.random() < 0.7:
        fields["gate"] = f"{rng.choice('ABCD')}{rng.randint(1, 30)}"
        text += f", gate {fields['gate']}"
    return text + ".", fields


def _career(rng: random.Random) -> tuple[str, Fields]:
    name, job, house = (
        person(rng),
        rng.choice(JOBS),
        f"{invented_name(rng)} {rng.choice(['Labs', 'Group', 'Works', 'Foods', 'Bank'])}",
    )
    fields: Fields = {"person": name, "company": house, "job": job, "city": None, "gender": None}
    text = rng.choice(
        [
            f"{house} hires {name} as {job}",
            f"{name} joins {house} as {job}",
            f"{name}, {job}, leaves {house}",
            f"{house} names {name} its new {job}",
        ]
    )
    if rng.random() < 0.6:
        fields["city"] = place(rng)
        text += f" in {fields['city']}"
    if rng.random() < 0.7:
        fields["gender"] = rng.choice(["male", "female"])
        his = "his" if fields["gender"] == "male" else "her"
        text += rng.choice(
            [f" after {his} long break", f" near {his} home", f", says {his} lawyer", f" with {his} sister"]
        )
    return text + rng.choice([".", ""]), fields


def _booking(rng: random.Random) -> tuple[str, Fields]:
    name, nights, hotel, city = person(rng), rng.randint(1, 14), f"Hotel {invented_name(rng)}", place(rng)
    fields: Fields = {"guest": name, "hotel": hotel, "nights": nights, "city": None, "arrival": None}
    text = rng.choice(
        [
            f"{name} stays {nights} nights at {hotel}",
            f"{hotel}: {nights} nights for {name}",
            f"Book {nights} nights at {hotel} for {name}",
        ]
    )
    if rng.random() < 0.7:
        fields["city"] = place(rng) if rng.random() < 0.5 else city
        text += f" in {fields['city']}"
    if rng.random() < 0.6:
        fields["arrival"] = rng.choice(DAYS)
        text += f", arriving {fields['arrival']}"
    return text + ".", fields


KINDS: list[Callable[[random.Random], tuple[str, Fields]]] = [
    _contact,
    _order,
    _event,
    _forecast,
    _flight,
    _career,
    _booking,
]
SYNONYMS: dict[str, list[str]] = read_phrases("synonyms")


def _renamed(rng: random.Random, fields: Fields) -> dict[str, str]:
    """Field -> key: mostly the field's own name, else a synonym."""
    names: dict[str, str] = {}
    for field in fields:
        key = field if rng.random() < 0.7 else rng.choice(SYNONYMS[field])
        names[field] = key if key not in names.values() else field
    return names if len(set(names.values())) == len(names) else {field: field for field in fields}


def _some_of(rng: random.Random, fields: Fields) -> list[str]:
    """The fields that are asked for: any subset in any order."""
    chosen = list(fields)
    if rng.random() < 0.6:
        rng.shuffle(chosen)
    if rng.random() < 0.5:
        chosen = chosen[: rng.randint(1, len(chosen))]
    return chosen


def extraction_chat(rng: random.Random) -> Example:
    """A system prompt that names keys and texts to read, or both in one user turn."""
    make = rng.choice(KINDS)
    text, fields = make(rng)
    chosen = _some_of(rng, fields)
    names = _renamed(rng, fields)
    described = [names[field] for field in chosen]
    if rng.random() < 0.12:  # "name (as stone)": any word can be a key
        field = rng.choice(chosen)
        names[field] = rng.choice([w for w in common_words() if w not in names.values()])
        described = [f"{name} (as {names[name]})" if name == field else names[name] for name in chosen]
    return _chat(rng, make, (text, fields), {field: names[field] for field in chosen}, described)


def renamed_extraction_chat(rng: random.Random) -> Example:
    """Extraction where most keys are arbitrary words, "day (as stone)": rare in the other, and hard."""
    make = rng.choice(KINDS)
    text, fields = make(rng)
    words = rng.sample(common_words(), len(fields))
    names, described = {}, []
    for field, word in zip(_some_of(rng, fields), words, strict=False):
        names[field] = field if word in fields or rng.random() < 0.35 else word
        shown = field if rng.random() < 0.8 else rng.choice(SYNONYMS[field])
        described.append(field if names[field] == field else f"{shown} (as {word})")
    return _chat(rng, make, (text, fields), names, described)


def _chat(
    rng: random.Random,
    make: Callable[[random.Random], tuple[str, Fields]],
    first: tuple[str, Fields],
    names: dict[str, str],
    described: list[str],
) -> Example:
    """The chat about `first` and more texts of its kind; `names` maps the asked fields to their keys."""
    text, fields = first
    keys = ", ".join(described)
    wish = rng.choice(
        [
            f"Extract {keys} as JSON.",
            f"Return a JSON object with the keys {keys}.",
            f"Find {keys} in the text. Answer in JSON.",
            f"Extract the fields {keys} from the text. Use null if a field is missing.",
        ]
    )

    def answer(values: Fields) -> str:
        return json.dumps({key: values[field] for field, key in names.items()}, ensure_ascii=False)

    if rng.random() < 0.6:
        turns: Turns = [(text, answer(fields))]
        for _ in range(rng.randint(0, 3)):
            text, fields = make(rng)
            turns.append((text, answer(fields)))
        return chat(wish, turns, "extraction")
    return chat(
        None, [(f"{wish}\n{text}" if rng.random() < 0.5 else f"{text}\n{wish}", answer(fields))], "extraction"
    )
