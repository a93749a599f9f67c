"""`tunesmith chat`: one question, a piped one, and a conversation at a terminal."""

from __future__ import annotations

import pytest

from tests.cli.other_server import OtherServer


@pytest.fixture
def other(monkeypatch: pytest.MonkeyPatch):
    with OtherServer() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        yield server


def test_one_question_with_a_system_message_and_settings(tunesmith, other: OtherServer) -> None:
    ran = tunesmith(
        "chat", "-m", "x", "-s", "Be kind.", "-t", "0.5", "--max-tokens", "9", "--seed", "4", "Who are you?"
    )

    assert ran.stdout == "Who are you? \n"
    [(_, body)] = other.asked
    assert body["messages"] == [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Who are you?"},
    ]
    assert (body["temperature"], body["max_completion_tokens"], body["seed"]) == (0.5, 9, 4)


def test_settings_that_were_not_given_are_left_to_the_server(tunesmith, other: OtherServer) -> None:
    tunesmith("chat", "-m", "x", "Hello")

    assert set(other.asked[0][1]) == {"model", "messages", "stream"}


def test_a_piped_question_is_read_whole(tunesmith, other: OtherServer) -> None:
    assert tunesmith("chat", "-m", "x", stdin="Two\nlines\n").stdout == "Two\nlines \n"


def test_an_empty_pipe_is_no_question(tunesmith, other: OtherServer) -> None:
    ran = tunesmith("chat", "-m", "x", stdin="")

    assert ran.exit_code == 1
    assert "no question" in ran.stderr


def test_a_conversation_remembers_until_it_is_told_to_forget(terminal, other: OtherServer) -> None:
    at = terminal("chat", "-m", "x", "-s", "Be kind.")
    at.read_until("> ")
    for line in ("first words", "second words", "/new", "third words"):
        at.type(line)
        at.read_until("\n> ")
    at.type("/exit")
    assert at.wait() == 0

    asked = [[message["content"] for message in body["messages"]] for _, body in other.asked]
    assert asked == [
        ["Be kind.", "first words"],
        ["Be kind.", "first words", "first words ", "second words"],
        ["Be kind.", "third words"],
    ]


def test_a_refused_question_does_not_end_the_conversation(terminal, server, against_server) -> None:
    at = terminal("chat", "-m", "no-such-model")
    at.read_until("> ")
    at.type("Hello")
    at.read_until("no-such-model")
    at.read_until("\n> ")
    at.type("/exit")
    assert at.wait() == 0
