"""From a TrainConfig to all that the loop needs: rows, model, adapter, optimizer, and the run's state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tunesmith.data import hyperparameters
from tunesmith.data.chat_template import Renderer
from tunesmith.errors import InvalidAdapter, InvalidRequest
from tunesmith.model import native
from tunesmith.model.adapter import read_adapter
from tunesmith.model.attention import FOREST
from tunesmith.model.base import load_model, use_threads
from tunesmith.model.lora import LoraStack, add_lora, parameters_per_rank
from tunesmith.model.native_attention import native_is_used
from tunesmith.model.packed.forward import Forward
from tunesmith.model.packed.probe import choose_forward
from tunesmith.model.recomputation import is_needed, recompute_layers
from tunesmith.model.whole_folder import sweep
from tunesmith.train.batches import steps_per_epoch
from tunesmith.train.config import TrainConfig
from tunesmith.train.events import Started, Warned
from tunesmith.train.objectives import Objective, preferences, supervised
from tunesmith.train.optimizer import Optimizer
from tunesmith.train.rows import ExampleFile, read_file
from tunesmith.train.snapshot import Counters, Snapshot, check_same_run, identity, read_snapshot

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass
class Run:
    """One run, ready for its next step."""

    config: TrainConfig
    examples: list[Any]
    """What is trained on: rows, or pairs."""
    valid_examples: list[Any]
    """What is only measured; empty without a validation file."""
    objective: Objective
    warnings: list[Warned]
    forward: Forward
    stack: LoraStack
    optimizer: Optimizer
    steps_per_epoch: int
    tokens_per_epoch: int
    longest: int
    """Tokens of the longest example of both files."""
    counters: Counters
    """Where the run stands; all zero at the start."""
    identity: dict[str, object]
    """What a snapshot must agree in."""
    recomputes: bool
    """Whether activation checkpointing is on."""
    device: str
    notes: list[str]
    alive: Callable[[], None]
    """To be called often while no event is told."""

    @property
    def total_steps(self) -> int:
        """Optimizer steps of the whole run."""
        return self.steps_per_epoch * self.config.n_epochs

    def started(self) -> Started:
        """The event that opens the run."""
        return Started(
            n_examples=len(self.examples),
            n_valid_examples=len(self.valid_examples),
            steps_per_epoch=self.steps_per_epoch,
            total_steps=self.total_steps,
            tokens_per_epoch=self.tokens_per_epoch,
            supervised_tokens_per_epoch=sum(example.n_targets for example in self.examples),
            resumed_from_step=self.counters.step if self.config.resume_from else None,
            device=self.device,
            notes=self.notes,
        )


def prepare(config: TrainConfig, alive: Callable[[], None]) -> Run:
    """Loads and checks everything; see `trainer.train` for `alive` and for what it raises."""
    for folder in (config.out / "checkpoints", config.out / "snapshots"):
        folder.mkdir(parents=True, exist_ok=True)
        sweep(folder)
    model = load_model(config.base, dtype=config.dtype, device=config.device)
    use_threads(model, config.threads)
    train_file, valid_file = _read_files(config, model, alive)
    longest = max(example.longest for example in [*train_file.examples, *valid_file.examples])
    forward, note = choose_forward(
        model, tokens_per_forward=config.tokens_per_forward, longest=longest, share=config.share_prefixes
    )
    snapshot = None if config.resume_from is None else read_snapshot(config.resume_from)
    stack, why_rank = _adapter(model, config, snapshot, train_file.n_targets)
    recomputes, could_not = _recomputation(model, config, stack, train_file, forward)
    n_steps = steps_per_epoch(len(train_file.examples), config.batch_size)
    run = Run(
        config=config,
        examples=train_file.examples,
        valid_examples=valid_file.examples,
        objective=supervised if config.method == "supervised" else preferences(config.beta),
        warnings=[*train_file.warnings, *valid_file.warnings, *could_not],
        forward=forward,
        stack=stack,
        optimizer=Optimizer(stack, config, total_steps=n_steps * config.n_epochs),
        steps_per_epoch=n_steps,
        tokens_per_epoch=train_file.n_tokens,
        longest=longest,
        counters=Counters(),
        identity=identity(config, n_examples=len(train_file.examples), n_tokens=train_file.n_tokens),
        recomputes=recomputes,
        device=str(model.device),
        notes=[
            note,
            *_attention(model),
            *_untouched(model, stack),
            f"LoRA has rank {stack.r} ({why_rank}), alpha {stack.lora_alpha:g}, "
            f"{stack.weights.numel():,} values",
            *(["Layers are computed again in the backward pass, to save memory"] if recomputes else []),
        ],
        alive=alive,
    )
    if snapshot is None:
        return run
    check_same_run(snapshot, run.identity)
    forward.tokens_at_once = snapshot.counters.tokens_per_forward or forward.tokens_at_once
    run.optimizer.load(snapshot.moments)
    snapshot.restore_rng()
    if snapshot.reference is not None:
        both = iter(snapshot.reference.tolist())
        run.examples, run.valid_examples = (
            [pair._replace(reference=tuple(next(both))) for pair in pairs]
            for pairs in (run.examples, run.valid_examples)
        )
    return replace(run, counters=snapshot.counters)


def _read_files(
    config: TrainConfig, model: PreTrainedModel, alive: Callable[[], None]
) -> tuple[ExampleFile, ExampleFile]:
    renderer = Renderer.load(config.base)
    context = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    known = [n for n in (context, renderer.tokenizer.model_max_length, config.max_length) if n]
    max_length = min(known, default=2**31)
    train_file = read_file(
        config.training_file, renderer, method=config.method, max_length=max_length, alive=alive
    )
    if config.validation_file is None:
        return train_file, ExampleFile([], [])
    return train_file, read_file(
        config.validation_file,
        renderer,
        method=config.method,
        max_length=max_length,
        param="validation_file",
        alive=alive,
    )


def _rank(model: PreTrainedModel, config: TrainConfig, n_targets: int) -> tuple[int, str]:
    """The rank of a fresh adapter, and why."""
    if config.r is not None:
        return config.r, "as asked"
    return hyperparameters.rank(
        n_parameters=sum(parameter.numel() for parameter in model.parameters()),
        per_rank=parameters_per_rank(model, config.target_modules),
        n_targets=n_targets,
    )


def _recomputation(
    model: PreTrainedModel, config: TrainConfig, stack: LoraStack, file: ExampleFile, forward: Forward
) -> tuple[bool, list[Warned]]:
    """Turns activation checkpointing on where it is asked for or needed; whether it is on."""
    wanted = config.gradient_checkpointing
    if wanted is None:
        largest = sorted(example.n_tokens for example in file.examples)[-config.batch_size :]
        wanted = is_needed(model, stack, max(largest[-1], min(forward.tokens_at_once, sum(largest))))
    if not wanted:
        return False, []
    if recompute_layers(model):
        return True, []
    text = f"gradient_checkpointing has no effect: {type(model).__name__} has no layers that can do it"
    return False, [Warned(code="no_gradient_checkpointing", message=text)]


def _adapter(
    model: PreTrainedModel, config: TrainConfig, snapshot: Snapshot | None, n_targets: int
) -> tuple[LoraStack, str]:
    """Fresh LoRA layers, or those of the snapshot, or of the adapter that is tuned on; and why they have
    their rank."""
    r, why = _rank(model, config, n_targets)
    given = snapshot.adapter if snapshot is not None else None
    if given is None and config.init_adapter is not None:
        given = read_adapter(config.init_adapter)
    if given is None:
        stack = add_lora(model, r=r, lora_alpha=config.lora_alpha, target_modules=config.target_modules)
        stack.initialize(config.seed)
        return stack, why
    try:
        stack = add_lora(
            model,
            r=given.r,
            lora_alpha=given.lora_alpha,
            target_modules=list(given.layers),
            use_rslora=given.use_rslora,
        )
        stack.load(given)
    except InvalidRequest as error:
        folder = config.resume_from or config.init_adapter
        raise InvalidAdapter(f"{folder} does not fit the base {config.base}: {error.message}") from error
    return stack, why if config.init_adapter is None else "that of the adapter that is tuned on"


def _attention(model: PreTrainedModel) -> list[str]:
    """How attention over packed rows is computed on a CPU, where there is a choice."""
    if model.config._attn_implementation != FOREST or model.device.type != "cpu":
        return []
    if native_is_used(model.device, model.dtype):
        return ["Attention is computed by the native kernel"]
    return [f"Attention is computed by torch. {native.reason()}".strip()]


def _untouched(model: PreTrainedModel, stack: LoraStack) -> list[str]:
    """A sentence for a mixture whose experts get no LoRA."""
    experts = (name for name, weight in model.named_parameters() if weight.ndim == 3 and "expert" in name)
    if any(name not in stack.layers for name in experts):
        return ["The mixture's experts stay as they are; LoRA is on the other linear layers"]
    return []
