"""Commands of the documentation that no walk through its page types, each with the reason."""

from __future__ import annotations

_SUITE = "runs the suite, of which this is a part"
_LINT = "is a step of make test"
_PIP = "downloads 3 GB of packages: make builds this very environment with it"
_AWS = "costs money; tests/machines/ec2 does it against a server that speaks EC2"
_SLURM = "wants a cluster; tests/machines/test_slurm_dial.py does it on a real Slurm"

ELSEWHERE: dict[str, str] = {
    "make demo": "is studio-tui demo, in this environment",
    "make test": _SUITE,
    "make test-docs": "is what reads this",
    "make test-litdata": "installs litdata, which not everybody who runs the suite wants",
    "make lint": _LINT,
    "make format": "writes into the checkout that is tested",
    ".venv/bin/pytest tests/host -k save": _SUITE,
    "pip install 'torch==2.13.*'": _PIP,
    "pip install -e '.[train]'": _PIP,
    "studio-tui machine start cloud --restart": _AWS,
    "studio-tui machine stop cloud": _AWS,
    "studio-tui machine stay calm-otter cloud": _AWS,
    "studio-tui machine start cluster": _SLURM,
}
