"""The lines that load data: they are Python, whatever is in a bucket, and do what they say."""

from __future__ import annotations

import ast
import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from studio_tui.client.data import DataEntry
from studio_tui.client.loading import class_name, snippet
from tests.data.stores import Store

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
        DataEntry(f"databricks://c/s/{name}", name, "table"),
    ]


@pytest.mark.parametrize("name", [*HOSTILE, "train.csv", "a.jsonl", "a.bin", "..", ""])
def test_it_is_python_and_nothing_of_a_name_runs(name: str) -> None:
    for entry in entries(name):
        code = snippet(entry, "s3")
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
    run = [sys.executable, "-c", code]
    done = subprocess.run(run, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    first, second, third = done.stdout.splitlines()
    assert (first, second) == ("[{'id': '1', 'x': '2'}]", "[b'1']"), done.stderr
    assert "is not what it was" in third
