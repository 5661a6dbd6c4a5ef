"""What a list tells of each job: state, name, how far, how long, what it cost; aligned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from studio_tui.app import units
from studio_tui.app.truncate import cells, clip, left, right, scrub
from studio_tui.app.widgets.rows import Row, Span
from studio_tui.app.widgets.run_curves import Curves, last_finite, metrics
from studio_tui.client.remaining import remaining
from studio_tui.document.entries import JobEntry

_GLYPHS = {
    "queued": ("…", "muted"),
    "starting": ("…", "accent"),
    "running": ("▶", "accent"),
    "succeeded": ("✓", "good"),
    "failed": ("✗", "bad"),
    "stopped": ("■", "muted"),
    "lost": ("?", "warn"),
}
_STATE_FROM, _COST_FROM = 48, 30
_STATE_WIDTH = max(len(state) for state in _GLYPHS)
_SPENT = {"alarm": "warn", "spent": "bad"}
_NAME_LEAST, _NAME_MOST, _TARGET_MOST = 6, 32, 12


def progress(curves: Curves, total: int | None = None) -> str:
    """How far a running job is, from its metrics: `ep 3  1.92`, `step 410  1.92`, "" unknown.

    With the number of its steps: `410/2k  1.92  ~4 min`.
    """
    epoch = last_finite(curves.get("epoch", []))
    groups = metrics(curves)
    name = next((name for name in groups if "loss" in name), None)
    series = next(iter(groups[name].values())) if name is not None else []
    loss = last_finite(series)
    ahead = remaining(curves, total)
    if ahead is not None:
        words = [f"{units.count(ahead.step)}/{units.count(ahead.total)}"]
        words += [units.reading(loss[1])] if loss is not None else []
        return "  ".join(words + ([f"~{units.duration(ahead.seconds)}"] if ahead.seconds else []))
    if epoch is not None:
        where = f"ep {epoch[1]:.0f}"
    elif loss is not None:
        where = f"step {units.count(loss[0])}"
    else:
        return ""
    return f"{where}  {units.reading(loss[1])}" if loss is not None else where


def names(jobs: Iterable[JobEntry]) -> dict[str, str]:
    """What each job is called, by its id; those of one name are numbered from the oldest on."""
    same: dict[str, list[str]] = {}
    for job in reversed(newest_first(list(jobs))):
        same.setdefault(job.name or job.id, []).append(job.id)
    return {
        id: f"{name} #{number}" if len(ids) > 1 else name
        for name, ids in same.items()
        for number, id in enumerate(ids, 1)
    }


def _name(job: JobEntry, called: str, width: int) -> str:
    """What a job is called in `width` cells; the number is not what is cut off."""
    name = scrub(job.name or job.id)
    number = called.removeprefix(name)
    return left(clip(name, width - cells(number)) + number, width)


def newest_first(jobs: Sequence[JobEntry]) -> list[JobEntry]:
    """Jobs by when they started; one that has not started yet is newer than all."""
    return sorted(
        jobs, key=lambda job: job.started if job.started is not None else float("inf"), reverse=True
    )


def detail(job: JobEntry, now: float, far: str) -> str:
    """What says most about a job beside its state; "" when the state says it all."""
    way = job.moved[-1] if job.moves and not job.over else None
    if way is not None and not way.over:
        return f"→ {clip(scrub(way.target), _TARGET_MOST)} {scrub(way.phase)}"
    if job.state == "running" and far:
        return far
    if job.state == "failed" and job.exit_code is not None:
        return f"exit {job.exit_code}"
    if job.state in ("queued", "starting", "lost") or job.started is None:
        return ""
    return units.duration((job.ended if job.ended is not None else now) - job.started)


def cost(job: JobEntry, *, short: bool = False) -> str:
    """What a job has cost, of what it may: `$3.49/$5.00`; `!` once most of that is spent.

    Args:
        short: leave out what it may.
    """
    if job.budget is None:
        return units.money(job.cost) if job.cost is not None else ""
    mark = "! " if job.budget_state else ""
    return f"{mark}{units.money(job.cost)}" + ("" if short else f"/{units.money(job.budget)}")


def _apart(jobs: Sequence[JobEntry], now: float, room: int) -> list[str]:
    """What tells each of those that share a name apart, in at most `room` cells; "" for others."""
    shared = Counter(job.name for job in jobs)
    starts = [
        units.moment(job.started, now) if shared[job.name] > 1 and job.started is not None else ""
        for job in jobs
    ]
    told = [
        "  ".join(filter(None, [scrub(job.precision or "") if start else "", start]))
        for job, start in zip(jobs, starts, strict=True)
    ]
    fitting = (texts for texts in (told, starts) if max(map(cells, texts), default=0) <= room)
    return next(fitting, [""] * len(jobs))


def job_rows(
    jobs: Sequence[JobEntry], now: float, far: Mapping[str, str], cursor: int, width: int
) -> list[Row]:
    """One row per job, its columns aligned over all of them."""
    called = {id: scrub(name) for id, name in names(jobs).items()}
    said = [detail(job, now, far.get(job.id, "")) for job in jobs]
    details = [
        text or (job.state if width < _STATE_FROM else "")
        for text, job in zip(said, jobs, strict=True)
    ]
    if 3 + _NAME_LEAST + 2 + max(map(cells, details), default=0) > width:
        details = [text.partition("  ~")[0] for text in details]
    detail_width = max(map(cells, details), default=0)
    costs = [cost(job) for job in jobs]
    if 3 + _NAME_LEAST + 2 + detail_width + 2 + max(map(cells, costs), default=0) > width:
        costs = [cost(job, short=True) for job in jobs]
    cost_width = max(map(cells, costs), default=0) if width >= _COST_FROM else 0
    state_width = _STATE_WIDTH if width >= _STATE_FROM else 0
    fixed = 3 + sum(column + 2 for column in (state_width, detail_width, cost_width) if column)
    wanted = max(map(cells, called.values()), default=0)
    name_width = max(min(width - fixed, max(wanted, _NAME_LEAST), _NAME_MOST), _NAME_LEAST)
    slack = max(width - fixed - name_width, 0)
    apart = _apart(jobs, now, slack - 2)
    apart_width = max(map(cells, apart), default=0)
    gap = " " * (slack - (apart_width + 2 if apart_width else 0))
    rows: list[Row] = []
    for index, job in enumerate(jobs):
        glyph, meaning = _GLYPHS.get(job.state, ("?", "warn"))
        row: list[Span] = [
            ("›" if index == cursor else " ", "strong"),
            (f"{glyph} ", meaning),
            (_name(job, called[job.id], name_width), ""),
        ]
        if apart_width:
            row.append(("  " + right(apart[index], apart_width), "muted"))
        if state_width:
            row.append(("  " + left(job.state, state_width), meaning))
        row.append((gap + "  " + right(details[index], detail_width), ""))
        if cost_width:
            row.append(
                ("  " + right(costs[index], cost_width), _SPENT.get(job.budget_state, "muted"))
            )
        rows.append(row)
    return rows
