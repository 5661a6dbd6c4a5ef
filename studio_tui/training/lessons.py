"""The lessons: steps beside the work, each with a check that looks at the real studio. Pure.

A lesson is a TOML file in `lessons/`: a title, what it is about, the template that it starts from,
and steps with `say` (what to do), `do` (a key or command to try), `why` and `check`. The first key
of a check is its subject, the others narrow it down.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from studio_tui.errors import NotFound, StudioError

SOURCE = Path(__file__).with_name("lessons")
SAY_CAP, DO_CAP = 62, 76
"""What fits on one row of a screen of 80 columns."""

JOB_STATES = ("started", "over", "running", "succeeded", "failed", "stopped")
_JOB = {"script": str, "precision": str, "devices": int, "nodes": int}
SUBJECTS: dict[str, tuple[type, dict[str, type]]] = {
    "people": (int, {}),
    "open": (str, {}),
    "following": (int, {}),
    "terminal": (int, {}),
    "machines": (int, {}),
    "comment": (int, {"file": str, "has": str, "resolved": bool}),
    "mark": (str, {}),
    "file": (str, {"changed": bool, "has": str}),
    "job": (str, {**_JOB, "count": int, "moved": bool}),
    "metric": (str, {**_JOB, "above": float, "below": float, "points": int}),
    "log": (str, _JOB),
    "pin": (str, _JOB),
}
"""What a check can ask for: its kind of value, and what narrows it down.

people, following, terminal, machines, comment: so many of them; open: somebody has this file before
them; mark: of this kind; file: it is there, has another text than when the lesson began, has these
words, however they are spaced; job: one in this state; metric: its last value; log: has these
words; pin: a pinned line of its log has. Jobs and comments from before the lesson do not count.
"""


@dataclass(frozen=True, slots=True)
class Check:
    """What has to be so. `options` are those that the subject has in `SUBJECTS`."""

    subject: str
    value: Any
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do. `code` is what to write, where that is more than a few words."""

    say: str
    do: str
    why: str
    check: Check
    code: str = ""


@dataclass(frozen=True, slots=True)
class Lesson:
    """A few steps; `name` is what it is called on the command line.

    `needs` holds in a studio of its template; elsewhere its steps are about other files.
    """

    name: str
    title: str
    about: str
    template: str
    place: int
    steps: tuple[Step, ...]
    needs: Check | None = None

    @property
    def files(self) -> list[str]:
        """Those that are compared with what they were when the lesson began."""
        checks = (step.check for step in self.steps)
        return sorted({c.value for c in checks if c.subject == "file" and "changed" in c.options})

    def plain(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return {key: told for key, told in asdict(self).items() if key not in ("place", "needs")}


def lessons(folder: Path = SOURCE) -> list[Lesson]:
    """Every lesson, in the order in which one learns.

    Raises:
        StudioError: one cannot be read, or makes no sense.
    """
    found = [read_lesson(path.stem, path.read_text("utf-8")) for path in folder.glob("*.toml")]
    return sorted(found, key=lambda lesson: (lesson.place, lesson.name))


def find(name: str) -> Lesson:
    """The lesson of this name.

    Raises:
        NotFound: there is none.
    """
    known = {lesson.name: lesson for lesson in lessons()}
    if name in known:
        return known[name]
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"lessons: {', '.join(known)}"
    raise NotFound(f"no lesson {name!r}", hint)


def read_lesson(name: str, text: str) -> Lesson:
    """The lesson that a TOML file describes.

    Raises:
        StudioError: it does not; the message says where.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise _fault(name, str(problem)) from problem
    fields = {"title": str, "about": str, "template": str, "place": int, "steps": list}
    _known(name, table, {**fields, "needs": dict})
    for key in fields:
        if key not in table:
            raise _fault(name, f"{key} is missing")
    steps = [_step(f"{name}, step {n}", step) for n, step in enumerate(table["steps"], 1)]
    if not steps:
        raise _fault(name, "it has no steps")
    needs = read_check(f"{name}, needs", table["needs"]) if "needs" in table else None
    return Lesson(name, **{**table, "steps": tuple(steps), "needs": needs})


def _step(where: str, table: Any) -> Step:
    if not isinstance(table, dict):
        raise _fault(where, "it is no table")
    _known(where, table, {"say": str, "do": str, "why": str, "code": str, "check": dict})
    for key in ("say", "do", "why", "check"):
        if not table.get(key):
            raise _fault(where, f"{key} is missing")
    for key, cap in (("say", SAY_CAP), ("do", DO_CAP)):
        if len(table[key]) > cap or not table[key].isprintable():
            raise _fault(where, f"{key} is no line of at most {cap} characters")
    return Step(**{**table, "check": read_check(where, table["check"])})


def read_check(where: str, table: Mapping[str, Any]) -> Check:
    """The check that a table describes.

    Args:
        where: for messages.

    Raises:
        StudioError: it does not.
    """
    subject, *narrower = table or [""]
    if subject not in SUBJECTS:
        raise _fault(where, f"a check of {subject!r} is not known: {', '.join(SUBJECTS)}")
    kind, options = SUBJECTS[subject]
    _known(where, table, {subject: kind, **options})
    if subject == "job" and table["job"] not in JOB_STATES:
        raise _fault(where, f"job is {table['job']!r}, not {', '.join(JOB_STATES)}")
    if subject == "metric" and not {"above", "below", "points"} & set(narrower):
        raise _fault(where, "metric says neither above, below nor points")
    return Check(subject, table[subject], {key: table[key] for key in narrower})


def _known(where: str, table: Mapping[str, Any], kinds: Mapping[str, type]) -> None:
    for key, value in table.items():
        if key not in kinds:
            raise _fault(where, f"unknown key {key!r}")
        wanted = (int, float) if kinds[key] is float else kinds[key]
        if not isinstance(value, wanted) or (type(value) is bool and kinds[key] is not bool):
            raise _fault(where, f"{key} is {value!r}")


def _fault(where: str, why: str) -> StudioError:
    return StudioError(f"lesson {where}: {why}", "see: docs/learn.md")
