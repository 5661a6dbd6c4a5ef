"""What a training takes: against what real ones take, and where it fits."""

from __future__ import annotations

from typing import Any

import pytest

from studio_tui.client.advisor import (
    GIB,
    OPTIMIZERS,
    PRECISIONS,
    Estimate,
    Model,
    advise,
    transformer_activations,
)
from studio_tui.document.entries import MachineEntry
from studio_tui.errors import UsageFault


def estimate(precision: str, model: Model, **options: Any) -> Estimate:
    return next(e for e in advise(model, **options) if e.precision == precision)


@pytest.mark.timeout(90)
@pytest.mark.filterwarnings("ignore:The `srun` command is available")
@pytest.mark.parametrize("precision", ["64-true", "32-true", "bf16-mixed", "bf16-true"])
@pytest.mark.parametrize("optimizer", sorted(OPTIMIZERS))
def test_a_real_step_takes_what_was_estimated(precision: str, optimizer: str) -> None:
    fabric_of = pytest.importorskip("lightning.fabric", reason="lightning is not installed").Fabric
    import torch

    fabric = fabric_of(accelerator="cpu", devices=1, precision=precision)
    # As in a Trainer, the model is made in the precision: that is what -true means.
    with fabric.init_module():
        layers = torch.nn.Sequential(torch.nn.Linear(64, 128), torch.nn.Linear(128, 32))
    kinds = {
        "sgd": lambda p: torch.optim.SGD(p, lr=0.1),
        "momentum": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
        "adam": torch.optim.Adam,
        "adamw": torch.optim.AdamW,
    }
    model, made = fabric.setup(layers, kinds[optimizer](layers.parameters()))
    fabric.backward(model(torch.randn(8, 64)).float().square().mean())
    made.step()
    parameters = list(layers.parameters())
    states = [
        tensor
        for state in made.state.values()
        for tensor in state.values()
        if isinstance(tensor, torch.Tensor) and tensor.numel() > 1
    ]
    told = estimate(precision, Model(sum(p.numel() for p in parameters), optimizer))
    assert told.weights == sum(p.nbytes for p in parameters)
    assert told.gradients == sum(p.grad.nbytes for p in parameters if p.grad is not None)
    assert told.optimizer == sum(tensor.nbytes for tensor in states)


def test_what_each_precision_saves() -> None:
    billion = Model(10**9, "adamw", activations=8 * GIB)
    totals = {e.precision: e.total for e in advise(billion)}
    assert totals["64-true"] == 2 * totals["32-true"] == 32 * 10**9 + 32 * GIB
    assert totals["bf16-true"] == totals["16-true"] == 8 * 10**9 + 8 * GIB
    # -mixed saves activations and not weights; it even keeps a copy of these.
    mixed = estimate("bf16-mixed", billion)
    assert mixed.weights + mixed.gradients + mixed.optimizer == 16 * 10**9
    assert mixed.casts == 2 * 10**9
    assert mixed.activations < estimate("32-true", billion).activations
    assert list(totals) == list(PRECISIONS)


def gpus(count: int, gib: int) -> list[dict[str, Any]]:
    return [{"name": "GPU", "memory_bytes": gib * GIB}] * count


MACHINES = [
    MachineEntry("big", "ssh", gpus=gpus(8, 80), price_per_hour=20.0, memory_bytes=512 * GIB),
    MachineEntry("small", "ssh", gpus=gpus(1, 24), price_per_hour=1.0, memory_bytes=512 * GIB),
    MachineEntry("local", memory_bytes=64 * GIB, price_per_hour=0.0),
    MachineEntry("odd", gpus=[{"name": "GPU"}, {"memory_bytes": "x"}], price_per_hour=0.5),
]


def test_where_it_fits_the_cheapest_first() -> None:
    model = Model(2 * 10**9)
    assert estimate("bf16-true", model, machines=MACHINES).fits == ("local", "small", "big")
    assert estimate("32-true", model, machines=MACHINES).fits == ("local", "big")
    assert estimate("64-true", model, machines=MACHINES).fits == ("big",)
    huge = Model(20 * 10**9)
    assert estimate("32-true", huge, machines=MACHINES, devices=8).fits == ()
    sharded = estimate("32-true", huge, machines=MACHINES, devices=8, strategy="fsdp")
    assert sharded.fits == ("big",)
    assert sharded.plain()["total"] == 40 * 10**9


def test_the_activations_of_a_transformer() -> None:
    shape = {"layers": 12, "width": 768, "sequence": 1024, "batch": 8}
    flash = transformer_activations(**shape)
    assert flash == 1024 * 8 * 768 * 12 * 34
    assert transformer_activations(**shape, heads=12) == 1024 * 8 * 768 * 12 * (34 + 80)


@pytest.mark.parametrize(
    "wrong",
    [
        {"parameters": 0},
        {"parameters": -5},
        {"parameters": 1 << 60},
        {"parameters": 5, "optimizer": "adamx"},
        {"parameters": 5, "activations": -1},
    ],
)
def test_nonsense_is_told(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageFault):
        Model(**wrong)
    with pytest.raises(UsageFault):
        advise(Model(5), devices=0)
