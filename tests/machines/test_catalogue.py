"""The machines that there are, as documents and scripts see them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from studio_tui.errors import NotFound, UsageFault
from studio_tui.machines.catalogue import Catalogue, Machine, MachineGPU, load
from studio_tui.machines.install import Facts
from studio_tui.settings import paths


def test_there_is_always_the_local_machine() -> None:
    assert [machine.id for machine in Catalogue()] == ["local"]
    assert Catalogue().find("local").price_per_hour == 0.0


def test_a_machine_of_the_configuration() -> None:
    entry = {"kind": "ssh", "price_per_hour": 6.98, "folder": "~/x", "port": 22, "max_jobs": 2}
    (machine,) = [m for m in Catalogue({"big": entry}) if m.id == "big"]
    assert machine == Machine("big", "ssh", price_per_hour=6.98, max_jobs=2)
    assert machine.entry == entry


def test_a_host_of_sshs_configuration_is_marked_as_found() -> None:
    catalogue = Catalogue({"big": {"kind": "ssh", "host": "x"}}, ["big", "small", "local"])
    assert [(m.id, m.kind, m.found) for m in catalogue] == [
        ("local", "local", False),
        ("big", "ssh", False),
        ("small", "ssh", True),
    ]
    assert catalogue.find("small").entry["host"] == "small"


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({}, "unknown kind None"),
        ({"kind": "abacus"}, "unknown kind 'abacus'"),
        ({"kind": "local", "price_per_hour": "much"}, "price_per_hour is 'much'"),
        ({"kind": "ssh", "price_per_hour": -1}, "price_per_hour is -1"),
        ({"kind": "ssh", "price_per_hour": True}, "price_per_hour is True"),
        ({"kind": "ssh", "port": "22"}, "port is '22'"),
        ({"kind": "ssh", "port": 70000}, "port is 70000"),
        ({"kind": "ssh", "host": 7}, "host is 7"),
        ({"kind": "local", "max_jobs": 0}, "max_jobs is 0"),
        ({"kind": "local", "max_jobs": True}, "max_jobs is True"),
        ("text", "unknown kind None"),
    ],
)
def test_an_entry_that_makes_no_sense(entry: Any, message: str) -> None:
    with pytest.raises(UsageFault, match=f"machines.toml: machines.big.*{message}"):
        Catalogue({"big": entry})


def test_an_unknown_key_names_the_nearest() -> None:
    with pytest.raises(UsageFault, match="unknown key 'hots'") as raised:
        Catalogue({"big": {"kind": "ssh", "hots": "x"}})
    assert raised.value.hint == "did you mean 'host'?"


def test_the_hosts_own_machine_keeps_its_name() -> None:
    with pytest.raises(UsageFault, match="the host's own"):
        Catalogue({"local": {"kind": "ssh"}})
    assert Catalogue({"local": {"kind": "local", "price_per_hour": 1}}).find("local") == Machine(
        "local", price_per_hour=1.0
    )


def test_a_machine_that_is_not_there() -> None:
    with pytest.raises(NotFound, match="no machine 'big'") as raised:
        Catalogue().find("big")
    assert raised.value.hint.startswith("known: local")


def test_the_users_own_catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "ssh_config"
    config.write_text("Host box *.lab\n")
    monkeypatch.setenv("STUDIO_SSH_CONFIG", str(config))
    assert [machine.id for machine in load()] == ["local", "box"]
    paths.machines_file().write_text('[machines.big]\nkind = "ssh"\n')
    assert [machine.id for machine in load()] == ["local", "big", "box"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[machine.big]", "unknown key 'machine'"),
        ("machines = 3", "machines is no table"),
        ("[machines]\nbig = 3", "machines.big has the unknown kind"),
        ("[machines", "not TOML"),
    ],
)
def test_a_file_that_makes_no_sense(text: str, message: str) -> None:
    paths.machines_file().write_text(text)
    with pytest.raises(UsageFault, match=message) as raised:
        load()
    assert str(paths.machines_file()) in raised.value.message


def test_a_machine_as_documents_have_it() -> None:
    facts = Facts(4, 1 << 30, 5, (MachineGPU("H100", 80 << 30),), "3.12.1", "Linux x86_64")
    assert Machine("local", price_per_hour=0.0).described(facts).to_dict() == {
        "id": "local",
        "kind": "local",
        "state": "up",
        "cpus": 4,
        "memory_bytes": 1 << 30,
        "gpus": [{"name": "H100", "memory_bytes": 80 << 30}],
        "price_per_hour": 0.0,
        "found": False,
    }


def test_what_an_instance_costs_is_in_a_table() -> None:
    entry = {"kind": "ec2", "instance": "i-1", "region": "us-east-1", "type": "g5.xlarge"}
    assert Catalogue({"big": entry}).find("big").price_per_hour == 1.006
    assert Catalogue({"big": entry | {"price_per_hour": 0.5}}).find("big").price_per_hour == 0.5
    assert Catalogue({"big": entry | {"type": "h9.huge"}}).find("big").price_per_hour is None
    (paths.config_folder() / "prices.yaml").write_text("regions: {us-east-1: {h9.huge: 9}}")
    assert Catalogue({"big": entry | {"type": "h9.huge"}}).find("big").price_per_hour == 9.0


def test_an_allocation_of_the_configuration() -> None:
    entry = {"kind": "slurm", "host": "login", "gpus": "a100:2", "options": ["--exclusive"]}
    more = {"memory": "64G", "time": "8h", "sleep_after": "20m", "max_runtime": "8h", "cpus": 4}
    assert Catalogue({"c": entry | more}).find("c").entry["gpus"] == "a100:2"
    with pytest.raises(UsageFault, match="options is '--exclusive'") as raised:
        Catalogue({"c": entry | {"options": "--exclusive"}})
    assert raised.value.hint == "write a list of texts"
