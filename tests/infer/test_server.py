"""The engine over its socket, with the client that the office uses."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from tests.infer.conftest import N_VOCAB, engine_of, tiny_model
from tests.infer.make_adapter import random_adapter
from tunesmith.data.tokenizer import Tokenizer
from tunesmith.engine_client import EngineClient, GenerateRequest, TokenOutput
from tunesmith.errors import AdapterRefused, EngineUnavailable, InvalidRequest, NotFound
from tunesmith.infer.__main__ import _listen
from tunesmith.infer.engine import Engine
from tunesmith.infer.grammar import Grammars
from tunesmith.infer.server import EngineServer
from tunesmith.model.adapter import write_adapter
from tunesmith.settings import NANO

PROMPT = [5, 6, 7, 8]


class Served:
    """An engine on a socket, in a thread of the test's process."""

    def __init__(
        self, socket: Path, *, n_vocab: int = N_VOCAB, grammars: Grammars | None = None, prefix_pages: int = 0
    ) -> None:
        self.socket = socket
        self.engine: Engine = engine_of(
            tiny_model(vocab_size=n_vocab), n_places=1024, prefix_pages=prefix_pages
        )
        self.server = EngineServer(
            self.engine,
            grammars=grammars,
            base_id="tiny",
            n_vocab=n_vocab,
            context_length=256,
            eos_token_ids=[2],
            max_waiting=40,
            gave_up=lambda: None,
        )
        config = uvicorn.Config(self.server.app(), log_config=None, access_log=False)
        self.uvicorn = uvicorn.Server(config)
        listener = _listen(socket)
        listener.listen()
        self._thread = threading.Thread(target=lambda: asyncio.run(self.uvicorn.serve(sockets=[listener])))
        self._thread.start()
        self._listener = listener

    def stop(self) -> None:
        self.uvicorn.should_exit = True
        self._thread.join(10)
        self._listener.close()

    def idle(self) -> bool:
        places = self.engine.scheduler.places
        return not self.engine.scheduler.has_work and places.n_free == places.capacity


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("engine")
    for name in "ab":
        write_adapter(folder / name, random_adapter(tiny_model(), ord(name)))
    one = Served(folder / "s")
    yield one
    one.stop()


@pytest.fixture
def served_with_text(tmp_path: Path) -> Iterator[Served]:
    """The same over nano's vocabulary, so that answers can follow a grammar."""
    one = Served(tmp_path / "s", n_vocab=4096, grammars=Grammars(NANO, n_vocab=4096, eos_token_ids=[2]))
    yield one
    one.stop()


@contextlib.asynccontextmanager
async def client_of(served: Served) -> AsyncIterator[EngineClient]:
    client = EngineClient(served.socket, "tiny")
    try:
        yield client
    finally:
        client.close()


async def collect(client: EngineClient, prompt: list[int] = PROMPT, **request: Any) -> list[TokenOutput]:
    request = {"max_tokens": 8, "temperature": 0.0, **request}
    return [output async for output in client.generate(GenerateRequest(prompt, **request))]


async def until(true: Callable[[], bool], *, timeout_s: float) -> None:
    async with asyncio.timeout(timeout_s):
        while not true():
            await asyncio.sleep(0.005)


def tokens(outputs: list[TokenOutput]) -> list[int]:
    return [output.token_id for output in outputs]


def test_the_socket_is_its_owners_alone(served: Served):
    assert served.socket.stat().st_mode & 0o777 == 0o600


def test_streamed_and_whole_answers_are_the_same(served: Served):
    async def story() -> None:
        async with client_of(served) as client:
            assert await client.health()
            streamed = await collect(client, logprobs=2)
            whole = await collect(client, logprobs=2, stream=False)
            assert streamed == whole
            assert [o.finish_reason for o in streamed] == [None] * 7 + ["length"]
            assert all(
                o.top_logprobs[0] == (o.token_id, o.logprob) and len(o.top_logprobs) == 2 for o in streamed
            )
            assert (await collect(client))[0] == TokenOutput(streamed[0].token_id)
            stop = tokens(streamed)[2]
            stopped = await collect(client, stop_token_ids=[stop])
            assert tokens(stopped)[-1] == stop and stopped[-1].finish_reason == "stop"

    asyncio.run(story())


def test_a_prompts_log_probabilities_come_with_the_first_token(served: Served):
    async def story() -> None:
        async with client_of(served) as client:
            first, *others = await collect(client, prompt_logprobs=1)
            assert first.prompt_logprobs is not None and first.prompt_logprobs[0] is None
            assert [p.token_id for p in first.prompt_logprobs[1:] if p] == PROMPT[1:]
            assert all(p.logprob <= p.top_logprobs[0][1] < 0 for p in first.prompt_logprobs[1:] if p)
            assert all(output.prompt_logprobs is None for output in others)

    asyncio.run(story())


def test_adapters_come_and_go_while_others_answer(served: Served):
    async def story() -> None:
        async with client_of(served) as client:
            plain = tokens(await collect(client))
            for name in "ab":
                await client.load_adapter(name, served.socket.parent / name)
                await client.load_adapter(name, served.socket.parent / name)  # a second time is no error
            requests = [None, "a", "b"] * 5
            answers = await asyncio.gather(*(collect(client, adapter_id=name) for name in requests))
            by_name = {name: tokens(answer) for name, answer in zip(requests, answers, strict=True)}
            assert all(
                tokens(answer) == by_name[name] for name, answer in zip(requests, answers, strict=True)
            )
            assert by_name[None] == plain and len({tuple(t) for t in by_name.values()}) == 3
            await client.unload_adapter("a")
            await client.unload_adapter("a")
            with pytest.raises(NotFound, match="does not exist"):
                await collect(client, adapter_id="a")

    asyncio.run(story())


def test_an_unknown_adapter_is_loaded_once_more_and_the_request_goes_on(served: Served):
    async def story() -> None:
        reloaded = []

        async def reload(adapter_id: str) -> None:
            reloaded.append(adapter_id)
            await client.load_adapter(adapter_id, served.socket.parent / "b")

        client = EngineClient(served.socket, "tiny", reload=reload)
        assert len(await collect(client, adapter_id="c")) == 8
        assert reloaded == ["c"]
        client.close()

    asyncio.run(story())


@pytest.mark.parametrize(
    ("request_body", "param"),
    [
        ({"prompt": []}, "prompt"),
        ({"prompt": "text"}, "prompt"),
        ({"prompt": [N_VOCAB]}, "prompt"),
        ({"prompt": [-1]}, "prompt"),
        ({"prompt": [1] * 300}, "prompt"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 10**9}, "prompt"),
        ({"temperature": float("nan")}, "temperature"),
        ({"temperature": -1}, "temperature"),
        ({"top_p": 0}, "top_p"),
        ({"seed": 2**70}, "seed"),
        ({"logprobs": 10**6}, "logprobs"),
        ({"logit_bias": {"5": float("inf")}}, "logit_bias"),
        ({"logit_bias": {str(N_VOCAB): 1}}, "logit_bias"),
        ({"stop_token_ids": [1] * 5000}, "stop_token_ids"),
        ({"n": 10_000}, "n"),
        ({"stop": ["x"]}, "stop"),
        ({"echo": True}, "echo"),
        ({"stream": True, "prompt_logprobs": 1}, "prompt_logprobs"),
        ({"structured_outputs": []}, "structured_outputs"),
        ({"structured_outputs": {"json_object": True}}, "structured_outputs"),  # this one has no tokenizer
    ],
)
def test_a_poisoned_request_is_refused_alone_and_names_the_field(
    served: Served, request_body: Any, param: str
):
    async def story() -> None:
        async with client_of(served) as client:
            body = {"model": "tiny", "prompt": PROMPT, **request_body}
            async with client._connections.request(
                "POST", "/v1/completions", json.dumps(body).encode()
            ) as response:
                error = json.loads(await response.read())["error"]
                assert response.status == 400
            assert error["param"] == param and param in error["message"] or error["code"]
            assert len(await collect(client)) == 8

    asyncio.run(story())


def test_refusals_reach_the_caller_as_our_errors(served: Served, tmp_path: Path):
    async def story() -> None:
        async with client_of(served) as client:
            with pytest.raises(InvalidRequest) as caught:
                await collect(client, [1] * 300)
            assert caught.value.code == "context_length_exceeded"
            with pytest.raises(AdapterRefused, match=r"adapter_config\.json"):
                await client.load_adapter("nothing", tmp_path)
        with pytest.raises(EngineUnavailable):
            await collect(EngineClient(tmp_path / "nowhere", "tiny"))
        assert not await EngineClient(tmp_path / "nowhere", "tiny").health()

    asyncio.run(story())


def test_a_client_that_leaves_frees_its_places_long_before_its_answer_would_end(
    served: Served, monkeypatch: pytest.MonkeyPatch
):
    forward = served.engine.runner.forward

    def slow(chunks: Any) -> Any:
        time.sleep(0.1)  # two hundred tokens take twenty seconds
        return forward(chunks)

    monkeypatch.setattr(served.engine.runner, "forward", slow)

    async def story() -> None:
        async with client_of(served) as client:
            for stream in (True, False):
                request = GenerateRequest(PROMPT, max_tokens=200, temperature=0.0, stream=stream)
                if stream:
                    async with contextlib.aclosing(client.generate(request)) as answer:
                        await anext(answer)
                else:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(anext(client.generate(request)), 0.1)
                await until(served.idle, timeout_s=10)

    asyncio.run(story())


def test_more_requests_than_may_wait_are_told_to_come_again(served: Served):
    async def story() -> None:
        async with client_of(served) as client:
            results = await asyncio.gather(
                *(collect(client, max_tokens=30) for _ in range(90)), return_exceptions=True
            )
            refused = [result for result in results if isinstance(result, EngineUnavailable)]
            assert refused and all(error.headers["Retry-After"] for error in refused)
            assert all(len(result) == 30 for result in results if isinstance(result, list))
            assert len(await collect(client)) == 8

    asyncio.run(story())


def test_a_slow_reader_gets_everything(served: Served):
    async def story() -> None:
        async with client_of(served) as client:
            seen = []
            async for output in client.generate(GenerateRequest(PROMPT, max_tokens=100, temperature=0.0)):
                seen.append(output.token_id)
                if len(seen) % 25 == 0:
                    await asyncio.sleep(0.02)
            assert seen == tokens(await collect(client, max_tokens=100))

    asyncio.run(story())


def test_models_and_metrics_tell_what_is_there(served: Served):
    async def story() -> None:
        async with client_of(served) as client:
            await client.load_adapter("b", served.socket.parent / "b")
            async with client._connections.request("GET", "/v1/models") as response:
                cards = json.loads(await response.read())["data"]
            assert {"tiny": None, "b": "tiny"}.items() <= {
                card["id"]: card["parent"] for card in cards
            }.items()
            metrics = await client.metrics()
            assert "vllm:num_requests_running 0" in metrics and "vllm:generation_tokens_total" in metrics

    asyncio.run(story())


def test_a_structured_answer_is_the_same_streamed_and_whole_and_says_what_it_cannot(served_with_text: Served):
    async def story() -> None:
        async with client_of(served_with_text) as client:
            yes_or_no: Any = {
                "max_tokens": 30,
                "structured": {"choice": ["yes", "no"]},
                "stop_token_ids": [2],
            }
            streamed = await collect(client, **yes_or_no)
            whole = await collect(client, **yes_or_no, stream=False)
            assert streamed == whole
            assert Tokenizer.load(NANO).decode(tokens(streamed)) in ("yes", "no")
            assert streamed[-1].token_id == 2 and streamed[-1].finish_reason == "stop"
            for stream in (True, False):
                with pytest.raises(InvalidRequest, match="'not' cannot be enforced") as caught:
                    await collect(client, structured={"json": {"not": {}}}, stream=stream)
                assert caught.value.code == "invalid_json_schema"

    asyncio.run(story())


def test_a_grammar_that_compiles_for_long_holds_up_nobody(served_with_text: Served):
    for_ever = {"type": "string", "allOf": [{"pattern": f".*a.{{{i}}}b.*"} for i in range(5, 25)]}

    async def story() -> None:
        async with client_of(served_with_text) as client:
            compiling = asyncio.create_task(collect(client, structured={"json": for_ever}))
            for _ in range(3):
                await collect(client, max_tokens=50)
            assert not compiling.done()
            with pytest.raises(InvalidRequest, match="more time or memory"):
                await compiling

    asyncio.run(story())


def test_a_grammar_that_fails_on_the_way_ends_its_answer_alone(
    served_with_text: Served, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("tunesmith.infer.grammar.MASK_CPU_S", -1.0)

    async def story() -> None:
        async with client_of(served_with_text) as client:
            for stream in (True, False):
                free, *structured = await asyncio.gather(
                    collect(client, stream=stream),
                    *(collect(client, structured={"regex": "a+"}, stream=stream) for _ in range(3)),
                    return_exceptions=True,
                )
                assert isinstance(free, list) and len(free) == 8
                assert all(
                    isinstance(one, InvalidRequest) and "too long" in one.message for one in structured
                )

    asyncio.run(story())


def test_the_cached_part_of_a_prompt_is_told(tmp_path: Path):
    served = Served(tmp_path / "s", prefix_pages=8)

    async def story() -> None:
        async with client_of(served) as client:
            prompt = [9] * 100
            for stream in (True, False):
                salt = f"project-{stream}"
                (*_, first) = await collect(client, prompt, cache_salt=salt, stream=stream)
                (*others, again) = await collect(client, prompt, cache_salt=salt, stream=stream)
                assert (first.cached_tokens, again.cached_tokens) == (0, 64)
                assert all(output.cached_tokens is None for output in others)

    try:
        asyncio.run(story())
    finally:
        served.stop()


def test_health_tells_of_a_step_that_does_not_end(served: Served, monkeypatch: pytest.MonkeyPatch):
    forward, goes_on = served.engine.runner.forward, threading.Event()

    def stuck(chunks: Any) -> Any:
        goes_on.wait(60)
        return forward(chunks)

    async def story() -> None:
        async with client_of(served) as client:
            assert await client.busy_s() == 0.0
            monkeypatch.setattr(served.engine.runner, "forward", stuck)
            waiting = asyncio.create_task(collect(client))
            seen: list[float] = []
            while not seen or seen[-1] < 0.2:
                await asyncio.sleep(0.02)
                seen.append(await client.busy_s() or 0.0)
            goes_on.set()
            assert len(await waiting) == 8

    asyncio.run(story())


def test_texts_have_vectors_and_who_leaves_stops_them(served: Served):
    async def story() -> None:
        async with client_of(served) as client:
            await client.load_adapter("b", served.socket.parent / "b")
            texts = [[5 + i % 290, 7, 9][: 1 + i % 3] for i in range(300)]
            base, tuned = await client.embed(texts), await client.embed(texts, "b")
            assert len(base) == len(tuned) == 300 and len(base[0]) == 64
            assert list(base[299]) == pytest.approx(list((await client.embed([texts[299]]))[0]), abs=1e-4)
            assert list(base[0]) != pytest.approx(list(tuned[0]), abs=1e-3)
            for wrong, says in (
                ([[5], [N_VOCAB]], r"input\[1\]"),
                ([[5] * 257], "maximum context"),
                ([[]], "input"),
            ):
                with pytest.raises(InvalidRequest, match=says):
                    await client.embed(wrong)
            with pytest.raises(NotFound):
                await client.embed([[5]], "nobody")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(client.embed([[5] * 200] * 200), 0.05)
            await until(served.idle, timeout_s=20)

    asyncio.run(story())
