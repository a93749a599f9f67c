"""`tunesmith chat`: ask a model, once or in a conversation; the answer streams as it is made."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tunesmith.cli import output
from tunesmith.cli.client import connect
from tunesmith.cli.explain import explain
from tunesmith.errors import InvalidRequest

if TYPE_CHECKING:
    from openai import OpenAI

_HELP = "/new forgets the conversation, /exit (or Ctrl-D) ends it, Ctrl-C stops an answer."
_TEMPERATURE = "How varied answers are; 0 gives the likeliest one."


def chat(
    model: Annotated[str, typer.Option("--model", "-m", help="The model that answers.")],
    question: Annotated[
        str | None, typer.Argument(help="Ask this alone; without it, a conversation (or stdin, when piped).")
    ] = None,
    system: Annotated[str | None, typer.Option("--system", "-s", help="The system message.")] = None,
    temperature: Annotated[
        float | None, typer.Option("--temperature", "-t", min=0, max=2, help=_TEMPERATURE)
    ] = None,
    max_tokens: Annotated[int | None, typer.Option(min=1, help="At most so many tokens an answer.")] = None,
    seed: Annotated[int | None, typer.Option(help="For repeatable sampling.")] = None,
) -> None:
    """Chat with a model: one question, or a conversation."""
    options = {"temperature": temperature, "max_completion_tokens": max_tokens, "seed": seed}
    options = {name: value for name, value in options.items() if value is not None}
    history: list[dict[str, str]] = [{"role": "system", "content": system}] if system else []
    if question is None and not sys.stdin.isatty():
        question = sys.stdin.read().strip()
        if not question:
            raise InvalidRequest("There is no question: give one as an argument or on stdin.")
    with connect() as client:
        if question is None:
            _converse(client, model, history, options)
        else:
            _answer(client, model, [*history, {"role": "user", "content": question}], options)


def _converse(client: OpenAI, model: str, history: list[dict[str, str]], options: dict[str, Any]) -> None:
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401  # line editing and recall for input()
    print(f"Chatting with {model}. {_HELP}")
    start = len(history)  # the system message stays
    while True:
        try:
            question = input("\n> ").strip()
        except (EOFError, KeyboardInterrupt):
            print()
            return
        if question in ("/exit", "/quit"):
            return
        if question == "/new":
            del history[start:]
            print("A new conversation.")
            continue
        if question.startswith("/"):
            print(_HELP)
            continue
        if not question:
            continue
        turn = {"role": "user", "content": question}
        try:
            answer = _answer(client, model, [*history, turn], options)
        except KeyboardInterrupt:
            print("\n(stopped; this question is forgotten)")
            continue
        except Exception as error:
            sentence = explain(error)
            if sentence is None:
                raise
            output.complain(sentence)
            if getattr(error, "code", None) == "context_length_exceeded":
                print("/new starts a new conversation.")
            continue
        history += [turn, {"role": "assistant", "content": answer}]


def _answer(client: OpenAI, model: str, messages: list[dict[str, str]], options: dict[str, Any]) -> str:
    """Prints the answer piece by piece; the whole of it."""
    pieces = []
    for piece in stream(client, model, messages, options):
        pieces.append(piece)
        print(piece, end="", flush=True)
    print()
    return "".join(pieces)


def stream(
    client: OpenAI, model: str, messages: list[dict[str, str]], options: dict[str, Any]
) -> Iterator[str]:
    """The pieces of one answer's text; closing the iterator ends the request."""
    create: Any = client.chat.completions.create  # its overloads cannot follow **options
    with create(model=model, messages=messages, stream=True, **options) as chunks:
        for chunk in chunks:
            if chunk.choices and chunk.choices[0].delta.content:
                yield chunk.choices[0].delta.content
