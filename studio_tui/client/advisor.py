"""How much memory a training takes in each precision, and which machine it fits on. Pure.

What a parameter takes is exact: Lightning's `-mixed` keeps weights, gradients and optimizer in 32
bits and halves the activations; `-true` halves all. Activations are an estimate, of a transformer
by Korthikanti et al., "Reducing Activation Recomputation in Large Transformer Models", 2022, eq. 2.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from studio_tui.document.entries import MachineEntry
from studio_tui.errors import UsageFault

GIB = 1 << 30
CONTEXT_BYTES = GIB  # what CUDA and its libraries take of a GPU for themselves
FRAGMENTED = 0.05  # the share of a GPU that the allocator cannot use
_CPU_FREE = 0.8  # the share of a machine's memory that one job may take

# Bytes of one parameter's weight, of its gradient, and of one number of the optimizer's.
PRECISIONS = {
    "64-true": (8, 8, 8),
    "32-true": (4, 4, 4),
    "bf16-mixed": (4, 4, 4),
    "16-mixed": (4, 4, 4),
    "bf16-true": (2, 2, 2),
    "16-true": (2, 2, 2),
}
# Autocast keeps a 16-bit copy of the weights that a step uses.
_CAST_BYTES = {"bf16-mixed": 2, "16-mixed": 2}
# Activations against 16 bits. In -mixed, norms, softmax and the loss stay in 32.
_ACTIVATIONS = {
    "64-true": 4.0, "32-true": 2.0, "bf16-mixed": 1.2, "16-mixed": 1.2, "bf16-true": 1.0,
    "16-true": 1.0,
}  # fmt: skip
OPTIMIZERS = {"sgd": 0, "momentum": 1, "adam": 2, "adamw": 2}
"""How many numbers an optimizer keeps for each parameter."""
_UNITS = {"k": 1e3, "m": 1e6, "b": 1e9, "g": 1e9, "t": 1e12}
_MOST = 1 << 50
_SHARDING = ("fsdp", "deepspeed_stage_3")


@dataclass(frozen=True)
class Model:
    """What is trained.

    Attributes:
        parameters: how many numbers are learned.
        optimizer: one of OPTIMIZERS.
        activations: bytes that one device's batch leaves behind for the backward pass, in 16 bits.

    Raises:
        UsageFault: a value makes no sense.
    """

    parameters: int
    optimizer: str = "adamw"
    activations: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.parameters < _MOST:
            raise UsageFault(f"a model of {self.parameters} parameters", "give 1 or more: 124M")
        if self.optimizer not in OPTIMIZERS:
            raise UsageFault(
                f"optimizer {self.optimizer!r} is not known", f"give one of {', '.join(OPTIMIZERS)}"
            )
        if self.activations < 0:
            raise UsageFault("activations below 0", "leave them out")


@dataclass(frozen=True)
class Estimate:
    """Bytes on one device, and the machines where that fits: their ids, the cheapest first.

    `casts` is the 16-bit copy of the weights that `-mixed` works with.
    """

    precision: str
    weights: int
    casts: int
    gradients: int
    optimizer: int
    activations: int
    fits: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """All of it."""
        return self.weights + self.casts + self.gradients + self.optimizer + self.activations

    def plain(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return {**asdict(self), "fits": list(self.fits), "total": self.total}


def amount(text: str) -> int:
    """A count such as 124M or 1.3B.

    Raises:
        UsageFault: it is none, or more than any model has.
    """
    number, unit = (text[:-1], text[-1].lower()) if text[-1:].isalpha() else (text, "")
    try:
        counted = int(float(number) * (_UNITS[unit] if unit else 1))
    except (ValueError, KeyError, OverflowError):
        raise UsageFault(f"{text!r} is no number", "write 124M or 1.3B") from None
    if abs(counted) >= _MOST:
        raise UsageFault(f"{text!r} is too much", "write 124M or 1.3B")
    return counted


def transformer_activations(
    *, layers: int, width: int, sequence: int, batch: int, heads: int | None = None
) -> int:
    """Bytes of activations in 16 bits, of one device's batch.

    Args:
        heads: of attention that keeps its matrix; None for flash or memory-efficient attention.
    """
    attention = 5 * heads * sequence / width if heads else 0.0
    return int(sequence * batch * width * layers * (34 + attention))


def advise(
    model: Model,
    machines: Iterable[MachineEntry] = (),
    *,
    devices: int = 1,
    strategy: str = "",
) -> list[Estimate]:
    """What a training takes in each precision, the widest first, and where it fits.

    Args:
        devices: how many GPUs of one machine it shares.
        strategy: one that shards the parameters, such as fsdp, divides them among the devices.

    Raises:
        UsageFault: devices makes no sense.
    """
    if not 1 <= devices <= 1024:
        raise UsageFault(f"{devices} devices", "give 1 or more")
    known = sorted(machines, key=lambda machine: (machine.price_per_hour or 0.0, machine.id))
    found = []
    for precision in PRECISIONS:
        estimate = _estimate(model, precision, devices if strategy in _SHARDING else 1)
        fits = tuple(m.id for m in known if _room(m, devices) >= estimate.total)
        found.append(replace(estimate, fits=fits))
    return found


def _estimate(model: Model, precision: str, shards: int) -> Estimate:
    weight, gradient, state = (
        size * -(-model.parameters // shards) for size in PRECISIONS[precision]
    )
    return Estimate(
        precision,
        weights=weight,
        casts=model.parameters * _CAST_BYTES.get(precision, 0),
        gradients=gradient,
        optimizer=state * OPTIMIZERS[model.optimizer],
        activations=int(model.activations * _ACTIVATIONS[precision]),
    )


def _room(machine: MachineEntry, devices: int) -> float:
    """Bytes that one device of a machine has for a training; 0 when it has not so many."""
    sizes = _gpu_sizes(machine)
    if not machine.gpus:
        return machine.memory_bytes * _CPU_FREE / devices
    if len(sizes) < devices:
        return 0.0
    smallest = sorted(sizes, reverse=True)[devices - 1]
    return smallest * (1 - FRAGMENTED) - CONTEXT_BYTES


def _gpu_sizes(machine: MachineEntry) -> Sequence[int]:
    sizes = [gpu.get("memory_bytes") for gpu in machine.gpus]
    return [size for size in sizes if isinstance(size, int) and size > 0]
