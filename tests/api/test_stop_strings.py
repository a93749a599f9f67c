"""Stop strings do not depend on how a text is cut into tokens."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tunesmith.api.generation.stop_strings import StopStrings

LETTERS = st.text(alphabet="abß", max_size=20)


def plain(text: str, stops: list[str]) -> tuple[str, bool]:
    """The definition: character by character, until the text so far contains a stop string."""
    for end in range(1, len(text) + 1):
        found = [text.find(stop) for stop in stops if stop in text[:end]]
        if found:
            return text[: min(found)], True
    return text, False


def pieces(text: str, cuts: list[int]) -> list[str]:
    places = sorted({min(cut, len(text)) for cut in cuts} | {0, len(text)})
    return [text[start:end] for start, end in zip(places, places[1:], strict=False)]


@given(
    text=LETTERS,
    stops=st.lists(st.text(alphabet="abß", min_size=1, max_size=4), max_size=4),
    cuts=st.lists(st.integers(0, 20), max_size=10),
)
def test_any_cut_of_a_text_ends_at_the_same_place(text: str, stops: list[str], cuts: list[int]) -> None:
    strings = StopStrings(stops)
    shown = "".join(strings.add(piece) for piece in pieces(text, cuts))
    shown += strings.flush()
    assert (shown, strings.found) == plain(text, stops)


@given(text=LETTERS, stops=st.lists(st.text(alphabet="abß", min_size=1, max_size=4), max_size=4))
def test_what_was_shown_is_never_taken_back(text: str, stops: list[str]) -> None:
    strings = StopStrings(stops)
    shown = ""
    for char in text:
        shown += strings.add(char)
        assert plain(text, stops)[0].startswith(shown)


def test_without_stop_strings_nothing_is_held_back() -> None:
    strings = StopStrings([])
    assert strings.add("abc") == "abc"
    assert strings.flush() == ""
