"""Which files of a folder belong to it: git's opinion where it is a repository, and rules."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

OURS = (".studio-carry", ".studio-trash")
"""In the folder itself: what this program keeps there."""
_GIT = ["git", "-c", "core.fsmonitor=false", "-c", "safe.directory=*"]
_PASSING = (".lock", ".pid")  # in .git: what another git is doing just now


class Rules:
    """Rules in the order of a .gitignore, the last that fits decides.

    Args:
        rules: (hides, regular expression) pairs; a folder's path ends in "/" for them.
    """

    def __init__(self, rules: Sequence[Sequence[object]]) -> None:
        self._rules = [(bool(hides), re.compile(str(text))) for hides, text in reversed(rules)]

    def hide(self, path: str) -> bool:
        """Whether the path itself is hidden; what lies in a hidden folder is too."""
        for hides, expression in self._rules:
            if expression.fullmatch(path):
                return hides
        return False


class Listing:
    """The paths of a folder that belong to it, relative to it, folders before what is in them.

    Never: virtual environments, and what OURS names.

    Args:
        root: the folder.
        rules: apply everywhere.
        defaults: come before them where no repository says what is ignored.
    """

    def __init__(
        self,
        root: str,
        rules: Sequence[Sequence[object]] = (),
        defaults: Sequence[Sequence[object]] = (),
    ) -> None:
        self._root = root
        self._rules = Rules(rules)
        self._outside = Rules([*defaults, *rules])

    def paths(self) -> Iterator[str]:
        """Every path.

        Raises:
            OSError: git is needed and not there, or the folder is not there.
        """
        yield from self._folder("", in_repository=within_repository(self._root))

    def _folder(self, folder: str, *, in_repository: bool) -> Iterator[str]:
        if in_repository or os.path.isdir(self._full(folder + ".git")):
            yield from self._repository(folder)
        else:
            yield from self._walk(folder, self._outside)

    def _walk(self, folder: str, rules: Rules) -> Iterator[str]:
        try:
            entries = sorted(os.scandir(self._full(folder)), key=lambda entry: entry.name)
        except OSError:
            if not folder:
                raise
            return  # the survey's look at what is missing tells deleted from unreadable
        for entry in entries:
            path = folder + entry.name
            if not entry.is_dir(follow_symlinks=False):
                if not rules.hide(path):
                    yield path
            elif not self._never(path) and not rules.hide(path + "/"):
                yield path
                yield from self._folder(path + "/", in_repository=False)

    def _repository(self, folder: str) -> Iterator[str]:
        known = {"": True, folder.rstrip("/"): True}
        for name in sorted(tracked_and_new(self._full(folder))):
            path = folder + name.rstrip("/")
            above = path.rpartition("/")[0]
            before = set(known)
            if not self._shown(above, known):
                continue
            yield from sorted(each for each in set(known) - before if known[each])
            if os.path.isdir(self._full(path)) and not os.path.islink(self._full(path)):
                if self._shown(path, known):  # a repository of its own
                    yield path
                    yield from self._folder(path + "/", in_repository=False)
            elif os.path.lexists(self._full(path)) and not self._rules.hide(path):
                yield path
        yield from self._history(folder)

    def _shown(self, folder: str, known: dict[str, bool]) -> bool:
        """Whether a folder and all above it belong; remembers it in `known`."""
        if folder not in known:
            above = self._shown(folder.rpartition("/")[0], known)
            hidden = self._never(folder) or self._rules.hide(folder + "/")
            known[folder] = above and not hidden
        return known[folder]

    def _history(self, folder: str) -> Iterator[str]:
        """A repository's own files; a link to a repository elsewhere leads nowhere there."""
        top = folder + ".git"
        if os.path.isdir(self._full(top)):
            yield top
            for path in self._walk(top + "/", Rules([])):
                if not path.endswith(_PASSING) and "/tmp_obj_" not in path:
                    yield path

    def _never(self, path: str) -> bool:
        if path in OURS or path.rpartition("/")[2] == ".venv":
            return True
        return os.path.lexists(self._full(path + "/pyvenv.cfg"))

    def _full(self, path: str) -> str:
        return os.path.join(self._root, path)


def is_repository(folder: str) -> bool:
    """Whether a repository, or a worktree of one, begins here."""
    return os.path.lexists(os.path.join(folder, ".git"))


def within_repository(folder: str) -> bool:
    """Whether git says what belongs to the folder.

    In a repository that begins above it, git must track something here: a home folder that is one
    says nothing of the projects in it.
    """
    if is_repository(folder):
        return True
    above = os.path.dirname(folder)
    while above != os.path.dirname(above) and not is_repository(above):
        above = os.path.dirname(above)
    try:
        return is_repository(above) and bool(_listed(folder, "-c"))
    except OSError:
        return False


def tracked_and_new(folder: str) -> set[str]:
    """What git tracks in the folder, and what it would add.

    Raises:
        OSError: git cannot be run, or does not say.
    """
    return _listed(folder, "-c", "-o", "--exclude-standard")


def _listed(folder: str, *options: str) -> set[str]:
    argv = [*_GIT, "-C", folder, "ls-files", "-z", *options]
    done = subprocess.run(argv, capture_output=True, check=False)
    if done.returncode:
        raise OSError(done.stderr.decode("utf-8", "replace").strip() or "git ls-files failed")
    return {os.fsdecode(name) for name in done.stdout.split(b"\0") if name}
