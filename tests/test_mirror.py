"""Every module has its test file, where one looks for it."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[1]
WITHOUT: dict[str, str] = {}
"""Modules without a test file of their own, each with the reason."""


def place_of_tests(module: Path) -> Path:
    """Where the tests of a module are: `studio_tui/a/b.py` has `tests/a/test_b.py`."""
    parts = module.parts[1:] if module.parts[0] == "studio_tui" else module.parts
    return Path("tests", *parts[:-1], f"test_{parts[-1]}")


def modules() -> list[Path]:
    """Every module of the product, relative to the root."""
    found = [
        path.relative_to(ROOT)
        for top in ("relay_server", "studio_tui")
        for path in sorted((ROOT / top).rglob("*.py"))
    ]
    return [
        path
        for path in found
        if path.name not in {"__init__.py", "__main__.py"}
        and not path.is_relative_to("studio_tui/training/templates")
    ]


def test_every_module_has_its_test_file() -> None:
    missing = [
        f"{module}: no {place_of_tests(module)}"
        for module in modules()
        if str(module) not in WITHOUT and not (ROOT / place_of_tests(module)).is_file()
    ]
    assert not missing, "\n".join(missing)


def test_the_exceptions_are_still_needed() -> None:
    for module in WITHOUT:
        assert (ROOT / module).is_file(), f"{module} is gone"
        assert not (ROOT / place_of_tests(Path(module))).is_file(), f"{module} has its test file"


def test_the_way_from_module_to_test_file() -> None:
    assert place_of_tests(Path("studio_tui/a/b.py")) == Path("tests/a/test_b.py")
    assert place_of_tests(Path("studio_tui/sdk.py")) == Path("tests/test_sdk.py")
    assert place_of_tests(Path("relay_server/wire.py")) == Path("tests/relay_server/test_wire.py")


def test_test_folders_are_no_packages() -> None:
    assert not list((ROOT / "tests").rglob("__init__.py"))
