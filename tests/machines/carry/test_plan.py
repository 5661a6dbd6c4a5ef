"""Three-way: what two folders become, and that nothing is lost on the way."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio_tui.machines.carry.manifest import FILE, FOLDER, LINK, Entry, Manifest, manifest
from studio_tui.machines.carry.plan import Conflict, Plan, Side, copies, doubtful, plan
from studio_tui.machines.carry.steps import Steps
from studio_tui.payload.carry.folder import Folder

NAMES = {Side.SOURCE: "local", Side.TARGET: "gpu"}
DIR = Entry(FOLDER, 0o755)


def file(content: str, mode: int = 0o644) -> Entry:
    return Entry(FILE, mode, len(content), 1, content)


def planned(base: Manifest, source: Manifest, target: Manifest, **more: object) -> Plan:
    name = copies(NAMES, "T", {**source, **target})
    return plan(base, source, target, name, **more)  # type: ignore[arg-type]


def ends(found: Plan) -> dict[str, str]:
    """Path to content afterwards; a folder is "/", a link its arrow."""
    shown = {}
    for path, fate in found.final.items():
        entry = fate.entry
        is_file = entry.kind == FILE
        shown[path] = str(entry.digest) if is_file else entry.target and f"->{entry.target}" or "/"
    return shown


A, B, C = file("a"), file("b"), file("c")


@pytest.mark.parametrize(
    ("base", "source", "target", "after"),
    [
        ({}, {"x": A}, {}, {"x": "a"}),
        ({}, {}, {"x": A}, {"x": "a"}),
        ({}, {"x": A}, {"x": A}, {"x": "a"}),
        ({"x": A}, {"x": B}, {"x": A}, {"x": "b"}),
        ({"x": A}, {"x": A}, {"x": B}, {"x": "b"}),
        ({"x": A}, {"x": B}, {"x": B}, {"x": "b"}),
        ({"x": A}, {}, {"x": A}, {}),
        ({"x": A}, {"x": A}, {}, {}),
        ({"x": A}, {}, {}, {}),
        ({"x": A}, {"x": B}, {}, {"x": "b"}),
        ({"x": A}, {}, {"x": B}, {"x": "b"}),
        ({"x": A}, {"x": B}, {"x": C}, {"x": "b", "x.studio-conflict-gpu-T": "c"}),
        ({}, {"x": B}, {"x": C}, {"x": "b", "x.studio-conflict-gpu-T": "c"}),
        # a deleted folder comes back for a file that was changed in it
        ({"d": DIR, "d/x": A}, {}, {"d": DIR, "d/x": B}, {"d": "/", "d/x": "b"}),
        ({"d": DIR, "d/x": A}, {}, {"d": DIR, "d/x": A}, {}),
        # a file became a folder, a folder a file
        ({"x": A}, {"x": DIR, "x/y": B}, {"x": A}, {"x": "/", "x/y": "b"}),
        ({"x": DIR, "x/y": B}, {"x": A}, {"x": DIR, "x/y": B}, {"x": "a"}),
        ({"x": A}, {"x": Entry(LINK, target="y")}, {"x": A}, {"x": "->y"}),
        # both, in different ways
        (
            {"x": A},
            {"x": DIR, "x/y": B},
            {"x": C},
            {"x": "/", "x/y": "b", "x.studio-conflict-gpu-T": "c"},
        ),
        (
            {"x": DIR, "x/y": A},
            {"x": C},
            {"x": DIR, "x/y": B},
            {"x": "c", "x.studio-conflict-gpu-T": "/", "x.studio-conflict-gpu-T/y": "b"},
        ),
        (
            {"x": DIR, "x/y": A},
            {"x": DIR, "x/y": B},
            {"x": C},
            {"x": "c", "x.studio-conflict-local-T": "/", "x.studio-conflict-local-T/y": "b"},
        ),
        (
            {},
            {"x": Entry(LINK, target="y")},
            {"x": Entry(LINK, target="z")},
            {"x": "->y", "x.studio-conflict-gpu-T": "->z"},
        ),
    ],
)
def test_three_ways(
    base: Manifest, source: Manifest, target: Manifest, after: dict[str, str]
) -> None:
    found = planned(base, source, target)
    assert ends(found) == after
    assert bool(found.conflicts) == any("conflict" in path for path in after)
    both = found.base()
    assert planned(both, both, both).empty


def test_a_conflict_says_what_is_where() -> None:
    (conflict,) = planned({}, {"d": DIR, "d/x": A}, {"d": DIR, "d/x": B}).conflicts
    assert conflict == Conflict("d/x", "d/x.studio-conflict-gpu-T", Side.TARGET)


@pytest.mark.parametrize(
    ("ours", "theirs", "mode"),
    [(0o644, 0o755, 0o755), (0o755, 0o644, 0o755), (0o600, 0o755, 0o600), (0o644, 0o644, 0o644)],
)
def test_modes_go_their_own_way(ours: int, theirs: int, mode: int) -> None:
    found = planned({"x": A}, {"x": file("b", ours)}, {"x": A.with_mode(theirs)})
    assert found.final["x"].entry == file("b", mode)
    alone = planned({"d": Entry(FOLDER, 0o644)}, {"d": Entry(FOLDER, ours)}, {"d": DIR})
    assert alone.to_target.wanted == {}


def test_what_is_left_alone_is_neither_copied_nor_deleted() -> None:
    base = {"ignored": A, "d": DIR, "d/x": A}
    found = planned(base, {}, base, left=["ignored", "d"])
    assert found.empty
    assert set(found.held) == {"ignored", "d"}


def test_on_a_disk_without_case_two_spellings_are_left_alone() -> None:
    source, target = {"README": A, "x": B}, {"readme": C}
    assert set(planned({}, source, target).final) == {"README", "readme", "x"}
    found = planned({}, source, target, caseless=True)
    assert set(found.final) == {"x"}
    assert set(found.held) == {"README", "readme"}


def test_large_files_that_have_to_be_read() -> None:
    large = Entry(FILE, 0o644, 1 << 30, 5)
    later, longer = Entry(FILE, 0o644, 1 << 30, 6), Entry(FILE, 0o644, 2 << 30, 6)
    source = {"same": large, "later": large, "longer": large, "alone": large, "small": A}
    target = {"same": large, "later": later, "longer": longer, "small": B}
    assert doubtful(source, target) == ["later"]


def test_names_of_copies() -> None:
    name = copies(NAMES, "T", {"x.studio-conflict-gpu-T"})
    assert name("x", Side.TARGET) == "x.studio-conflict-gpu-T-2"
    assert name("x", Side.TARGET) == "x.studio-conflict-gpu-T-3"
    assert name("d/x", Side.SOURCE) == "d/x.studio-conflict-local-T"
    long = name("d/" + "é" * 127, Side.TARGET)
    assert len(long.removeprefix("d/").encode()) <= 255
    assert long.endswith(".studio-conflict-gpu-T")


# -- on real folders ------------------------------------------------------------------------------

Tree = dict[str, str]
"""Path to content; None-like "/" is a folder, "->" begins a link."""
PARTS = st.sampled_from(["a", "b", "A", "c\n"])
PATHS = st.lists(PARTS, min_size=1, max_size=3).map("/".join)
CONTENTS = st.sampled_from(["one", "two", "three", "/", "->one", "->two"])
TREES = st.dictionaries(PATHS, CONTENTS, max_size=6)


def write(root: Path, tree: Tree) -> None:
    """As much of a tree as one folder can hold."""
    for path, content in sorted(tree.items()):
        at = root / path
        if any(each.is_symlink() or each.is_file() for each in at.parents):
            continue
        if at.is_symlink() or at.exists():
            continue
        at.parent.mkdir(parents=True, exist_ok=True)
        if content == "/":
            at.mkdir()
        elif content.startswith("->"):
            at.symlink_to(content[2:])
        else:
            at.write_text(content)


def contents(root: Path) -> set[str]:
    """Every content in a folder, in its trash and in copies too; where it lies does not matter."""
    found = set()
    for folder, folders, names in os.walk(root):
        if ".studio-carry" in folders:
            folders.remove(".studio-carry")
        for name in [*folders, *names]:
            path = Path(folder, name)
            if path.is_symlink():
                found.add("->" + os.readlink(path))
            elif path.is_file() and name != ".gitignore":
                found.add(path.read_text())
    return found


def shape(root: Path) -> dict[str, str]:
    """Path to what is there, without what is ours."""
    found = {}
    for path in root.rglob("*"):
        name = str(path.relative_to(root))
        if not name.startswith(".studio-"):
            link = path.is_symlink()
            found[name] = (
                "->" + os.readlink(path) if link else "/" if path.is_dir() else path.read_text()
            )
    return found


class Two:
    """Two real folders, and carrying between them without a machine."""

    def __init__(self, root: Path) -> None:
        self.source, self.target = Folder(str(root / "source")), Folder(str(root / "target"))
        self.base: Manifest = {}
        self._stamps = 0

    def plan(self) -> Plan:
        source, target = self._seen(self.source), self._seen(self.target)
        self._stamps += 1
        name = copies(NAMES, str(self._stamps), {**source, **target})
        return plan(self.base, source, target, name)

    def _seen(self, folder: Folder) -> Manifest:
        return manifest(folder.survey("peer", "", [], [])["rows"])

    def carry(self) -> Plan:
        found = self.plan()
        for one, other, todo in (
            (self.source, self.target, found.to_target),
            (self.target, self.source, found.to_source),
        ):
            self._stage(one, other, todo)
        for folder, todo in ((self.target, found.to_target), (self.source, found.to_source)):
            assert folder.settle(todo.message(), str(self._stamps)) == []
            folder.drop_stage()
        self.base = found.base()
        return found

    def _stage(self, one: Folder, other: Folder, todo: Steps) -> None:
        other.make_stage([])
        for path in todo.wanted:
            staged = Path(other.stage, path)
            staged.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(Path(one.root, path), staged)


def emptied(folder: Folder) -> None:
    for path in Path(folder.root).iterdir():
        if not path.name.startswith(".studio-"):
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


@pytest.fixture
def two() -> Iterator[Callable[[], Two]]:
    made: list[str] = []

    def make() -> Two:
        made.append(tempfile.mkdtemp(prefix="studio-"))
        return Two(Path(made[-1]))

    yield make
    for folder in made:
        shutil.rmtree(folder)


@settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(base=TREES, source=TREES, target=TREES, once=st.booleans())
def test_nothing_that_existed_is_gone_and_doing_it_again_does_nothing(
    two: Callable[[], Two], base: Tree, source: Tree, target: Tree, *, once: bool
) -> None:
    pair = two()
    roots = [Path(pair.source.root), Path(pair.target.root)]
    if once:
        write(roots[0], base)
        pair.carry()
        assert shape(roots[0]) == shape(roots[1])
        emptied(pair.source)
        emptied(pair.target)
    write(roots[0], source)
    write(roots[1], target)
    before = contents(roots[0]) | contents(roots[1])
    pair.carry()
    assert before <= contents(roots[0]) | contents(roots[1])
    assert shape(roots[0]) == shape(roots[1])
    assert pair.plan().empty
