"""Tool use in the Hermes form: ten everyday tools, invented ones, results told to the user.

`HELD_OUT_TOOLS` never appear in pre-training; they measure whether the form is read from the prompt.
"""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass

from recipes.nano.example import Example, Message, ToolCall
from recipes.nano.facts import any_fact, capitalised
from recipes.nano.names import DAYS, SKIES, code, invented_name, invented_word, person, phrase, place
from recipes.nano.questions import PLAIN_SYSTEM, plain_answer, question
from recipes.nano.tables import common_words, read_table

Value = str | int
Maker = Callable[[random.Random], Value]


@dataclass(frozen=True)
class Tool:
    """A function: its parameters with makers of values, how users ask for it, what a result may say."""

    name: str
    description: str
    parameters: dict[str, Maker]
    requests: tuple[str, ...]
    result: Callable[[random.Random, dict], tuple[dict, str]] | None = None

    def schema(self) -> dict:
        """The OpenAI function schema."""
        probe = random.Random(1)
        properties = {
            name: {"type": "integer" if isinstance(make(probe), int) else "string"}
            for name, make in self.parameters.items()
        }
        parameters = {"type": "object", "properties": properties, "required": list(properties)}
        return {
            "type": "function",
            "function": {"name": self.name, "description": self.description, "parameters": parameters},
        }


def _weather(rng: random.Random, args: dict) -> tuple[dict, str]:
    sky, degrees = rng.choice(SKIES), rng.randint(-5, 35)
    return {"weather": sky, "temperature": degrees}, f"It is {sky} in {args['city']} with {degrees} degrees."


def _exchange(rng: random.Random, args: dict) -> tuple[dict, str]:
    value = rng.randint(2, 9999)
    return {"result": value}, f"{args['amount']} {args['from']} is {value} {args['to']}."


def _stock(rng: random.Random, args: dict) -> tuple[dict, str]:
    price = rng.randint(5, 50)
    if rng.random() < 0.5:
        return {"in_stock": True, "price": price}, f"Yes, {args['title']} is in stock for {price} dollars."
    return {"in_stock": False, "price": price}, f"No, {args['title']} is not in stock."


def _tracking(rng: random.Random, args: dict) -> tuple[dict, str]:
    status = rng.choice(["shipped", "delayed", "delivered", "packed"])
    return {"status": status}, f"Your order {args['order_id']} is {status}."


def _clock(rng: random.Random) -> str:
    return f"{rng.randint(1, 12)}:{rng.randint(0, 59):02d}"


def _mail(rng: random.Random) -> str:
    return f"{invented_word(rng)}@{invented_word(rng)}.com"


def _title(rng: random.Random) -> str:
    return rng.choice(read_table("books"))["book"] if rng.random() < 0.4 else capitalised(phrase(rng, 1, 3))


TOOLS = [
    Tool(
        "get_weather",
        "Get the weather of a city",
        {"city": place},
        (
            "What is the weather in {city}?",
            "How is the weather in {city} today?",
            "Do I need an umbrella in {city}?",
            "Is it warm in {city}?",
        ),
        _weather,
    ),
    Tool(
        "convert_currency",
        "Convert money",
        {
            "amount": lambda r: r.randint(2, 900),
            "from": lambda r: r.choice(["euro", "dollar", "yen", "peso"]),
            "to": lambda r: r.choice(["pound", "rupee", "krone", "real"]),
        },
        ("Convert {amount} {from} to {to}.", "How much is {amount} {from} in {to}?"),
        _exchange,
    ),
    Tool(
        "book_table",
        "Book a table",
        {"name": person, "people": lambda r: r.randint(2, 12), "day": lambda r: r.choice(DAYS)},
        (
            "Book a table for {people} on {day}, name {name}.",
            "{name} needs a table for {people} people on {day}.",
        ),
    ),
    Tool(
        "send_email",
        "Send an email",
        {"to": _mail, "subject": lambda r: phrase(r, 1, 3)},
        ("Send an email to {to} about {subject}.", "Write to {to}, subject {subject}."),
    ),
    Tool(
        "find_book",
        "Search a book",
        {"title": _title},
        ("Do you have the book {title}?", "Find {title}.", "Is {title} in stock?"),
        _stock,
    ),
    Tool("set_alarm", "Set an alarm", {"time": _clock}, ("Wake me at {time}.", "Set an alarm for {time}.")),
    Tool(
        "track_order",
        "Track an order",
        {"order_id": code},
        ("Where is my order {order_id}?", "Track order {order_id}.", "Has {order_id} been sent?"),
        _tracking,
    ),
    Tool(
        "play_song",
        "Play a song",
        {"title": lambda r: capitalised(phrase(r, 1, 4)), "artist": person},
        ("Play {title} by {artist}.", "I want to hear {title} by {artist}."),
    ),
    Tool(
        "add_task",
        "Add a task",
        {"task": lambda r: phrase(r, 1, 4), "day": lambda r: r.choice(DAYS)},
        ("Remind me to {task} on {day}.", "Add {task} to my list for {day}."),
    ),
    Tool(
        "search_flights",
        "Search flights",
        {"from": place, "to": place},
        ("Find a flight from {from} to {to}.", "I want to fly from {from} to {to}."),
    ),
]
HELD_OUT_TOOLS = [
    Tool("get_time", "Get the time of a city", {"city": place}, ("What time is it in {city}?",)),
    Tool(
        "order_pizza",
        "Order a pizza",
        {
            "size": lambda r: r.choice(["small", "large"]),
            "address": lambda r: f"{r.randint(1, 99)} {invented_name(r)} Street",
        },
        ("Order a {size} pizza to {address}.",),
    ),
]
HELD_OUT_NAMES = {tool.name for tool in HELD_OUT_TOOLS}
VERBS = [
    "get",
    "find",
    "make",
    "check",
    "open",
    "start",
    "count",
    "read",
    "buy",
    "sell",
    "rent",
    "show",
    "list",
    "move",
    "save",
    "send",
    "load",
    "stop",
    "ask",
    "rate",
    "fetch",
    "update",
    "create",
    "order",
    "delete",
    "look_up",
    "print",
    "plan",
]


def invented_tool(rng: random.Random) -> Tool:
    """A tool of random words, in one of the usual spellings: it can only be read from the prompt."""
    verb = rng.choice(VERBS)
    thing = rng.choice(common_words()).lower() if rng.random() < 0.7 else invented_word(rng, 2)
    more = rng.choice(common_words()).lower() if rng.random() < 0.12 else ""
    names = list(
        dict.fromkeys(
            rng.choice(common_words()).lower() if rng.random() < 0.8 else invented_word(rng)
            for _ in range(rng.choice([1, 1, 1, 2, 2, 3]))
        )
    )
    makers: list[Maker] = [
        lambda r: r.randint(1, 500),
        lambda r: phrase(r, 1, 2),
        invented_name,
        person,
        place,
        code,
        lambda r: r.choice(DAYS),
        lambda r: f"{r.randint(1, 99)} {invented_name(r)} Road",
    ]
    parameters = {name: rng.choice(makers) for name in names}
    parts = [part for part in (verb, thing, more) if part]
    name = (
        "_".join(parts) if rng.random() < 0.8 else parts[0] + "".join(part.capitalize() for part in parts[1:])
    )
    if name in HELD_OUT_NAMES or any(name == tool.name for tool in TOOLS):
        return invented_tool(rng)
    what = " ".join([verb.replace("_", " "), "the", thing, more]).strip()
    spoken = " and ".join(f"{key} {{{key}}}" for key in names)
    requests = [
        f"{capitalised(what)} with {spoken}.",
        f"Please {what}, {', '.join(f'{key} {{{key}}}' for key in names)}.",
        f"Can you {what} for {spoken}?",
    ]
    if len(names) == 1:
        requests += [f"{capitalised(what)} {{{names[0]}}}.", f"I need to {what} for {{{names[0]}}}."]
    return Tool(name, capitalised(what), parameters, tuple(requests))


def tool_chat(rng: random.Random, pool: list[Tool] | None = None) -> Example:
    """A chat with one to four tools on offer; `pool` restricts them."""
    offered: dict[str, Tool] = {}
    for _ in range(rng.choice([1, 2, 2, 3, 4])):
        tool = rng.choice(pool) if pool else invented_tool(rng) if rng.random() < 0.65 else rng.choice(TOOLS)
        offered[tool.name] = tool
    messages = [Message("system", rng.choice(PLAIN_SYSTEM[:6]))] if rng.random() < 0.5 else []
    for _ in range(rng.randint(1, 4)):
        if pool is None and rng.random() < 0.15:
            fact = any_fact(rng)
            messages += [Message("user", question(rng, fact)), Message("assistant", plain_answer(rng, fact))]
            continue
        tool = rng.choice(list(offered.values()))
        args = {name: make(rng) for name, make in tool.parameters.items()}
        messages.append(Message("user", rng.choice(tool.requests).format(**args)))
        messages.append(Message("assistant", "", [ToolCall(tool.name, args)]))
        if tool.result and rng.random() < 0.7:
            result, told = tool.result(rng, args)
            messages += [Message("tool", json.dumps(result)), Message("assistant", told)]
        elif rng.random() < 0.3:
            messages += [Message("tool", '{"status": "ok"}'), Message("assistant", "Done.")]
    return Example(messages, [tool.schema() for tool in offered.values()], kind="tools")
