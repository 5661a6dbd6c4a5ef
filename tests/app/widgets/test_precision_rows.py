from __future__ import annotations

from studio_tui.app.widgets.precision_rows import advice_rows, run_rows
from studio_tui.app.widgets.rows import Row, width_of
from studio_tui.client.advisor import GIB, Estimate, Model, advise
from studio_tui.client.compare import Metric, RunSummary
from studio_tui.document.entries import MachineEntry

BOX = MachineEntry("gpu-box", gpus=[{"name": "H100", "memory_bytes": 80 * GIB}])


def drawn(rows: list[Row]) -> list[str]:
    return ["".join(text for text, _ in row).rstrip() for row in rows]


def test_what_each_precision_takes_and_where_it_fits() -> None:
    found = advise(Model(4_000_000_000, "adamw", 8 * GIB), [BOX])
    assert drawn(advice_rows(found, "32-true", {"bf16-true", "32-true"}, 80)) == [
        "    precision   weights  grads  optim.  activ.  total  fits on",
        "    64-true         30G    30G     60G     32G   151G  nowhere here",
        "› ● 32-true         15G    15G     30G     16G    76G  nowhere here",
        "    bf16-mixed      22G    15G     30G    9.6G    77G  nowhere here",
        "    16-mixed        22G    15G     30G    9.6G    77G  nowhere here",
        "  ● bf16-true      7.5G   7.5G     15G      8G    38G  gpu-box",
        "    16-true        7.5G   7.5G     15G      8G    38G  gpu-box",
    ]


def test_many_machines_are_cut_at_the_width() -> None:
    names = tuple(f"box{number}" for number in range(99))
    rows = advice_rows([Estimate("16-true", 1, 0, 1, 1, 0, names)], "", (), 70)
    assert all(width_of(row) <= 70 for row in rows)
    assert drawn(rows)[1].endswith("…")
    advice_rows([Estimate("16-true", 1, 0, 1, 1, 0, names)], "", (), 10)


def test_a_model_that_is_not_described_has_no_sizes() -> None:
    (_, row) = drawn(advice_rows([Estimate("16-true", 0, 0, 0, 0, 0)], "16-true", (), 80))
    assert row.split() == ["›", "16-true", *"–––––"]


def test_two_runs_are_set_against_each_other() -> None:
    a = RunSummary(
        "a", "succeeded", precision="32-true", steps_per_second=2.0, peak_memory_gib=4.0,
        cost=0.1, metrics={"train_loss": Metric(4.0, 4.0, 5, 5)},
    )  # fmt: skip
    b = RunSummary(
        "b", "succeeded", precision="bf16-mixed", steps_per_second=4.0, peak_memory_gib=3.0,
        cost=0.05, metrics={"train_loss": Metric(4.2, 4.2, 5, 5)},
    )  # fmt: skip
    assert drawn(run_rows([a, b])) == [
        "                    ended    step      peak  loss   cost",
        "    32-true     succeeded  500 ms  4.00 GiB  4.00  $0.10",
        "    bf16-mixed  succeeded  250 ms  3.00 GiB  4.20  $0.05",
        "    change                   -50%      -25%   +5%   -50%",
    ]
    assert len(run_rows([a])) == 2
    assert run_rows([]) == []


def test_a_run_that_told_nothing() -> None:
    rows = drawn(run_rows([RunSummary("a", "failed"), RunSummary("b\x1b", "lost")]))
    assert rows[1].split() == ["a", "failed", *"––––"]
    assert rows[3].split() == ["change"]
