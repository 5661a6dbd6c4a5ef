"""How an environment is built, of what a folder and a machine say."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from studio_tui.errors import NotFound, UsageFault
from studio_tui.machines.catalogue import MachineGPU
from studio_tui.machines.environment.look import Look
from studio_tui.machines.environment.recipe import (
    CPU,
    CPU_INDEX,
    CUDA,
    Recipe,
    Torch,
    accelerator,
    recipe,
    torch_extra,
)
from studio_tui.machines.install import Facts

UV = {"uv": "/bin/uv", "python3": "/bin/python3"}
PIP = {"python3": "/bin/python3"}
PROJECT = b"[project]\nname = 'x'\nversion = '1'\ndependencies = ['torch']\n"
BUILDS = PROJECT + b"[project.optional-dependencies]\ncpu = []\ncu126 = []\ncu128 = []\nplot = []\n"


def found(tools: dict[str, str], torch: Torch | None = None, **files: bytes) -> Recipe:
    names = {name.replace("__", "-").replace("_", "."): data for name, data in files.items()}
    look = Look(names, tools, "Python 3.12.1", "Linux x86_64")
    made = recipe(look, torch or Torch())
    assert made is not None
    return made


def commands(made: Recipe) -> list[str]:
    return [" ".join(step) for step in made.steps]


@pytest.mark.parametrize(
    ("tools", "files", "source", "steps"),
    [
        (
            UV,
            {"uv_lock": b"", "pyproject_toml": PROJECT, "requirements_txt": b""},
            "uv.lock",
            ["/bin/uv sync --frozen"],
        ),
        (
            UV,
            {"pyproject_toml": PROJECT},
            "pyproject.toml",
            ["/bin/uv lock", "/bin/uv sync --frozen"],
        ),
        (
            UV,
            {"requirements_txt": b"torch", "requirements__dev_txt": b"pytest"},
            "requirements.txt",
            [
                "/bin/uv venv --allow-existing .venv",
                "/bin/uv pip install --python .venv/bin/python -r requirements.txt",
            ],
        ),
        (
            PIP,
            {"requirements__a_txt": b"x", "requirements__b_txt": b"y"},
            "requirements-a.txt and requirements-b.txt",
            [
                "/bin/python3 -m venv .venv",
                ".venv/bin/python -m pip install --disable-pip-version-check"
                " -r requirements-a.txt -r requirements-b.txt",
            ],
        ),
        (
            PIP,
            {"pyproject_toml": PROJECT.replace(b"torch", b"numpy")},
            "pyproject.toml",
            [
                "/bin/python3 -m venv .venv",
                ".venv/bin/python -m pip install --disable-pip-version-check -e .",
            ],
        ),
        (
            UV | {"conda": "/c/conda"},
            {"environment_yml": b"", "pyproject_toml": b"[tool.ruff]\n"},
            "environment.yml",
            ["/c/conda env update --prefix .venv --file environment.yml --prune"],
        ),
        (
            {"conda": "/c/conda", "micromamba": "/m"},
            {"environment_yaml": b""},
            "environment.yaml",
            ["/m create --yes --prefix .venv --file environment.yaml"],
        ),
    ],
)
def test_which_recipe(
    tools: dict[str, str], files: dict[str, bytes], source: str, steps: list[str]
) -> None:
    made = found(tools, **files)
    assert (made.source, commands(made)) == (source, steps)


def test_nothing_says_what_is_needed() -> None:
    assert recipe(Look({}, UV), Torch()) is None
    assert recipe(Look({"pyproject.toml": b"[tool.x]"}, UV), Torch()) is None


def test_a_lock_that_pip_cannot_read_is_told() -> None:
    made = found(PIP, uv_lock=b"", pyproject_toml=PROJECT)
    assert made.notes == ("uv is not there: pip does not read uv.lock",)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"requirements.txt": b""}, "neither uv nor Python"),
        ({"environment.yml": b""}, "needs micromamba, mamba or conda"),
    ],
)
def test_nothing_to_build_with(files: dict[str, bytes], message: str) -> None:
    with pytest.raises(NotFound, match=message) as raised:
        recipe(Look(files, {}), Torch())
    assert "install" in raised.value.hint


def test_a_project_that_makes_no_sense() -> None:
    with pytest.raises(UsageFault, match=r"pyproject\.toml makes no sense"):
        recipe(Look({"pyproject.toml": b"[project\n"}, UV), Torch())


# -- torch ----------------------------------------------------------------------------------------


def facts(*gpus: MachineGPU) -> Facts:
    return Facts(1, 1, 1, gpus, "3.12", "Linux x86_64")


def test_the_accelerator_of_a_machine() -> None:
    assert accelerator(facts()) == CPU
    assert accelerator(facts(MachineGPU("H100"))) == CUDA


@pytest.mark.parametrize(
    ("torch", "extra"),
    [
        (Torch(CPU), "cpu"),
        (Torch(CUDA), "cu128"),
        (Torch(CUDA, backend="cu126"), "cu126"),
        (Torch(CUDA, backend="cu999"), "cu128"),
    ],
)
def test_a_project_that_keeps_builds_in_extras(torch: Torch, extra: str) -> None:
    made = found(UV, torch, uv_lock=b"", pyproject_toml=BUILDS)
    assert commands(made) == [f"/bin/uv sync --frozen --extra {extra}"]
    assert commands(found(PIP, torch, pyproject_toml=BUILDS))[1].endswith(f"-e .[{extra}]")


def test_a_project_without_such_extras() -> None:
    assert torch_extra({"plot": [], "cuda-tools": []}, Torch(CUDA)) == ""
    assert torch_extra({"cu128": []}, Torch(CPU)) == ""


@pytest.mark.parametrize(
    ("torch", "backend"),
    [
        (Torch(CPU), "cpu"),
        (Torch(CUDA), "auto"),
        (Torch(CUDA, "cu128"), "cu128"),
        (Torch(CPU, "rocm6.4"), "rocm6.4"),
    ],
)
def test_uv_is_told_which_build(torch: Torch, backend: str) -> None:
    assert found(UV, torch, requirements_txt=b"torch").env["UV_TORCH_BACKEND"] == backend


@pytest.mark.parametrize(
    ("torch", "text", "index"),
    [
        (Torch(CPU), b"numpy\n torch>=2\n", CPU_INDEX),
        (Torch(CPU), b"Lightning", CPU_INDEX),
        (Torch(CPU), b"torchless\nnumpy", ""),
        (Torch(CUDA), b"torch", ""),
        (Torch(CUDA, index="https://example.org/cu"), b"torch", "https://example.org/cu"),
        (Torch(CPU, index=""), b"torch", ""),
    ],
)
def test_pip_is_told_where(torch: Torch, text: bytes, index: str) -> None:
    install = found(PIP, torch, requirements_txt=text).steps[1]
    given = (
        install[install.index("--extra-index-url") + 1] if "--extra-index-url" in install else ""
    )
    assert given == index


# -- the stamp ------------------------------------------------------------------------------------

LOOK = Look({"uv.lock": b"1", "pyproject.toml": PROJECT}, UV, "Python 3.12.1", "Linux x86_64")


@pytest.mark.parametrize(
    "other",
    [
        {"files": {"uv.lock": b"2", "pyproject.toml": PROJECT}},
        {"files": {"uv.lock": b"1", "pyproject.toml": PROJECT + b"# x"}},
        {"files": {**LOOK.files, ".python-version": b"3.12"}},
        {"python": "Python 3.13.0"},
        {"system": "Darwin arm64"},
        {"tools": PIP},
    ],
)
def test_what_makes_it_another_environment(other: dict[str, Any]) -> None:
    first, second = recipe(LOOK, Torch()), recipe(dataclasses.replace(LOOK, **other), Torch())
    assert first is not None
    assert second is not None
    assert first.stamp != second.stamp


def test_what_does_not() -> None:
    other = dataclasses.replace(LOOK, stamp="old", files={**LOOK.files, "requirements.txt": b"x"})
    assert recipe(LOOK, Torch()) == recipe(other, Torch())
    assert recipe(LOOK, Torch(CPU)) != recipe(LOOK, Torch(CUDA))
