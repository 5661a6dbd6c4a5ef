from __future__ import annotations

from pathlib import Path

from studio_tui.host.jobs.orders import Moving, Order, Orders
from studio_tui.jobs.spec import JobSpec

SPEC = JobSpec(
    script="train.py", args=("--steps", "3"), name="first", devices="0,1", precision="bf16",
    strategy="ddp", accelerator="cpu", max_steps=9, max_runtime=60, retries=2,
    env={"HF_TOKEN": "sesame"}, secrets=("OTHER",), python="/usr/bin/python3",
)  # fmt: skip


def test_an_order_is_found_as_it_was_kept(tmp_path: Path) -> None:
    orders = Orders(tmp_path / "jobs")
    assert orders.find("j") is None
    for spec in (SPEC, JobSpec(command=("sh", "-c", "true")), JobSpec(script="a.py")):
        order = Order(spec, ("local", "box"), 12.5, {"OTHER": "é\n"})
        orders.keep("j", order)
        assert orders.find("j") == order
    moving = Moving("box", 2, "bf16-mixed", (0, 1), "/a/parcel", "/b", "step-3.ckpt", 3, sent=True)
    order = Order(SPEC, ("local",), leg=1, left=(("local", "j"),), moving=moving)
    orders.keep("j", order)
    assert orders.find("j") == order
    assert [member.id for member in order.members("j", 0)] == ["j-m1"]
    assert (tmp_path / "jobs" / "j.json").stat().st_mode & 0o077 == 0
    orders.forget("j")
    orders.forget("j")
    assert orders.find("j") is None


def test_an_order_that_makes_no_sense_is_none(tmp_path: Path) -> None:
    orders = Orders(tmp_path)
    for text in ("", "[]", "{}", '{"spec": 3}', '{"spec": {"wings": 2}, "hidden": []}',
                 '{"spec": {"script": "a.py"}, "hidden": [3]}'):  # fmt: skip
        (tmp_path / "j.json").write_text(text)
        assert orders.find("j") is None


def test_what_nobody_may_read() -> None:
    order = Order(SPEC, ("local",), secrets={"OTHER": "two"})
    assert order.hidden == ["two", "sesame"]
    assert "two" not in repr(order)
