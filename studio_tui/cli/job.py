"""Jobs of a studio: run them, look at them, compare them, and end them."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import click

from studio_tui.cli.given import env_option, secret_option, variables
from studio_tui.cli.group import Group
from studio_tui.cli.output import copy, emit, json_option, plain, say, table

if TYPE_CHECKING:
    from studio_tui.client.compare import RunSummary
    from studio_tui.client.job import Curves
    from studio_tui.client.studio import Studio
    from studio_tui.document.entries import JobEntry, MachineEntry, PinEntry


@click.group(cls=Group, epilog="Example: studio-tui job run calm-otter -- train.py --steps 500")
def job() -> None:
    """Run training on the studio's machine and watch it.

    JOB is a job's id, or its name: then the newest one of that name.
    """


@job.command(
    "run",
    epilog="Example: studio-tui job run calm-otter --precision bf16-mixed --wait -- train.py",
)
@click.argument("studio")
@click.argument("command", metavar="-- SCRIPT [ARGS]...", nargs=-1, required=True)
@click.option("--name", help="What the job is called; the script's name by default.")
@click.option("-m", "--machine", metavar="M,...", help="Where; the studio's machine by default.")
@click.option("--nodes", type=int, metavar="N", help="On how many machines; -m names one for each.")
@click.option("--devices", metavar="K", help="How many devices: a number, a list, or auto.")
@click.option("--accelerator", metavar="A", help="Such as cpu: then it holds no GPU.")
@click.option(
    "-p",
    "--precision",
    "precisions",
    multiple=True,
    metavar="P",
    help="Such as 32-true, bf16-mixed, 16-mixed; repeatable with --probe.",
)
@click.option("--strategy", metavar="S", help="Such as ddp or fsdp.")
@click.option("--max-steps", type=int, metavar="N", help="End training after so many steps.")
@click.option("--max-runtime", metavar="T", help="Stop it after so long, such as 2h or 1h30m.")
@click.option("--budget", metavar="AMOUNT", help="Stop it when it has cost that much, as 5.00.")
@click.option("--budget-alarm", metavar="SHARE", help="Tell when so much is spent; else 80%.")
@click.option(
    "--retries", type=int, metavar="N", help="Run it again when it fails, N times at most."
)
@env_option
@secret_option
@click.option(
    "--data",
    multiple=True,
    metavar="URL",
    help="What it is trained on: noted, and opened by short-lived credentials; repeatable.",
)
@click.option("--serve", is_flag=True, help="It serves HTTP, on the port that it finds in PORT.")
@click.option("--port", type=int, metavar="N", help="Where; any that is free if not given.")
@click.option("--health", metavar="PATH", help="Of a server: tells how it is; /health if not.")
@click.option("--wait", is_flag=True, help="Print the log, and end with the job's exit code.")
@click.option(
    "--probe", is_flag=True, help="A dry run of 5 steps, in each precision: what it takes."
)
@json_option
def run(
    studio: str, command: tuple[str, ...], machine: str | None, precisions: tuple[str, ...],
    env: tuple[str, ...], secrets: tuple[str, ...], data: tuple[str, ...], serve: bool,
    port: int | None, wait: bool, probe: bool, as_json: bool, **given: Any,
) -> None:  # fmt: skip
    """Start SCRIPT as a job: it survives every disconnect.

    Prints the job's id; with --wait its log instead, and with --json the job's object.

    What it costs is its time at the price_per_hour of its machine; one that has cost its --budget
    is stopped, at a checkpoint if it trains with Lightning's Trainer. So is one at --max-runtime.

    A retry goes on from the last checkpoint that Lightning's Trainer wrote; other scripts find
    the path of theirs in STUDIO_RESUME, if they listed it in the file STUDIO_CHECKPOINTS.

    With --probe it runs for a few steps in each precision, one after the other, and a table tells
    what each took. A script that ignores the Trainer's max_steps runs as long as it does.

    A server is looked at once it runs: see studio-tui port.
    """
    from studio_tui.cli.attached import attached

    told = {name: value for name, value in given.items() if value not in (None, "")}
    options = {**told, "machine": machine, "env": variables(env)}
    options |= {"secrets": list(secrets), "data": list(data)}
    options["port"] = 0 if serve and port is None else port
    if probe:
        from studio_tui.cli.probe import measured

        sys.exit(measured(studio, command, precisions, options, as_json))
    options["precision"] = single(precisions)

    async def start(joined: Studio) -> int:
        script, *args = command
        made = await joined.run(script, args, **options)
        if as_json or not wait:
            emit(made.entry.plain(), as_json, made.id)
        does = "is queued" if made.entry.state == "queued" else "runs"
        say(f"{plain(made.entry.name)} {does}; its log: studio-tui job logs -f {studio} {made.id}")
        for note in made.entry.notes:
            say(f"note: {plain(note)}")
        if wait and not as_json:
            await copy(made.chunks())
        return await made.wait() if wait else 0

    sys.exit(attached(studio, start, patient=wait))


def single(precisions: tuple[str, ...]) -> str:
    """The precision of one job; several are for a probe.

    Raises:
        UsageFault: there are several.
    """
    from studio_tui.errors import UsageFault

    if len(precisions) > 1:
        raise UsageFault("a job runs in one precision", "--probe runs it in each, for a few steps")
    return "".join(precisions)


@job.command("ls", epilog="Example: studio-tui job ls calm-otter --json")
@click.argument("studio")
@json_option
def ls(studio: str, as_json: bool) -> None:
    """List the jobs, newest first; of a training under way, how far it is and what is left."""
    from studio_tui.cli.attached import attached
    from studio_tui.cli.far import far

    async def listed(joined: Studio) -> list[tuple[JobEntry, str]]:
        found = sorted(joined.document.jobs.values(), key=newest)
        # JSON has the entries alone: the host need not be asked for any curves.
        return [(entry, "" if as_json else await far(joined, entry)) for entry in found]

    found = attached(studio, listed)
    now = time.time()
    rows = [[j.id, j.name, j.state, j.exit_code, held(j), ago(j.started, now), s] for j, s in found]
    empty = f"no job yet; start one: studio-tui job run {studio} -- train.py"
    text = table(["ID", "NAME", "STATE", "EXIT", "GPUS", "STARTED", "STEP"], rows, empty)
    emit([j.plain() for j, _ in found], as_json, text)


def newest(job: JobEntry) -> float:
    """Sorts jobs: what has not started comes first."""
    return float("-inf") if job.started is None else -job.started


def held(job: JobEntry) -> str:
    """The GPUs that a job has, or had: `0,1`, of several machines `0,1 2,3`."""
    shown = [",".join(map(str, gpus)) for gpus in job.gpus.values() if isinstance(gpus, list)]
    return " ".join(filter(None, shown)) or "-"


def ago(moment: float | None, now: float) -> str:
    """How long ago `moment` was, both in Unix seconds."""
    if moment is None:
        return "-"
    seconds = max(0, int(now - moment))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"


@job.command("show", epilog="Example: studio-tui job show calm-otter train.py")
@click.argument("studio")
@click.argument("job")
@json_option
def show(studio: str, job: str, as_json: bool) -> None:
    """Show one job; while it runs, also where each of its ranks is, and which one is slow."""
    from studio_tui.cli.attached import attached

    async def entry(joined: Studio) -> dict[str, Any]:
        found = await joined.job(job)
        ranks = [] if found.entry.over else await found.load_ranks()
        return {**found.entry.plain(), "ranks": [rank.plain() for rank in ranks]}

    found = attached(studio, entry)
    emit(found, as_json, readable(found))


def readable(told: dict[str, Any]) -> str:
    """A job for people: what is not known is left out."""
    known = {
        key: value
        for key, value in told.items()
        if key not in ("ranks", "moves") and value not in (None, "", [], {})
    }
    width = max(map(len, known | {"move": None} if told.get("moves") else known))
    lines = [
        f"{key.ljust(width)}  {plain('; '.join(value) if key == 'notes' else str(value))}"
        for key, value in known.items()
    ]
    lines += [f"{'move'.ljust(width)}  {plain(way(move))}" for move in told.get("moves", ())]
    columns = ("rank", "machine", "step", "step_time", "phase", "heard", "state")
    rows = [[rank.get(column) for column in columns] for rank in told.get("ranks", ())]
    board = [table([column.upper() for column in columns], rows, "")] if rows else []
    return "\n".join([*lines, *board])


def way(move: dict[str, Any]) -> str:
    """A job's way to another machine, for people: `local -> box at step 20: done`."""
    step = "" if move.get("step") is None else f" at step {move['step']}"
    return f"{move.get('source')} -> {move.get('target')}{step}: {move.get('phase')}"


@job.command("logs", epilog="Example: studio-tui job logs calm-otter train.py --follow")
@click.argument("studio")
@click.argument("job")
@click.option("-f", "--follow", is_flag=True, help="Go on until the job is over.")
def logs(studio: str, job: str, follow: bool) -> None:
    """Print a job's log."""
    from studio_tui.cli.attached import attached

    async def show(joined: Studio) -> None:
        await copy((await joined.job(job)).chunks(follow=follow))

    attached(studio, show, patient=follow)


@job.command("pins", epilog="Example: studio-tui job pins calm-otter train.py --json")
@click.argument("studio")
@click.argument("job")
@json_option
def pins(studio: str, job: str, as_json: bool) -> None:
    """List the lines of a job's log that people pinned, with their remarks."""
    from studio_tui.cli.attached import attached

    async def load(joined: Studio) -> list[PinEntry]:
        return (await joined.job(job)).log.pins

    found = attached(studio, load)
    rows = [[pin.id, pin.offset, pin.by, pin.text or "-", pin.line] for pin in found]
    empty = f"no pin yet: studio-tui job pin {studio} {job} TEXT, or p on a line in the app"
    text = table(["PIN", "BYTE", "BY", "REMARK", "LINE"], rows, empty)
    emit([pin.plain() for pin in found], as_json, text)


@job.command("pin", epilog="Example: studio-tui job pin calm-otter train.py nan -m 'lr too high'")
@click.argument("studio")
@click.argument("job")
@click.argument("text", required=False)
@click.option("--at", type=int, metavar="BYTE", help="The line that starts there instead.")
@click.option("-m", "--remark", default="", help="What to say of it.")
@json_option
def pin(
    studio: str, job: str, text: str | None, at: int | None, remark: str, as_json: bool
) -> None:
    """Pin the last line of a job's log with TEXT in it, for everybody to see."""
    from studio_tui.cli.attached import attached

    async def put(joined: Studio) -> PinEntry:
        return await (await joined.job(job)).log.pin_line(text, at, remark)

    made = attached(studio, put)
    emit(made.plain(), as_json, made.id)
    say(f"pinned: {plain(made.line)}")


@job.command("unpin", epilog="Example: studio-tui job unpin calm-otter train.py 5f1c9a7b20de")
@click.argument("studio")
@click.argument("job")
@click.argument("pin")
def unpin(studio: str, job: str, pin: str) -> None:
    """Take a pin away, whoever made it; job pins lists them."""
    from studio_tui.cli.attached import attached

    async def take(joined: Studio) -> None:
        (await joined.job(job)).log.unpin(pin)
        await joined.until(lambda: not joined.unsaved)

    attached(studio, take)


@job.command("compare", epilog="Example: studio-tui job compare calm-otter full mixed --json")
@click.argument("studio")
@click.argument("a")
@click.argument("b")
@json_option
def compare(studio: str, a: str, b: str, as_json: bool) -> None:
    """Put two runs side by side: curves, speed, memory and cost.

    A and B are jobs, or files in the studio's folder that a logger left: CSVLogger's metrics.csv,
    or TensorBoard's events.out.tfevents.
    """
    from studio_tui.cli.attached import attached
    from studio_tui.cli.probe import reading
    from studio_tui.client.compare import lines

    async def load(joined: Studio) -> tuple[RunSummary, RunSummary]:
        return await joined.compare(a, b)

    one, other = attached(studio, load)
    rows = [
        [line.what, reading(line.a), reading(line.b), share(line.change)]
        for line in lines(one, other)
    ]
    text = table(["", one.name, other.name, "CHANGE"], rows, "neither run logged anything")
    emit({"a": one.plain(), "b": other.plain()}, as_json, text)


def share(change: float | None) -> str | None:
    """A change as a signed percentage; None when it is not known."""
    return None if change is None else f"{change:+z.1%}"


@job.command("advise", epilog="Example: studio-tui job advise calm-otter --parameters 1.3B")
@click.argument("studio")
@click.option("--parameters", metavar="N", required=True, help="Of the model: 124M, 1.3B.")
@click.option("--optimizer", default="adamw", help="sgd, momentum, adam or adamw.")
@click.option("--devices", default=1, metavar="K", help="GPUs of one machine.")
@click.option("--strategy", default="", metavar="S", help="fsdp divides the parameters.")
@click.option("--layers", default=0, help="Of a transformer, for its activations; with:")
@click.option("--width", default=0, help="the size of its embedding,")
@click.option("--sequence", default=0, help="the length of a sequence,")
@click.option("--batch", default=1, help="and the sequences of one device's batch.")
@json_option
def advise(
    studio: str, parameters: str, optimizer: str, devices: int, strategy: str, layers: int,
    width: int, sequence: int, batch: int, as_json: bool,
) -> None:  # fmt: skip
    """Say what a training takes in each precision, and which machine it fits on.

    Weights, gradients and optimizer are exact; activations are an estimate for a transformer with
    flash attention, and left out without its shape.
    """
    from studio_tui.app.units import size
    from studio_tui.cli.attached import attached
    from studio_tui.client import advisor

    shape = {"layers": layers, "width": width, "sequence": sequence, "batch": batch}
    activations = advisor.transformer_activations(**shape)
    model = advisor.Model(advisor.amount(parameters), optimizer, activations)

    async def load(joined: Studio) -> list[MachineEntry]:
        return await joined.machines()

    found = advisor.advise(model, attached(studio, load), devices=devices, strategy=strategy)
    rows = [
        [e.precision, size(e.weights + e.casts), size(e.gradients), size(e.optimizer),
         size(e.activations), size(e.total), ", ".join(e.fits) or "-"]
        for e in found
    ]  # fmt: skip
    header = ["PRECISION", "WEIGHTS", "GRADIENTS", "OPTIMIZER", "ACTIVATIONS", "TOTAL", "FITS ON"]
    emit([estimate.plain() for estimate in found], as_json, table(header, rows, ""))


@job.command("metrics", epilog="Example: studio-tui job metrics calm-otter train.py --json")
@click.argument("studio")
@click.argument("job")
@json_option
def metrics(studio: str, job: str, as_json: bool) -> None:
    """Print a job's curves.

    JOB may also be a file in the studio's folder that a logger left: CSVLogger's metrics.csv, or
    TensorBoard's events.out.tfevents.
    """
    from studio_tui.cli.attached import attached
    from studio_tui.client.compare import read_run
    from studio_tui.client.records import is_record

    async def load(joined: Studio) -> Curves:
        if is_record(job):
            return await read_run(joined, job)
        return await (await joined.job(job)).load_metrics()

    curves = attached(studio, load)
    rows = [[name, len(p), p[0][1], p[-1][1], p[-1][0]] for name, p in curves.items()]
    text = table(["METRIC", "POINTS", "FIRST", "LAST", "STEP"], rows, "nothing was logged yet")
    emit(curves, as_json, text)


@job.command("stop", epilog="Example: studio-tui job stop calm-otter train.py")
@click.argument("studio")
@click.argument("job")
def stop(studio: str, job: str) -> None:
    """Stop a job and everything it started."""
    from studio_tui.cli.attached import attached

    async def end(joined: Studio) -> str:
        found = await joined.job(job)
        await found.stop()
        await found.wait()
        return found.entry.state

    say(f"{job}: {plain(attached(studio, end))}")


@job.command("move", epilog="Example: studio-tui job move calm-otter train.py --to gpu-box")
@click.argument("studio")
@click.argument("job")
@click.option("--to", "machine", metavar="MACHINE", required=True, help="Where it goes on.")
@click.option("--precision", metavar="P", help="What it goes on with, such as bf16-mixed.")
@click.option("--restart", is_flag=True, help="Also without a checkpoint: what is in none is lost.")
@json_option
def move(
    studio: str, job: str, machine: str, precision: str | None, restart: bool, as_json: bool
) -> None:
    """Take a running job to another machine: one job, one log, one curve.

    A Lightning Trainer is held at a checkpoint after its next step, a Fabric script at its next
    fabric.save; files and checkpoint are carried, and it goes on there. Until then nothing has
    happened to it: whatever goes wrong, it trains on where it is.
    """
    from studio_tui.cli.attached import attached

    async def take(joined: Studio) -> JobEntry:
        found = await joined.job(job)
        await found.move(machine, precision=precision or "", restart=restart)
        return found.entry

    entry = attached(studio, take, patient=True)
    emit(entry.plain(), as_json, plain(entry.notes[-1]))


@job.command("wait", epilog="Example: studio-tui job wait calm-otter train.py")
@click.argument("studio")
@click.argument("job")
def wait(studio: str, job: str) -> None:
    """Wait for a job's end; its exit code becomes this command's.

    128 + n for signal n, 143 for a job that was stopped, 75 when its end was not seen.
    """
    from studio_tui.cli.attached import attached

    async def end(joined: Studio) -> int:
        return await (await joined.job(job)).wait()

    sys.exit(attached(studio, end, patient=True))


@job.command("rm", epilog="Example: studio-tui job rm calm-otter train.py")
@click.argument("studio")
@click.argument("job")
def rm(studio: str, job: str) -> None:
    """Forget a job that is over, with its log and metrics."""
    from studio_tui.cli.attached import attached

    async def remove(joined: Studio) -> str:
        found = await joined.job(job)
        await found.remove()
        return found.id

    say(f"removed {attached(studio, remove)}")
