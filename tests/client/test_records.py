"""Files of other loggers: real ones, torn ones, and whatever else somebody may put there."""

from __future__ import annotations

import base64
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_tui.client.records import (
    NAMES,
    POINTS,
    is_record,
    read_csv,
    read_events,
    read_record,
)
from studio_tui.errors import StudioError

# Written by torch.utils.tensorboard's SummaryWriter: train/loss as a simple value, lr as a tensor,
# odd as a NaN, and a text.
EVENTS = base64.b64decode(
    """
SAAAAAAAAAD+kkidCfiK/J/WwtpBGg1icmFpbi5FdmVudDoyUi4KLHRlbnNvcmJvYXJkLnN1bW1hcnkud3JpdGVyLm
V2ZW50X2ZpbGVfd3JpdGVyhhTRqh4AAAAAAAAA2dwSMgmtn/yf1sLaQSoTChEKCnRyYWluL2xvc3MVAACAQNw2c0Yo
AAAAAAAAAP9wFkoJTaD8n9bC2kEqHQobCgJsckIICAEqBAAAAABKCwoJCgdzY2FsYXJzmuSdbyAAAAAAAAAAKe2pUA
lxoPyf1sLaQRAKKhMKEQoKdHJhaW4vbG9zcxUAAABA4HJLKCoAAAAAAAAAro2R9QmkoPyf1sLaQRAKKh0KGwoCbHJC
CAgBKgTNzMw9SgsKCQoHc2NhbGFyc/YIrpEgAAAAAAAAACntqVAJv6D8n9bC2kEQFCoTChEKCnRyYWluL2xvc3MVq6
qqP1xmHOsqAAAAAAAAAK6NkfUJ4qD8n9bC2kEQFCodChsKAmxyQggIASoEzcxMPkoLCgkKB3NjYWxhcnOy+GUqIAAA
AAAAAAAp7alQCf2g/J/WwtpBEB4qEwoRCgp0cmFpbi9sb3NzFQAAgD8bEMj2KgAAAAAAAACujZH1CVKh/J/WwtpBEB
4qHQobCgJsckIICAEqBJqZmT5KCwoJCgdzY2FsYXJzOthLxiAAAAAAAAAAKe2pUAlzofyf1sLaQRAoKhMKEQoKdHJh
aW4vbG9zcxXNzEw/jeJ+eCoAAAAAAAAAro2R9QmXofyf1sLaQRAoKh0KGwoCbHJCCAgBKgTNzMw+SgsKCQoHc2NhbG
Fyc0PQU2IZAAAAAAAAAIvxCCgJuqH8n9bC2kEQAyoMCgoKA29kZBUAAMB/4P8Hyz0AAAAAAAAAYEnx7AlUvfyf1sLa
QRABKjAKLgoRbm90ZS90ZXh0X3N1bW1hcnlCDwgHEgQSAggBQgVoZWxsb0oICgYKBHRleHR7bBrd
"""
)


def test_a_real_event_file() -> None:
    curves = read_record("runs/x/events.out.tfevents.1.box.2.0", EVENTS)
    assert sorted(curves) == ["lr", "train/loss"]
    assert curves["train/loss"][:2] == [(0, 4.0), (10, 2.0)]
    assert [step for step, _ in curves["lr"]] == [0, 10, 20, 30, 40]
    assert curves["lr"][1][1] == pytest.approx(0.1)


def test_an_event_file_that_is_still_written_is_read_so_far() -> None:
    assert len(read_events(EVENTS[:-3])["train/loss"]) == 5
    half = read_events(EVENTS[: len(EVENTS) // 2])
    assert 0 < len(half["train/loss"]) < 5
    assert read_events(b"") == {}


@given(st.binary(max_size=300))
def test_any_bytes_in_a_frame_are_survived(data: bytes) -> None:
    record = struct.pack("<Q", len(data)) + bytes(4) + data + bytes(4)
    curves = read_events(record + EVENTS)
    assert len(curves["train/loss"]) >= 5


@given(st.binary(max_size=300), st.integers(0, len(EVENTS)))
def test_any_bytes_anywhere_are_survived(data: bytes, at: int) -> None:
    read_events(EVENTS[:at] + data + EVENTS[at + len(data) :])


def test_a_csv_of_lightning() -> None:
    text = b"epoch,step,train_loss,val_loss\n0,9,1.5,\n0,19,1.25,\n0,19,,1.75\n1,29,nan,1e400\n"
    assert read_record("logs/metrics.csv", text) == {
        "epoch": [(9, 0.0), (19, 0.0), (19, 0.0), (29, 1.0)],
        "train_loss": [(9, 1.5), (19, 1.25)],
        "val_loss": [(19, 1.75)],
    }


def test_a_csv_of_anything() -> None:
    assert read_csv(b"loss\n3\n2\nx\n") == {"loss": [(0, 3.0), (1, 2.0)]}
    assert read_csv(b"") == {}
    assert read_csv(b"step,a\n1e300,2\nnan,3\n,4\n5\n") == {}
    assert read_csv(b"step,a\n\0\xff1,2\n3,4,5,6\n") == {"a": [(3, 4.0)]}
    wide = ",".join(f"c{n}" for n in range(2 * NAMES))
    assert len(read_csv(f"{wide}\n{','.join('1' * 2 * NAMES)}\n".encode())) == NAMES
    assert len(read_csv(b"a\n" + b"1\n" * (POINTS + 5))["a"]) == POINTS
    with pytest.raises(StudioError, match="no CSV"):
        read_csv(b'a\n"' + b"x" * 200_000 + b'"\n')


def test_what_is_a_record() -> None:
    assert is_record("lightning_logs/version_0/metrics.csv")
    assert is_record("runs/events.out.tfevents.17.box")
    assert not is_record("train.py")
    with pytest.raises(StudioError, match="no log of metrics"):
        read_record("train.py", b"")
