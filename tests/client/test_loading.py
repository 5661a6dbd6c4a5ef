"""The lines that load data: they are Python, whatever is in a bucket, and do what they say."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

from studio_tui.client.data import DataEntry
from studio_tui.client.loading import class_name, snippet
from tests.conftest import Require
from tests.data.stores import Store, client

HOSTILE = [
    'x"""\nimport os; os.abort()\n"""',
    "x\\",
    "{__import__('os')}",
    "x'\n#",
    "\u2028x",
    "%s",
    "9 lives.csv",
    "ü.parquet",
]


def entries(name: str) -> list[DataEntry]:
    url = f"s3://b/{name}"
    return [
        DataEntry(url, name, size=3, tag="0" * 32),
        DataEntry(url, name, size=3, tag=name),
        DataEntry(url, name),
        DataEntry(f"{url}/", name, "folder"),
        DataEntry(f"snow://D/S/@ST/{name}/", name, "folder"),
        DataEntry(f"databricks://c/s/{name}", name, "table"),
    ]


@pytest.mark.parametrize("name", [*HOSTILE, "train.csv", "a.jsonl", "a.bin", "..", ""])
def test_it_is_python_and_nothing_of_a_name_runs(name: str) -> None:
    for entry in entries(name):
        code = snippet(entry, "s3" if entry.url.startswith("s3") else "snowflake")
        tree = ast.parse(code)
        kinds = {type(node) for node in tree.body}
        assert kinds <= {ast.Import, ast.ImportFrom, ast.ClassDef}
        assert "abort" not in {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)}
        (module,) = [n for n in tree.body if isinstance(n, ast.ClassDef) and n.name != "Files"]
        assert module.name.isidentifier()
        assert code.endswith("\n")


def test_it_imports_what_it_uses_and_no_more() -> None:
    code = snippet(DataEntry("s3://b/a.jsonl", "a.jsonl", size=3), "s3")
    imported = {line for line in code.splitlines() if line.startswith("import ")}
    assert imported == {"import json", "import os", "import lightning as L"}


def test_what_snowflake_lists_is_not_compared() -> None:
    entry = DataEntry("snow://D/S/@ST/a.bin", "a.bin", size=16, tag="0" * 32)
    code = snippet(entry, "snowflake")
    assert "md5" not in code
    assert "16" not in code


def test_names_of_classes() -> None:
    assert class_name("data/train-set.v2.csv") == "TrainSetData"
    assert class_name("data/9") == "Data"


RUN = """
module = {name}()
module.prepare_data()
module.prepare_data()
module.setup("fit")
print([batch for batch in module.train_dataloader()])
"""
CHANGED = """
AData.PATH.write_bytes(b"changed")
try:
    AData().prepare_data()
except RuntimeError as problem:
    print(problem)
"""


PACKAGES = {
    "litdata.py": "",  # it is there, and is not asked: the server has no TLS
    "lightning.py": "class LightningDataModule: ...\n",
    "torch/__init__.py": "",
    "torch/utils/__init__.py": "",
    "torch/utils/data.py": (
        "class Dataset: ...\n"
        "def DataLoader(data, batch_size=1, shuffle=False):\n"
        "    return [data[n] for n in range(len(data))]\n"
    ),
}
"""What takes ten seconds to load, and of which no more than this is used."""


def ran(code: str, folder: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    (folder / "run.py").write_text(code)
    run = [sys.executable, "run.py"]
    return subprocess.run(run, cwd=folder, env=env, capture_output=True, text=True, check=False)


def test_it_copies_once_compares_and_loads(nanio: Store, tmp_path: Path) -> None:
    data = b"id,x\n1,2\n"
    bucket = nanio.bucket(**{"a.csv": data})
    nanio.put(bucket, "d/one", b"1")
    for name, content in PACKAGES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    file = DataEntry(
        f"s3://{bucket}/a.csv", "a.csv", size=len(data), tag=hashlib.md5(data).hexdigest()
    )
    folder = DataEntry(f"s3://{bucket}/d/", "d", "folder")
    code = snippet(file, "s3") + RUN.format(name="AData")
    code += snippet(folder, "s3") + RUN.format(name="DData") + CHANGED
    env = {"AWS_ENDPOINT_URL": nanio.url, "AWS_ACCESS_KEY_ID": "owner", "HOME": str(tmp_path)}
    env |= {"AWS_SECRET_ACCESS_KEY": "correct-horse", "PYTHONPATH": str(tmp_path)}
    done = ran(code, tmp_path, env)
    first, second, third = done.stdout.splitlines()
    assert (first, second) == ("[{'id': '1', 'x': '2'}]", "[b'1']"), done.stderr
    assert "is not what it was" in third


CERTIFICATE = (
    "req -x509 -nodes -newkey rsa:2048 -days 2 -subj /CN=store "
    "-addext basicConstraints=critical,CA:FALSE -addext subjectAltName=IP:127.0.0.1"
)
OPTIMIZE = """
import litdata

def row(number):
    return {"number": number}

if __name__ == "__main__":
    litdata.optimize(row, inputs=list(range(10)), output_dir="made", chunk_size=4, num_workers=1)
"""
STREAMED = """
if __name__ == "__main__":
    module = DData(batch_size=5)
    module.prepare_data()
    module.setup("fit")
    print(type(module.data).__name__, module.PATH.exists())
    print(sorted(int(n) for batch in module.train_dataloader() for n in batch["number"]))
"""


@pytest.mark.skipif(
    importlib.util.find_spec("litdata") is None,
    reason="litdata brings a torchvision that need not fit the torch here: make test-litdata",
)
def test_what_litdata_wrote_is_streamed(
    alone: None, require: Require, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain, key = str(tmp_path / "cert.pem"), str(tmp_path / "cert.key")
    made_by = [require("openssl"), *CERTIFICATE.split(), "-out", chain, "-keyout", key]
    subprocess.run(made_by, check=True, capture_output=True)
    application = DomainDispatcherApplication(create_backend_app)
    server = make_server("127.0.0.1", 0, application, threaded=True, ssl_context=(chain, key))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"https://127.0.0.1:{server.port}"
    env = {"AWS_ENDPOINT_URL_S3": url, "AWS_ACCESS_KEY_ID": "owner", "HOME": str(tmp_path)}
    env |= {"AWS_SECRET_ACCESS_KEY": "correct-horse", "AWS_DEFAULT_REGION": "us-east-1"}
    env |= {"AWS_CA_BUNDLE": chain, "SSL_CERT_FILE": chain}
    monkeypatch.setenv("AWS_CA_BUNDLE", chain)
    made, store = ran(OPTIMIZE, tmp_path, env), Store(url, client(url))
    bucket = store.bucket()
    for file in (tmp_path / "made").iterdir():
        store.put(bucket, f"d/{file.name}", file.read_bytes())
    # By the name of a source of one's own, of which litdata knows nothing.
    code = snippet(DataEntry(f"lake://{bucket}/d/", "d", "folder"), "s3")
    done = ran(code + STREAMED, tmp_path, env)
    server.shutdown()
    server.server_close()
    store.client.close()
    assert done.stdout.splitlines()[-2:] == [
        "StreamingDataset False",
        str(list(range(10))),
    ], made.stderr + done.stderr
