"""What an hour costs."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio_tui.errors import UsageFault
from studio_tui.machines.ec2.prices import SHIPPED, Prices


def test_the_shipped_table_says_when_and_where_it_is_from() -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    assert text.startswith("# ")
    assert "date: 20" in text
    assert "source: " in text


def test_the_shipped_table_has_gpus_and_cpus_in_three_regions() -> None:
    prices = Prices()
    for region in ("us-east-1", "us-west-2", "eu-west-1"):
        for kind in ("t3.medium", "m7i.xlarge", "g5.xlarge", "g6.xlarge", "p5.48xlarge"):
            price = prices.find(kind, region)
            assert price is None or 0.01 < price < 150, (kind, region)
        small, large = prices.find("g5.xlarge", region), prices.find("g5.48xlarge", region)
        assert small is not None
        assert large is not None
        assert 8 < large / small < 32
    assert prices.find("g5.xlarge", "mars-1") is None
    assert prices.find("h9.huge", "us-east-1") is None


def test_the_users_own_prices_come_first(tmp_path: Path) -> None:
    own = tmp_path / "prices.yaml"
    shipped = Prices(own).find("g5.xlarge", "us-east-1")
    own.write_text("regions:\n  us-east-1: {g5.xlarge: 0.5}\n  mars-1: {t3.medium: 3}\n")
    prices = Prices(own)
    assert shipped not in (None, 0.5)
    assert prices.find("g5.xlarge", "us-east-1") == 0.5
    assert prices.find("t3.medium", "mars-1") == 3.0
    assert prices.find("g5.2xlarge", "us-east-1") == Prices().find("g5.2xlarge", "us-east-1")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no table of regions"),
        ("[1, 2]", "no table of regions"),
        ("regions: 5", "no table of regions"),
        ("regions: {us-east-1: 5}", "us-east-1 has no table"),
        ("regions: {us-east-1: {a.b: much}}", "a.b in us-east-1 has the price 'much'"),
        ("regions: {us-east-1: {a.b: -1}}", "the price -1"),
        ("regions: {us-east-1: {a.b: true}}", "the price True"),
        ("regions: {us-east-1: {a.b: .nan}}", "the price nan"),
        ("regions: {", "not YAML"),
        ("!!python/object/apply:os.system ['true']", "not YAML"),
    ],
)
def test_a_table_that_makes_no_sense(tmp_path: Path, text: str, said: str) -> None:
    own = tmp_path / "prices.yaml"
    own.write_text(text)
    with pytest.raises(UsageFault, match=said) as raised:
        Prices(own)
    assert str(own) in raised.value.message
    assert raised.value.hint


def test_a_table_that_is_no_text(tmp_path: Path) -> None:
    own = tmp_path / "prices.yaml"
    own.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageFault, match="not YAML"):
        Prices(own)
