"""A template that loops over strangers' messages has so much time and no more."""

from __future__ import annotations

import time

import pytest

from tunesmith.data import chat_template, jinja
from tunesmith.data.chat_template import MAX_ENDS, Renderer
from tunesmith.data.examples import from_row
from tunesmith.data.jinja import RenderingTooLong, Template
from tunesmith.errors import InvalidTrainingFile
from tunesmith.settings import NANO

UNTAGGED = (
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}<|im_end|>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
SQUARE = (
    "{% for a in messages %}{% for b in messages %}"
    "{% if a.content == b.role %}{% set x = 1 %}{% endif %}"
    "{% endfor %}{% endfor %}done"
)


def test_a_row_of_very_many_messages_is_refused_in_bounded_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat_template, "ROW_CPU_S", 0.2)
    messages = [{"role": role, "content": "Hi"} for role in ("user", "assistant")] * 2000
    renderer, row = Renderer.load(NANO), from_row({"messages": messages}, 7)
    monkeypatch.setattr(renderer, "_templates", {"default": Template(UNTAGGED, {})})
    started = time.thread_time()
    with pytest.raises(InvalidTrainingFile, match=r"^Line 7: .* more than 0.2 s .* so many messages; split"):
        renderer.example(row)
    assert time.thread_time() - started < 5
    assert renderer.example(from_row({"messages": messages[:4]}, 1)).n_supervised


def test_the_roles_of_a_long_row_cost_no_square_of_its_messages() -> None:
    messages = [{"role": role, "content": "Hi"} for role in ("user", "assistant")] * 150
    [layout] = Renderer.load(NANO).layouts(from_row({"messages": messages}, 1))
    known = [end is not None for _, end in layout.ends]
    assert known == [True] * MAX_ENDS + [False] * (300 - MAX_ENDS)


def test_a_square_of_the_messages_ends_in_bounded_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jinja, "RENDERING_CPU_S", 0.05)
    template = Template(SQUARE, {})
    few, many = ([{"role": "user", "content": "Hello"}] * n for n in (3, 3000))
    started = time.thread_time()
    with pytest.raises(RenderingTooLong, match=r"more than 0.05 s"):
        template.render(many, None, add_generation_prompt=True)
    assert time.thread_time() - started < 1
    assert template.render(few, None, add_generation_prompt=True).text == "done"
