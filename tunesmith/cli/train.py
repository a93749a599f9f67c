"""`tunesmith train`: the trainer without a server. It has its own options; this hands them through."""

from __future__ import annotations

import os
import sys

import typer

PASS_THROUGH = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


def train(ctx: typer.Context) -> None:
    """Fine-tune without a server: tunesmith train data.jsonl --out adapter/ (--help lists the options)."""
    sys.stdout.flush()
    # Become the trainer, so that signals and the exit code are its own.
    os.execv(sys.executable, [sys.executable, "-m", "tunesmith.train", *ctx.args])
