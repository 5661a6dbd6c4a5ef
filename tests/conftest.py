"""What every test gets: a home of its own, `require` for programs, certificates."""

from __future__ import annotations

import ipaddress
import os
import shutil
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, settings

pytest_plugins = [
    "tests.machines.aws",
    "tests.machines.sshd",
    "tests.machines.slurm_site",
    "tests.data.stores",
    "tests.data.lakehouse",
    "tests.data.warehouse",
]

Require = Callable[[str], str]

# A shell that starts the tests in the background has them ignore ctrl+c, and so would every
# program that they start, for good.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Several trainings that each spin on every core stand still, on machines that have two.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# How fast examples come is a matter of what else the machine does.
settings.register_profile("any machine", suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


def find_program(program: str) -> str:
    """Return the path of a program that a test needs.

    Without it the test is skipped with the reason, except with CI=true: there everything that
    `scripts/test-servers.sh` installs must be present, so a missing program is a failure.
    """
    path = shutil.which(program)
    if path:
        return path
    reason = f"{program} is not installed; scripts/test-servers.sh installs it"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def require() -> Require:
    """Return `find_program`: `require("tmux")` gives its path or skips the test."""
    return find_program


@pytest.fixture(autouse=True)
def studio_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Move everything the product keeps into a folder of this test alone."""
    for name in [name for name in os.environ if name.startswith(("STUDIO_", "PL_TRAINER_"))]:
        monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("STUDIO_HOME", str(home))
    monkeypatch.setenv("STUDIO_SSH_CONFIG", str(home / "ssh_config"))
    return home


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that signed itself, and its key, as PEM files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "relay")])
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), False)
        .add_extension(x509.BasicConstraints(True, None), True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (tmp_path / "cert.pem").write_bytes(made.public_bytes(pem))
    (tmp_path / "cert.key").write_bytes(key.private_bytes(pem, *private))
    return tmp_path / "cert.pem", tmp_path / "cert.key"
