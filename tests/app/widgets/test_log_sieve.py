from __future__ import annotations

import pytest

from studio_tui.app.widgets.log_buffer import Line
from studio_tui.app.widgets.log_sieve import Sieve, level_of, rank_of


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("step 3  loss 1.9", None),
        ("2026-11-28 12:00:01 INFO loader: ready", 0),
        ("DEBUG:root:x", 0),
        ("[WARNING] slow disk", 1),
        ("/x/trainer.py:76: UserWarning: few workers", 1),
        ("WARN spilling", 1),
        ("CRITICAL out of space", 2),
        ("torch.OutOfMemoryError: CUDA out of memory", 2),
        ("an error of 3 percent", None),
        ("ERRORS none", None),
    ],
)
def test_the_level_of_a_line(text: str, level: int | None) -> None:
    assert level_of(text) == level


@pytest.mark.parametrize(
    ("text", "rank"),
    [
        ("[rank0]: Traceback", 0),
        ("[rank: 12] Seed set to 42", 12),
        ("[default3]:loss", 3),
        ("7: from srun --label", 7),
        ("epoch 7: from a loop", None),
        ("[rankings] no", None),
    ],
)
def test_the_rank_of_a_line(text: str, rank: int | None) -> None:
    assert rank_of(text) == rank


TRACE = """\
INFO starts
[rank1]: Traceback (most recent call last):
[rank1]:   File "train.py", line 3, in <module>
[rank1]:     boom()
[rank1]: ValueError: boom
step 4
  indented, so it goes on
WARNING odd
  its detail
INFO ends"""


def kept(sieve: Sieve) -> list[str]:
    return [text.split("]: ")[-1].strip() for text in TRACE.splitlines() if sieve(Line(text))]


def test_a_traceback_is_an_error_to_its_end_and_details_go_with_their_message() -> None:
    errors = kept(Sieve(2))
    assert errors[0] == "Traceback (most recent call last):"
    assert errors[1:] == ['File "train.py", line 3, in <module>', "boom()", "ValueError: boom"]
    assert kept(Sieve(1)) == [*errors, "WARNING odd", "its detail"]
    assert len(kept(Sieve())) == 10
    assert len(kept(Sieve(0, 1))) == 4
    assert kept(Sieve(0, 2)) == []
