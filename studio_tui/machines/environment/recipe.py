"""How the environment of a folder is built on a machine. Pure.

The first of these that is there decides: uv.lock, a project in pyproject.toml, requirements*.txt,
environment.yml. uv is used where it is, pip where it is not.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from studio_tui.errors import NotFound, UsageFault
from studio_tui.machines.environment.look import VENV

if TYPE_CHECKING:
    from collections.abc import Mapping

    from studio_tui.machines.environment.look import Look
    from studio_tui.machines.install import Facts

CPU, CUDA = "cpu", "cuda"
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
"""Where torch's builds without CUDA are; the usual index has those with it for Linux."""
_PYTHON = f"{VENV}/bin/python"
_TORCH = re.compile(rb"^\s*(torch|lightning|pytorch-lightning)\b", re.MULTILINE | re.IGNORECASE)
_BUILD = re.compile(r"(cpu|cu\d+|rocm[\d.]*)")
_CONDAS = ("micromamba", "mamba", "conda")


def accelerator(facts: Facts) -> str:
    """What torch is to be built for, of what a machine is."""
    return CUDA if facts.gpus else CPU


@dataclass(frozen=True, slots=True)
class Torch:
    """Which build of torch a machine gets.

    Attributes:
        accelerator: CPU or CUDA.
        backend: for uv: "auto" looks for the driver; or such as "cu128", "rocm6.4", "cpu".
        index: for pip: a further index; None for torch's own on a machine without GPU, and
            none elsewhere; "" for none anywhere.
    """

    accelerator: str = CPU
    backend: str = "auto"
    index: str | None = None

    def pip_index(self, system: str) -> str:
        """The further index that pip is given; empty for none."""
        if self.index is not None:
            return self.index
        return CPU_INDEX if self.accelerator == CPU and system.startswith("Linux") else ""


@dataclass(frozen=True)
class Recipe:
    """How an environment is built.

    Attributes:
        source: the file that decides, such as "uv.lock"; more of them with " and ".
        steps: commands in the folder, in their order.
        env: variables for them.
        notes: what a person should know, one sentence each.
        stamp: names this environment: the same stamp, the same environment.
    """

    source: str
    steps: tuple[tuple[str, ...], ...]
    env: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    stamp: str = ""


def recipe(look: Look, torch: Torch) -> Recipe | None:
    """The recipe for a folder on a machine; None when nothing says what it needs.

    Raises:
        NotFound: the machine has nothing to build it with.
        UsageFault: pyproject.toml makes no sense.
    """
    project = _project(look)
    requirements = _requirements(look)
    conda = next((name for name in look.files if name.startswith("environment.y")), None)
    names: tuple[str, ...]
    if project is not None:
        found, names = _of_project(look, project, torch), ("pyproject.toml", "uv.lock")
    elif requirements:
        found, names = _of_requirements(look, requirements, torch), requirements
    elif conda is not None:
        found, names = _of_conda(look, conda), (conda,)
    else:
        return None
    covered = tuple(name for name in (*names, ".python-version") if name in look.files)
    return _stamped(found, look, covered, torch)


def _stamped(found: Recipe, look: Look, covered: tuple[str, ...], torch: Torch) -> Recipe:
    key = {
        "files": look.digest(covered),
        "steps": found.steps,
        "python": look.python,
        "system": look.system,
        "accelerator": torch.accelerator,
        "backend": torch.backend,
    }
    stamp = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
    return Recipe(found.source, found.steps, found.env, found.notes, stamp)


def _project(look: Look) -> dict[str, Any] | None:
    """The table of a pyproject.toml that describes a project, not a linter's settings alone."""
    if "pyproject.toml" not in look.files:
        return None
    try:
        data = tomllib.loads(look.files["pyproject.toml"].decode())
    except ValueError as problem:
        raise UsageFault(
            f"pyproject.toml makes no sense: {problem}", "correct it, and try again"
        ) from problem
    return data if isinstance(data.get("project"), dict) else None


def _requirements(look: Look) -> tuple[str, ...]:
    found = sorted(name for name in look.files if name.startswith("requirements"))
    return ("requirements.txt",) if "requirements.txt" in found else tuple(found)


def _of_project(look: Look, project: dict[str, Any], torch: Torch) -> Recipe:
    locked = "uv.lock" in look.files
    extra = torch_extra(project["project"].get("optional-dependencies") or {}, torch)
    uv = look.tools.get("uv")
    if uv is None:
        target = f".[{extra}]" if extra else "."
        notes = ("uv is not there: pip does not read uv.lock",) if locked else ()
        return _with_pip(look, "pyproject.toml", ("-e", target), torch, notes)
    chosen = ("--extra", extra) if extra else ()
    sync = (uv, "sync", "--frozen", *chosen)
    steps = (sync,) if locked else ((uv, "lock"), sync)
    return Recipe("uv.lock" if locked else "pyproject.toml", steps, _uv_env(torch))


def torch_extra(extras: Mapping[str, Any], torch: Torch) -> str:
    """The extra that uv's guide has a project keep its builds of torch in; empty when it does not.

    https://docs.astral.sh/uv/guides/integration/pytorch/
    """
    builds = sorted(name for name in extras if _BUILD.fullmatch(name))
    if torch.backend in builds:
        return torch.backend
    if torch.accelerator == CPU:
        return CPU if CPU in builds else ""
    fitting = [name for name in builds if name.startswith("cu")]
    return max(fitting, key=lambda name: int(name[2:]), default="")


def _of_requirements(look: Look, names: tuple[str, ...], torch: Torch) -> Recipe:
    wanted = tuple(word for name in names for word in ("-r", name))
    uv = look.tools.get("uv")
    if uv is None:
        return _with_pip(look, " and ".join(names), wanted, torch)
    make = (uv, "venv", "--allow-existing", VENV)
    return Recipe(
        " and ".join(names),
        (make, (uv, "pip", "install", "--python", _PYTHON, *wanted)),
        _uv_env(torch),
    )


def _with_pip(
    look: Look,
    source: str,
    wanted: tuple[str, ...],
    torch: Torch,
    notes: tuple[str, ...] = (),
) -> Recipe:
    python = look.tools.get("python3") or look.tools.get("python")
    if python is None:
        raise NotFound(
            f"there is neither uv nor Python to build the environment of {source} with",
            "install one: https://docs.astral.sh/uv/getting-started/installation/",
        )
    index = torch.pip_index(look.system)
    named = any(_TORCH.search(content) for content in look.files.values())
    further = ("--extra-index-url", index) if index and named else ()
    install = (_PYTHON, "-m", "pip", "install", "--disable-pip-version-check", *further, *wanted)
    env = {"PIP_NO_INPUT": "1", "PIP_PROGRESS_BAR": "off", "NO_COLOR": "1"}
    return Recipe(source, ((python, "-m", "venv", VENV), install), env, notes)


def _of_conda(look: Look, name: str) -> Recipe:
    tool = next((each for each in _CONDAS if each in look.tools), None)
    if tool is None:
        raise NotFound(
            f"{name} needs micromamba, mamba or conda, and none of them is there",
            "install micromamba: https://mamba.readthedocs.io",
        )
    path = look.tools[tool]
    step: tuple[str, ...]
    if tool == "micromamba":
        step = (path, "create", "--yes", "--prefix", VENV, "--file", name)
    else:
        step = (path, "env", "update", "--prefix", VENV, "--file", name, "--prune")
    return Recipe(name, (step,), {"NO_COLOR": "1"})


def _uv_env(torch: Torch) -> dict[str, str]:
    backend = "cpu" if torch.backend == "auto" and torch.accelerator == CPU else torch.backend
    return {
        "UV_TORCH_BACKEND": backend,  # for `uv pip`; a lock says by itself what it holds
        "UV_PROJECT_ENVIRONMENT": VENV,
        "UV_NO_PROGRESS": "1",
        "NO_COLOR": "1",
    }
