"""The whole recipe in one command: tokenizer, text, training.

    python -m recipes.nano.build --work BUILD --out tunesmith/assets/nano --steps 5000

Each part is skipped when its files are there, so that an interrupted build continues.
Afterwards `python -m recipes.nano.check` measures the model.
"""

import argparse
import json
import os
import sys
from pathlib import Path

from tokenizers import Tokenizer

from recipes.nano.build_tokenizer import train_tokenizer, write_tokenizer
from recipes.nano.dataset import make_stream
from recipes.nano.pretrain import RunConfig, pretrain

# glibc's defaults give freed memory back at once and fault it in again (10 % of the run), in pages of 4 KB
MALLOC = {
    "MALLOC_TRIM_THRESHOLD_": "4000000000",
    "MALLOC_MMAP_THRESHOLD_": "2000000000",
    "MALLOC_TOP_PAD_": "256000000",
    "MALLOC_ARENA_MAX": "1",
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}
TOKENIZER_SEED, TRAIN_SEED, VALID_SEED = 1, 2, 999
RELEASE_STEPS = 5000
VALID_TOKENS = 150_000


def prepare(work: Path, out: Path, num_tokens: int) -> None:
    """Tokenizer files in `out`, train.npz and valid.npz in `work`."""
    work.mkdir(parents=True, exist_ok=True)
    if not (work / "tokenizer.json").exists():
        write_tokenizer(train_tokenizer(TOKENIZER_SEED), work)
    write_tokenizer(Tokenizer.from_file(str(work / "tokenizer.json")), out)
    tokenizer = Tokenizer.from_file(str(work / "tokenizer.json"))
    for name, seed, size in (("valid", VALID_SEED, VALID_TOKENS), ("train", TRAIN_SEED, num_tokens)):
        if not (work / f"{name}.npz").exists():
            stream = make_stream(tokenizer, seed, size)
            stream.save(work / f"{name}.npz")
            figures = {
                "stream": name,
                "examples": len(stream),
                "tokens": int(stream.offsets[-1]),
                "learned_share": round(float(stream.learned.mean()), 3),
            }
            print(json.dumps(figures), flush=True)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, default=Path("build/nano"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=RELEASE_STEPS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--prepare-only", action="store_true")
    args = parser.parse_args()
    if MALLOC.items() - os.environ.items():  # malloc reads them at start only
        os.execve(
            sys.executable, [sys.executable, "-m", "recipes.nano.build", *sys.argv[1:]], os.environ | MALLOC
        )
    config = RunConfig(work=args.work, out=args.out, steps=args.steps, seed=args.seed, threads=args.threads)
    prepare(args.work, args.out, num_tokens=int(args.steps * config.tokens_per_batch * 0.96))
    if not args.prepare_only:
        print(json.dumps(pretrain(config)), flush=True)


if __name__ == "__main__":
    main()
