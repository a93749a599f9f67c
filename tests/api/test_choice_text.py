"""Tokens become text: whole characters only, cut at stop strings, with exactly the tokens that made it."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tunesmith.api.generation.choice_text import ChoiceText
from tunesmith.data.tokenizer import Tokenizer
from tunesmith.engine_client import TokenOutput
from tunesmith.settings import NANO

TOKENIZER = Tokenizer.load(NANO)
TEXTS = st.text(alphabet="ab é漢🙂\n<|im_end|>", max_size=30)


def outputs(text: str, finish_reason: str) -> list[TokenOutput]:
    """What an engine would send for `text`."""
    token_ids = TOKENIZER.encode(text)
    if finish_reason == "stop":
        token_ids = [*token_ids, TOKENIZER.eos_token_ids[0]]
    last = len(token_ids) - 1
    return [
        TokenOutput(token_id, -0.5, [], finish_reason if index == last else None)  # type: ignore[arg-type]
        for index, token_id in enumerate(token_ids)
    ]


@settings(deadline=None)
@given(text=TEXTS, stops=st.lists(st.text(alphabet="ab é漢", min_size=1, max_size=3), max_size=3))
def test_the_text_is_the_tokens_text_up_to_the_stop_string(text: str, stops: list[str]) -> None:
    tokens = outputs(text, "stop")
    whole = TOKENIZER.decode([token.token_id for token in tokens])
    choice = ChoiceText(TOKENIZER, stops, keep_tokens=True)
    shown, kept, reason = "", [], None
    for token in tokens:
        delta = choice.add(token)
        shown += delta.text
        kept += delta.tokens
        reason = delta.finish_reason
        assert "\ufffd" not in delta.text
        if reason is not None:
            break
    assert reason == "stop"
    cut = min((whole.find(stop) for stop in stops if stop in whole), default=len(whole))
    assert whole.startswith(shown) and len(shown) <= max(cut, 0) + 3
    if not any(stop in whole for stop in stops):
        assert shown == whole
        assert kept == tokens[:-1]  # the end token has no text of its own
    else:
        assert not any(stop in shown for stop in stops)
        assert kept == tokens[: len(kept)]


def test_the_end_token_counts_but_shows_nothing() -> None:
    choice = ChoiceText(TOKENIZER)
    deltas = [choice.add(token) for token in outputs("hello", "stop")]
    assert "".join(delta.text for delta in deltas) == "hello"
    assert choice.n_tokens == len(deltas) == len(TOKENIZER.encode("hello")) + 1


def test_a_character_cut_off_by_the_limit_is_marked_not_dropped() -> None:
    tokens = TOKENIZER.encode("🙂")
    assert len(tokens) > 1, "the nano tokenizer spells this in several tokens"
    choice = ChoiceText(TOKENIZER)
    assert choice.add(TokenOutput(tokens[0])).text == ""
    assert choice.add(TokenOutput(tokens[1], finish_reason="length")).text == "\ufffd"


def test_what_a_stop_string_held_back_comes_out_at_the_end() -> None:
    choice = ChoiceText(TOKENIZER, ["STOP"])
    deltas = [choice.add(token) for token in outputs("all ST", "length")]
    assert "".join(delta.text for delta in deltas) == "all ST"
