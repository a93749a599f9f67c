"""`python -m tunesmith.infer --base FOLDER --base-id ID --socket PATH`: one engine as a process."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import socket
import sys
import threading
from pathlib import Path

from tunesmith.errors import TunesmithError
from tunesmith.settings import NANO

SWITCH_INTERVAL_S = 0.0005
"""How long the thread that writes answers may keep the interpreter from the one that makes them. Python's
5 ms are half a step of a small model; 16 streams of nano gained a fifth."""


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM, SIGINT, or, with --until-stdin-ends, the end of standard input."""
    options = _parser().parse_args(arguments)
    options.base_id = options.base_id or options.base.resolve().name
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        listener = _listen(options.socket)
    except OSError as error:
        print(f"The socket {options.socket} cannot be opened: {error.strerror or error}", file=sys.stderr)
        return 1
    stop, serving = threading.Event(), threading.Event()
    if options.until_stdin_ends:
        follow = threading.Thread(
            target=_follow_stdin, args=(stop, serving, options.socket), name="stdin", daemon=True
        )
        follow.start()
    try:
        return _serve(options, listener, stop, serving)
    except TunesmithError as error:
        print(error.message, file=sys.stderr)
        return 1
    finally:
        listener.close()
        options.socket.unlink(missing_ok=True)


def _serve(
    options: argparse.Namespace, listener: socket.socket, stop: threading.Event, serving: threading.Event
) -> int:
    # threads that wait for work must sleep: beside a trainer, spinning ones make a step a hundred times
    # slower
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    import uvicorn  # after the arguments: `--help` and a wrong folder answer at once

    from tunesmith.data.tokenizer import Tokenizer
    from tunesmith.infer.assemble import EngineConfig, assemble
    from tunesmith.infer.grammar import Grammars
    from tunesmith.infer.server import EngineServer

    assembled = assemble(
        EngineConfig(
            base=options.base,
            dtype=options.dtype,
            device=options.device,
            threads=options.threads,
            max_running=options.max_num_seqs,
            max_step_tokens=options.max_num_batched_tokens,
            max_context=options.max_model_len,
            max_adapters=options.max_loras,
            kv_cache_bytes=options.kv_cache_memory_bytes,
            prefix_cache_bytes=options.prefix_cache_memory_bytes,
        )
    )
    if options.adapter:
        assembled.engine.runner.adapters.load(options.adapter_id, options.adapter)
    grammars = Grammars(
        options.base, n_vocab=assembled.n_vocab, eos_token_ids=Tokenizer.load(options.base).eos_token_ids
    )
    engine_server = EngineServer(
        assembled.engine,
        grammars=grammars,
        pooling=assembled.pooling,
        base_id=options.base_id,
        n_vocab=assembled.n_vocab,
        context_length=assembled.context_length,
        eos_token_ids=assembled.eos_token_ids,
        max_waiting=options.max_waiting,
        gave_up=lambda: os._exit(1),
    )
    # a step gives the interpreter away at every kernel; a long switch interval would let the writer keep it
    sys.setswitchinterval(0.0005)
    server = uvicorn.Server(
        uvicorn.Config(
            engine_server.app(),
            log_level="warning",
            access_log=False,
            timeout_keep_alive=120,
            timeout_graceful_shutdown=3,
            server_header=False,
            date_header=False,
        )
    )
    threading.Thread(target=_end, args=(stop, server), name="end", daemon=True).start()
    serving.set()
    listener.listen(1024)  # from here on a connection is an engine that can answer
    asyncio.run(server.serve(sockets=[listener]))
    return 0


def _listen(path: Path) -> socket.socket:
    """A Unix socket that only its owner may open (mode 0600); it accepts nobody before `listen`."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(before)
    return listener


def _follow_stdin(stop: threading.Event, serving: threading.Event, path: Path) -> None:
    """Whoever started this process holds the other end of its standard input; when it is gone, so are we:
    at once while the base still loads, else after the answers under way."""
    while os.read(0, 4096):
        pass
    stop.set()
    if serving.is_set():
        threading.Event().wait(5.0)
    path.unlink(missing_ok=True)
    os._exit(0)


def _end(stop: threading.Event, server: object) -> None:
    stop.wait()
    server.should_exit = True  # type: ignore[attr-defined]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tunesmith.infer", description=__doc__)
    parser.add_argument("--base", type=Path, default=NANO, help="folder of the base model (default: nano)")
    parser.add_argument("--base-id", help="name that requests give the base (default: the folder's name)")
    parser.add_argument(
        "--socket", type=Path, default=Path("tunesmith-engine.sock"), help="Unix socket to serve on"
    )
    parser.add_argument("--adapter", type=Path, help="an adapter in PEFT's format to load at once")
    parser.add_argument("--adapter-id", default="adapter", help="its name in requests")
    parser.add_argument("--threads", type=int, help="CPU threads at most")
    parser.add_argument("--dtype", choices=["auto", "float32", "bfloat16"], default="auto")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--max-num-seqs", type=int, default=64, help="sequences that compute together")
    parser.add_argument("--max-num-batched-tokens", type=int, default=512, help="tokens of one step")
    parser.add_argument("--max-model-len", type=int, help="longest prompt and answer together, in tokens")
    parser.add_argument("--max-loras", type=int, default=1024, help="adapters in memory")
    parser.add_argument("--max-waiting", type=int, default=1024, help="requests that may wait")
    parser.add_argument("--kv-cache-memory-bytes", type=int, help="memory of the key/value cache")
    parser.add_argument(
        "--prefix-cache-memory-bytes",
        type=int,
        help="memory for prompts' beginnings that come again (0: none)",
    )
    parser.add_argument(
        "--until-stdin-ends", action="store_true", help="end when standard input does (its writer is gone)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
