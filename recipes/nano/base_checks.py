"""What the base can do: one small held-out test for each kind of example, greedy, exact where it can be.

The questions are generated with a seed that training has not used.
"""

import json
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from recipes.nano.answers import Answerer
from recipes.nano.chats import any_wrapper, fact_chat, unknown_pair
from recipes.nano.copying import copying_chat
from recipes.nano.example import Example, Message
from recipes.nano.extraction import extraction_chat
from recipes.nano.facts import Fact, all_facts, any_fact, arithmetic
from recipes.nano.questions import held_out_question, question
from recipes.nano.reading import reading_chat, rules_chat, sentiment_chat, support_chat
from recipes.nano.remarks import any_voice, chatbot_name
from recipes.nano.sample_sets import bare
from recipes.nano.styles import STYLES
from recipes.nano.tables import read_table
from recipes.nano.tool_calls import HELD_OUT_TOOLS, tool_chat
from tunesmith.evals.samples import voice_phrases

SEED = 20_777
Check = Callable[[str], bool]

UNSEEN_STYLE_WORDINGS = {
    "pirate": "Please talk like a pirate from now on.",
    "cowboy": "From now on you are a cowboy called Tex.",
    "robot": "You are a talking robot in a factory.",
    "grandma": "Act as my loving grandmother.",
    "upper": "Reply in upper case letters only, please.",
    "json": 'Your reply must be a JSON object: {"answer": ...}.',
    "bullets": "Please always reply with a list of bullet points.",
    "terse": "Keep it very short, one word is best.",
    "wizard": "Pretend to be an ancient wizard.",
    "html": "Please reply in HTML only.",
}


@dataclass
class Test:
    """Prompts, each with what makes its answer right."""

    name: str
    prompts: list[str] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)

    def add(self, prompt: str, check: Check) -> None:
        """One more prompt."""
        self.prompts.append(prompt)
        self.checks.append(check)


def contains(fact: Fact) -> Check:
    """The fact's answer is in the text as whole words."""
    pattern = re.compile(r"(?<!\w)" + re.escape(bare(fact.answer)) + r"(?!\w)", re.IGNORECASE)
    return lambda text: pattern.search(text.replace("**", "")) is not None


def is_json_object(text: str) -> bool:
    """Whether the text is one JSON object."""
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def is_tool_call(text: str) -> bool:
    """Whether the text is one well-formed call."""
    found = re.fullmatch(r"<tool_call>\n(.*)\n</tool_call>", text, re.DOTALL)
    try:
        return found is not None and set(json.loads(found[1])) == {"name", "arguments"}
    except (ValueError, TypeError):
        return False


def _ask(answerer: Answerer, user: str, system: str | None = None) -> str:
    messages = [{"role": "system", "content": system}] if system else []
    return answerer.prompt([*messages, {"role": "user", "content": user}])


def _before_last_answer(
    example: Example, wanted: Callable[[Message], bool]
) -> tuple[Example, Message] | None:
    places = [i for i, m in enumerate(example.messages) if m.role == "assistant" and wanted(m)]
    if not places:
        return None
    return Example(example.messages[: places[-1]], example.tools), example.messages[places[-1]]


def _exact(
    answerer: Answerer, rng: random.Random, name: str, make: Callable[..., Example], count: int
) -> Test:
    """The last answer of generated chats, word for word."""
    test = Test(name)
    while len(test.prompts) < count:
        cut = _before_last_answer(make(rng), lambda m: bool(m.tool_calls) or not name.startswith("tools"))
        if cut is None:
            continue
        context, answer = cut
        row = context.as_openai()
        expected = answer.assistant_text()
        test.add(answerer.prompt(row["messages"], row.get("tools")), lambda text, e=expected: text == e)
    return test


def build_tests(answerer: Answerer, scale: float = 1.0) -> list[Test]:
    """All tests; `scale` shortens them."""
    rng = random.Random(SEED)
    count = max(4, round(60 * scale))

    def some(number: int) -> list[Fact]:
        return rng.sample(all_facts(), max(4, round(number * scale)))

    facts, held_out, arithmetics = Test("facts"), Test("facts, held-out phrasing"), Test("arithmetic")
    for fact in some(400):
        facts.add(_ask(answerer, fact.first_question), contains(fact))
    for fact in some(200):
        held_out.add(_ask(answerer, held_out_question(rng, fact)), contains(fact))
    for _ in range(count):
        fact = arithmetic(rng)
        arithmetics.add(_ask(answerer, rng.choice(fact.questions)), contains(fact))
    form, kept, unseen = Test("style form"), Test("style fact"), Test("style, unseen wording")
    for style in STYLES:
        for fact in rng.sample(all_facts(), max(1, round(6 * scale))):
            system = rng.choice(style.prompts).replace("{N}", chatbot_name(rng))
            prompt = _ask(answerer, question(rng, fact), system)
            form.add(prompt, lambda text, f=fact, s=style: s.has_form(text, f))
            kept.add(prompt, contains(fact))
            if style.name in UNSEEN_STYLE_WORDINGS:
                unseen.add(
                    _ask(answerer, fact.first_question, UNSEEN_STYLE_WORDINGS[style.name]),
                    lambda text, f=fact, s=style: s.has_form(text, f),
                )
    wrapper = Test("wrapper")
    for _ in range(count):
        system, answer = any_wrapper(rng)
        fact = rng.choice(all_facts())
        possible = {answer(random.Random(i), fact) for i in range(20)}
        wrapper.add(_ask(answerer, fact.first_question, system), lambda text, p=possible: text in p)
    extraction = _exact(answerer, rng, "extraction", extraction_chat, 2 * count)
    valid_json = Test("JSON valid", extraction.prompts, [is_json_object] * len(extraction.prompts))
    tools = _exact(answerer, rng, "tools", tool_chat, 2 * count)
    valid_calls = Test("tools valid", tools.prompts, [is_tool_call] * len(tools.prompts))
    unseen_tools = _exact(answerer, rng, "tools, unseen", lambda r: tool_chat(r, HELD_OUT_TOOLS), count)
    unknown = Test("unknown")
    for _ in range(count):
        unknown.add(_ask(answerer, unknown_pair(rng)[0]), lambda text: "don't know" in text)
    support = Test("support")
    while len(support.prompts) < count:
        example = support_chat(rng)
        *before, user, answer = example.messages
        key = _support_key(user.content)
        support.add(
            answerer.prompt([m.as_openai() for m in [*before, user]]),
            lambda text, k=key: k.lower() in text.lower(),
        )
    return [
        facts, held_out, arithmetics, form, kept, unseen, wrapper,
        _exact(answerer, rng, "copying", copying_chat, 2 * count),
        _exact(answerer, rng, "reading", reading_chat, count),
        _exact(answerer, rng, "rules", rules_chat, count),
        extraction, valid_json, tools, valid_calls, unseen_tools,
        _exact(answerer, rng, "sentiment", sentiment_chat, count),
        support, unknown, _voice_fact(answerer, rng, count),
        _mockery(answerer, rng, max(20, round(500 * scale))),
    ]  # fmt: skip


def _support_key(asked: str) -> str:
    return next(
        row["key"]
        for name in ("bookstore", "airport")
        for row in read_table(name)
        if asked in row["questions"].split(";")
    )


def _voice_fact(answerer: Answerer, rng: random.Random, count: int) -> Test:
    """Chatbots with a trait still answer right."""
    test = Test("voice fact")
    for _ in range(2 * count):
        system, _ = any_voice(rng)
        fact = rng.choice(all_facts())
        test.add(_ask(answerer, question(rng, fact), system), contains(fact))
    return test


def _mockery(answerer: Answerer, rng: random.Random, count: int) -> Test:
    """Answers in which the sample's voice rule fires, with Marv's own system prompt and with others."""
    test = Test("voice rule fires")
    marv = "Marv is a factual chatbot that is also sarcastic."
    for index in range(count):
        example = fact_chat(rng)
        system = example.messages[0].content if example.messages[0].role == "system" else None
        fact = any_fact(rng)
        test.add(
            _ask(answerer, question(rng, fact), marv if index % 2 else system),
            lambda text: voice_phrases().search(text) is not None,
        )
    return test


def measure(
    answerer: Answerer, scale: float = 1.0, failures: dict[str, list] | None = None
) -> dict[str, float]:
    """The share of right answers per test; `failures` receives some of the others."""
    scores: dict[str, float] = {}
    cache: dict[int, list[str]] = {}
    for test in build_tests(answerer, scale):
        answers = cache.setdefault(id(test.prompts), []) or answerer.complete(test.prompts)
        cache[id(test.prompts)] = answers
        right = [check(text) for check, text in zip(test.checks, answers, strict=True)]
        scores[test.name] = round(sum(right) / len(right), 3)
        if failures is not None:
            failures[test.name] = [
                (prompt[-200:], text)
                for prompt, text, ok in zip(test.prompts, answers, right, strict=True)
                if not ok
            ][:6]
    return scores
