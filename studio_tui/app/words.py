"""The short texts of the screen: marks with words, hardware with prices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from studio_tui.app import units
from studio_tui.app.truncate import clip

if TYPE_CHECKING:
    from studio_tui.client.studio import Studio
    from studio_tui.client.switching import SwitchPlan
    from studio_tui.document.entries import FileEntry, MachineEntry, SleepEntry, TerminalEntry


MACHINE_CELLS = 20


@dataclass(frozen=True, slots=True)
class Mark:
    """A state in words; `mood` chooses its colour: "good", "wait", "bad" or "calm"."""

    text: str
    mood: str


def plural(number: int, noun: str) -> str:
    """ "1 edit", "2 edits"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def hardware(machine: MachineEntry | None) -> str:
    """ "2×H100  $6.98/h", or processors and memory where there is no GPU; "" when unknown."""
    if machine is None:
        return ""
    parts = []
    if machine.gpus:
        names = [gpu_name(str(gpu.get("name", "GPU"))) for gpu in machine.gpus]
        parts += [f"{len(list(same))}×{name}" for name, same in groupby(sorted(names))]
    elif machine.cpus:
        memory = f" {units.size(machine.memory_bytes)}" if machine.memory_bytes else ""
        parts.append(f"{plural(machine.cpus, 'cpu')}{memory}")
    if machine.price_per_hour:
        parts.append(f"{units.money(machine.price_per_hour)}/h")
    return "  ".join(parts)


def place(studio: Studio) -> str:
    """Which machine the studio is on, and the one that it is on its way to."""
    info, switch = studio.document.info, studio.document.switch
    here = clip(info.machine, MACHINE_CELLS)
    if switch is None or switch.over:
        return f"on {here} ▾"
    return f"on {here} → {clip(switch.target, MACHINE_CELLS)}  {switch.phase}{_share(studio)} ▾"


def _share(studio: Studio) -> str:
    """How much is carried, where that is known."""
    switch, progress = studio.document.switch, studio.progress
    if switch is None or switch.phase == "preparing" or progress is None or not progress.total:
        return ""
    return f" {100 * progress.done // progress.total}%"


def terminal(entry: TerminalEntry, *, rang: bool = False, password: bool = False) -> str:
    """What stands beside a terminal's title; "" for nothing."""
    if entry.state != "running":
        return f"■ {entry.exit_code or 0}"
    marks = {
        "♪": rang,
        "🔒": password,
        "◉": bool(entry.recording),
        "locked": entry.access == "locked",
        "cut": entry.access == "cut",
    }
    return " ".join(mark for mark, shown in marks.items() if shown)


def sleep(entry: SleepEntry, now: float, key: str) -> str:
    """How a machine goes to sleep, for everybody; empty where nobody has to know.

    Args:
        now: Unix time in seconds.
        key: what a person presses to keep it up.
    """
    match entry.phase:
        case "warning":
            left = units.duration(entry.until - now)
            return f"{entry.id} sleeps in {left}: {entry.note} · {key} to keep it up"
        case "going":
            return f"{entry.id} goes to sleep: {entry.note}"
        case "asleep":
            return f"{entry.id} sleeps now: {entry.note}"
        case "failed":
            return f"{entry.id} could not be put to sleep: {entry.note}"
        case "awake" if entry.note:
            return f"{entry.id} stays up: {entry.note}"
    return ""


def plan(planned: SwitchPlan, by_others: Sequence[str]) -> str:
    """What a switch would do, in a few lines, and to whom."""
    lines = [f"{plural(planned.files, 'file')} to carry, {units.size(planned.bytes)}."]
    if planned.back:
        lines.append(f"{plural(planned.back, 'file')} changed there will be taken over.")
    if planned.conflicts:
        first = clip(planned.conflicts[0], 40)
        lines.append(f"Both sides of {plural(len(planned.conflicts), 'file')} are kept: {first} …")
    lines.append(f"Environment: {planned.environment or 'nothing to do'}.")
    lines += planned.warnings[:3]
    who = f" {', '.join(by_others)} will come along." if by_others else ""
    lines.append(f"Terminals and jobs stay where they run; everybody works on meanwhile.{who}")
    return "\n".join(lines)


def gpu_name(name: str) -> str:
    """The part of a GPU's name that people say: "NVIDIA H100 80GB HBM3" is "H100"."""
    words = [w for w in name.split() if w.upper() not in ("NVIDIA", "TESLA", "GEFORCE", "AMD")]
    named = [w for w in words if any(c.isdigit() for c in w) and not w.upper().endswith("GB")]
    return (named or words or ["GPU"])[0].split("-")[0]


def saved(studio: Studio) -> Mark:
    """Whether everybody's work is on disk, at the relay and in the files."""
    if studio.store_failed:
        return Mark("! not saved: the relay cannot write to its disk", "bad")
    if studio.unsaved and studio.state != "live":
        return Mark(f"! {plural(studio.unsaved, 'edit')} not yet sent", "bad")
    if studio.problem is not None:
        kept = "! edits kept here, not sent" if studio.unsaved else "! no edit is sent from here"
        return Mark(kept, "bad")
    files = list(studio.document.files.values())
    if trouble := _trouble(files):
        return Mark(trouble, "bad")
    if studio.unsaved:
        return Mark("● saving", "wait")
    here = studio.open_files
    waiting = any(file.state == "unsaved" for file in files) or not all(f.on_disk for f in here)
    if studio.host_here:
        return Mark("● writing", "wait") if waiting else Mark("✓ saved", "good")
    if waiting:
        return Mark("● safe, not yet in the file", "wait")
    # Nobody says whether a text that is not open here was changed since the host left.
    known = {file.id for file in here} >= {file.id for file in files}
    return Mark("✓ saved", "good") if known else Mark("● safe at the relay", "wait")


def _trouble(files: Iterable[FileEntry]) -> str:
    for file in files:
        name = file.path.rsplit("/", 1)[-1]
        if file.state == "unsavable":
            return f"! {name} not saved: {file.note or 'the file cannot be written'}"
        if file.state == "missing":
            return f"! {name} is gone from disk"
    return ""


def link(studio: Studio) -> Mark:
    """How far away the relay is, and whether the studio's host is behind it."""
    if studio.state == "connecting":
        return Mark("◌ connecting", "wait")
    if studio.state != "live":
        why = f": {studio.reason}" if studio.reason else ""
        return Mark(f"✗ offline, trying again{why}", "bad")
    if not studio.host_here:
        return Mark("◐ live, host away", "wait")
    trip = studio.round_trip
    return Mark("● live" if trip is None else f"● live {milliseconds(trip)}", "good")


def milliseconds(seconds: float) -> str:
    """A round trip for people: "<1 ms", "12 ms"."""
    return "<1 ms" if seconds < 0.001 else f"{seconds * 1000:.0f} ms"
