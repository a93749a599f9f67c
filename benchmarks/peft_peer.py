"""The peer of `serve_throughput.py`: PEFT's `generate` with `adapter_names` on the same load, without a
server.

Also makes the adapters that both load, so that the benchmark's own process, which is the client, needs no
torch.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from tunesmith.settings import NANO

N_STREAMS, N_ADAPTERS, N_TOKENS, N_LOADED = 16, 8, 64, 64
RANK = 16
QUESTION = "Tell me in one sentence why the sky is blue and why the sea often looks blue as well, please."


def generate(adapters: Path) -> None:
    """Answer each line `go` of standard input with tokens per second by precision and number of threads."""
    import peft
    import torch
    import transformers

    from tunesmith.data.chat_template import Renderer

    transformers.logging.set_verbosity_error()
    prompt = Renderer.load(NANO).prompt([{"role": "user", "content": QUESTION}])
    input_ids = torch.tensor([prompt] * N_STREAMS)
    tuned = {}
    for name, dtype in (("bfloat16", torch.bfloat16), ("float32", torch.float32)):
        base = transformers.AutoModelForCausalLM.from_pretrained(NANO, dtype=dtype)
        model = peft.PeftModel.from_pretrained(base, adapters / "0", adapter_name="0")
        for i in range(1, N_ADAPTERS):
            model.load_adapter(adapters / str(i), adapter_name=str(i))
        tuned[name] = model.eval()

    def run(model: Any, n: int, threads: int) -> float:
        torch.set_num_threads(threads)
        started = time.perf_counter()
        model.generate(
            input_ids=input_ids,
            attention_mask=torch.ones_like(input_ids),
            adapter_names=[str(i % N_ADAPTERS) for i in range(N_STREAMS)],
            max_new_tokens=n,
            min_new_tokens=n,
            do_sample=False,
            pad_token_id=0,
        )
        return N_STREAMS * n / (time.perf_counter() - started)

    settings = [(name, threads) for name in tuned for threads in sorted({1, os.cpu_count() or 1})]
    for name, threads in settings:
        run(tuned[name], 4, threads)
    for line in sys.stdin:
        figures = {}
        if line.strip() == "go":
            for name, threads in settings:
                figures[f"{name}, threads {threads}"] = run(tuned[name], N_TOKENS, threads)
        print(json.dumps(figures), flush=True)


def make_adapters(folder: Path) -> None:
    """Writes random adapters on all linear layers of nano."""
    import torch

    from tunesmith.model.adapter import AdapterWeights, LoraPair, write_adapter
    from tunesmith.model.base import load_model

    model = load_model(NANO, dtype="float32", device="cpu")
    head = model.get_output_embeddings()
    for seed in range(N_LOADED):
        generator = torch.Generator().manual_seed(seed)
        layers = {}
        for name, module in model.named_modules():
            if isinstance(module, torch.nn.Linear) and module is not head:
                a = torch.randn(RANK, module.in_features, generator=generator) * module.in_features**-0.5
                b = torch.randn(module.out_features, RANK, generator=generator) * 0.02
                layers[name] = LoraPair(a, b)
        write_adapter(folder / str(seed), AdapterWeights(r=RANK, lora_alpha=2 * RANK, layers=layers))


if __name__ == "__main__":
    {"generate": generate, "make-adapters": make_adapters}[sys.argv[1]](Path(sys.argv[2]))
