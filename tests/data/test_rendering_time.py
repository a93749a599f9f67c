"""A template that loops over strangers' messages has so much time and no more."""

from __future__ import annotations

import time

import pytest

from tunesmith.data import jinja
from tunesmith.data.jinja import RenderingTooLong, Template

SQUARE = (
    "{% for a in messages %}{% for b in messages %}"
    "{% if a.content == b.role %}{% set x = 1 %}{% endif %}"
    "{% endfor %}{% endfor %}done"
)


def test_a_square_of_the_messages_ends_in_bounded_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jinja, "RENDERING_CPU_S", 0.05)
    template = Template(SQUARE, {})
    few, many = ([{"role": "user", "content": "Hello"}] * n for n in (3, 3000))
    started = time.thread_time()
    with pytest.raises(RenderingTooLong, match=r"more than 0.05 s"):
        template.render(many, None, add_generation_prompt=True)
    assert time.thread_time() - started < 1
    assert template.render(few, None, add_generation_prompt=True).text == "done"
