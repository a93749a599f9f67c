"""The adapters that an engine can answer with: the loaded ones, and the few of the current step in lanes.

Loading reads and checks the files; it touches no tensor of the model, so any thread may do it. Lanes are
filled in the engine's thread, when a step first needs an adapter: a few small copies. An idle adapter costs
its memory and nothing else.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from tunesmith.errors import InvalidAdapter
from tunesmith.infer.batched_experts import LaneExperts
from tunesmith.infer.batched_lora import Lanes, LinearGroup
from tunesmith.model.adapter import LoraPair, read_adapter

MAX_RANK = 256


@dataclass(frozen=True, eq=False)
class LoadedAdapter:
    """One adapter in the model's precision; its scaling is in B."""

    name: str
    rank: int
    layers: dict[str, tuple[torch.Tensor, torch.Tensor]]
    """By the layer's path in the base: A as [I, r] and B as [r, O]."""
    experts: dict[str, tuple[torch.Tensor, torch.Tensor]] = field(default_factory=dict)
    """By the path of the experts' parameter: A as [E, I, r] and B as [E, r, O]."""


class AdapterPool:
    """Adapters by name, the most recently used last. Beyond `max_adapters` the least recently used is
    dropped."""

    def __init__(
        self,
        groups: Sequence[LinearGroup],
        lanes: Lanes,
        *,
        max_adapters: int,
        experts: Sequence[LaneExperts] = (),
    ) -> None:
        self._like = groups[0].weight
        self._parts: list[LinearGroup | LaneExperts] = [*groups, *experts]
        self._lanes = lanes
        self._max_adapters = max_adapters
        self._loaded: OrderedDict[str, LoadedAdapter] = OrderedDict()
        self._lock = threading.Lock()
        self._shapes: dict[str, tuple[int, ...]] = {one.path: one.shape for one in experts}
        for group in groups:
            self._shapes |= {
                name: (group.in_features, n) for name, n in zip(group.names, group.widths, strict=True)
            }
        self._in_lane: list[LoadedAdapter | None] = []

    @property
    def names(self) -> list[str]:
        return list(self._loaded)

    def get(self, name: str) -> LoadedAdapter | None:
        """The adapter, which counts as used now; None when it is not loaded."""
        with self._lock:
            adapter = self._loaded.get(name)
            if adapter is not None:
                self._loaded.move_to_end(name)
            return adapter

    def load(self, name: str, folder: Path) -> None:
        """Read an adapter in PEFT's format.

        Raises InvalidAdapter when it is broken, its rank is above MAX_RANK, or it does not fit this base.
        """
        weights = read_adapter(folder)
        if weights.r > MAX_RANK:
            raise InvalidAdapter(f"{folder}: r is {weights.r}; this engine serves ranks up to {MAX_RANK}")
        like = self._like
        layers, experts = {}, {}
        for path, pair in weights.layers.items():
            self._check_shape(folder, path, pair)
            a, b = pair.lora_A, pair.lora_B.float() * weights.scaling
            if pair.n_experts is None:
                layers[path] = _as(like, a.t()), _as(like, b.t())
            else:  # rows of A expert by expert, columns of B rank by rank
                a = a.unflatten(0, (pair.n_experts, weights.r)).mT
                b = b.unflatten(1, (weights.r, pair.n_experts)).permute(2, 1, 0)
                experts[path] = _as(like, a), _as(like, b)
        adapter = LoadedAdapter(name, weights.r, layers, experts)
        with self._lock:
            self._loaded[name] = adapter
            while len(self._loaded) > self._max_adapters:
                self._loaded.popitem(last=False)

    def _check_shape(self, folder: Path, path: str, pair: LoraPair) -> None:
        shape: tuple[int, ...] = pair.lora_A.shape[1], pair.lora_B.shape[0]
        kind, described = "linear layer", "features in and out"
        if pair.n_experts is not None:
            shape = pair.n_experts, *shape
            kind, described = "weight of experts that can be tuned", "experts, features in and out"
        if (base := self._shapes.get(path)) != shape:
            has = f"in this base it is {list(base)}" if base else f"this base has no such {kind}"
            raise InvalidAdapter(
                f"{folder}: {path} is a layer of {list(shape)} {described}, but {has}; "
                "the adapter belongs to another base"
            )

    def unload(self, name: str) -> bool:
        """Forget an adapter; sequences that use it keep it until they end. False when it is not loaded."""
        with self._lock:
            return self._loaded.pop(name, None) is not None

    def place(self, adapters: Sequence[LoadedAdapter | None]) -> list[int]:
        """The lane of each adapter (-1 for None, the base), after filling lanes where it must. Engine's
        thread only."""
        wanted = {adapter for adapter in adapters if adapter is not None}
        if wanted:
            self._make_room(wanted)
        lane_of = {adapter: i for i, adapter in enumerate(self._in_lane) if adapter in wanted}
        for adapter, lane in list(lane_of.items()):
            if lane >= 2 * len(wanted):  # a step computes all lanes up to the last that it uses
                del lane_of[adapter]
                self._in_lane[lane] = None
        free = [i for i in range(self._lanes.capacity) if i not in lane_of.values()]
        for adapter in wanted - lane_of.keys():
            lane = lane_of[adapter] = free.pop(0)
            self._in_lane[lane] = None
            for part in self._parts:
                part.fill(lane, adapter)
            self._in_lane[lane] = adapter
        return [-1 if adapter is None else lane_of[adapter] for adapter in adapters]

    def _make_room(self, wanted: set[LoadedAdapter]) -> None:
        """Widen the lanes to the largest rank, and double their number while they are too few. Where that
        fails, all lanes are empty and get their former size when they are needed next."""
        before = self._lanes.rank, self._lanes.capacity
        rank = max(self._lanes.rank, *(adapter.rank for adapter in wanted))
        capacity = self._lanes.capacity
        while capacity < len(wanted):
            capacity *= 2
        if (rank, capacity) != before or not self._in_lane:
            self._in_lane = []
            self._lanes.rank, self._lanes.capacity = rank, capacity
            try:
                for part in self._parts:
                    part.resize()
            except BaseException:
                self._lanes.rank, self._lanes.capacity = before
                raise
            self._in_lane = [None] * capacity


def _as(like: torch.Tensor, matrix: torch.Tensor) -> torch.Tensor:
    return matrix.to(like.device, like.dtype).contiguous()
