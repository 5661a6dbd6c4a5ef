"""What is copied to a machine and run there: POSIX sh and stdlib Python alone.

supervise.sh   jobs that outlive whoever started them
meet.py        where a machine can be met by others
digest.py      what a step of a pipeline depends on, and what it left
probe.py       the meters, with pynvml.py beside it for the GPUs
smi.py         the same by nvidia-smi or amd-smi, where that cannot be used
hold/          terminals that outlive whoever started them
folder/        the files of one folder and nothing outside of it: served, and searched
carry/         a folder that is carried to another machine: looked at, sent, settled
allocation.py  a Slurm allocation, and programs in it that outlive whoever started them
lightning/     a distribution for a job's PYTHONPATH, by which Lightning finds studio_probe,
               studio_lines, studio_ranks, studio_resume, studio_hold and studio_leave
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_OWN = (
    "supervise.sh",
    "meet.py",
    "digest.py",
    "probe.py",
    "smi.py",
    "allocation.py",
    "lightning/studio_hold.py",
    "lightning/studio_leave.py",
    "lightning/studio_lines.py",
    "lightning/studio_probe.py",
    "lightning/studio_ranks.py",
    "lightning/studio_resume.py",
)
_PACKAGES = ("carry", "folder", "hold")

# Lightning loads callbacks from these groups: lightning/pytorch/trainer/connectors/
# callback_connector.py and lightning/fabric/fabric.py, and the same in the older packages.
_ENTRY_POINTS = b"""\
[lightning.pytorch.callbacks_factory]
studio = studio_probe:for_lightning
studio_lines = studio_lines:for_lightning
studio_ranks = studio_ranks:for_lightning
studio_resume = studio_resume:for_lightning
studio_hold = studio_hold:for_lightning
studio_leave = studio_leave:for_any
[pytorch_lightning.callbacks_factory]
studio = studio_probe:for_pytorch_lightning
studio_lines = studio_lines:for_pytorch_lightning
studio_ranks = studio_ranks:for_pytorch_lightning
studio_resume = studio_resume:for_pytorch_lightning
studio_hold = studio_hold:for_pytorch_lightning
studio_leave = studio_leave:for_any
[lightning.fabric.callbacks_factory]
studio = studio_probe:for_fabric
studio_resume = studio_resume:for_fabric
studio_hold = studio_hold:for_fabric
studio_leave = studio_leave:for_any
[lightning_fabric.callbacks_factory]
studio = studio_probe:for_fabric
studio_resume = studio_resume:for_fabric
studio_hold = studio_hold:for_fabric
studio_leave = studio_leave:for_any
"""
# In isolation, -m finds no module of ours.
_RUN = (
    "import runpy, sys; sys.path.insert(0, sys.argv.pop(1));"
    " runpy.run_module(sys.argv.pop(1), run_name='__main__', alter_sys=True)"
)
_METADATA = b"""\
Metadata-Version: 2.1
Name: studio-probe
Version: 1
Summary: Tells the studio what a training run logs
"""


@functools.cache
def files() -> Mapping[str, bytes]:
    """The payload: relative name -> content. pynvml.py is absent when it is not installed."""
    folder = Path(__file__).parent
    found = {name: (folder / name).read_bytes() for name in _OWN if (folder / name).is_file()}
    for package in _PACKAGES:
        modules = sorted((folder / package).glob("*.py"))
        found |= {f"{package}/{module.name}": module.read_bytes() for module in modules}
    found["lightning/studio_probe-1.dist-info/METADATA"] = _METADATA
    found["lightning/studio_probe-1.dist-info/entry_points.txt"] = _ENTRY_POINTS
    if (pynvml := _source_of("pynvml")) is not None:
        found["pynvml.py"] = pynvml
    return MappingProxyType(found)


def program(python: str, place: str, module: str, *args: str) -> list[str]:
    """The command that runs a module of a package of the payload's, such as "folder.service".

    Neither the user's Python settings, nor the folder it runs in, nor the locale come between.

    Args:
        python: the machine's Python.
        place: where the payload is there.
    """
    return [python, "-I", "-X", "utf8", "-c", _RUN, place, module, *args]


@functools.cache
def version() -> str:
    """Twelve hexadecimal digits that change with any byte of the payload."""
    digest = hashlib.sha256()
    for name, content in sorted(files().items()):
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:12]


def _source_of(module: str) -> bytes | None:
    """A one-file module's source, found without importing it."""
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    return Path(spec.origin).read_bytes()
