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
@click.option("--precision", metavar="P", help="Such as 32-true, bf16-mixed, 16-mixed.")
@click.option("--strategy", metavar="S", help="Such as ddp or fsdp.")
@click.option("--max-runtime", metavar="T", help="Stop it after so long, such as 2h or 1h30m.")
@click.option(
    "--retries", type=int, metavar="N", help="Run it again when it fails, N times at most."
)
@env_option
@secret_option
@click.option("--serve", is_flag=True, help="It serves HTTP, on the port that it finds in PORT.")
@click.option("--port", type=int, metavar="N", help="Where; any that is free if not given.")
@click.option("--health", metavar="PATH", help="Of a server: tells how it is; /health if not.")
@click.option("--wait", is_flag=True, help="Print the log, and end with the job's exit code.")
@json_option
def run(
    studio: str, command: tuple[str, ...], name: str | None, machine: str | None, nodes: int | None,
    devices: str | None, accelerator: str | None, precision: str | None, strategy: str | None,
    max_runtime: str | None, retries: int | None, env: tuple[str, ...], secrets: tuple[str, ...],
    serve: bool, port: int | None, health: str | None, wait: bool, as_json: bool,
) -> None:  # fmt: skip
    """Start SCRIPT as a job: it survives every disconnect.

    Prints the job's id; with --wait its log instead, and with --json the job's object.

    A retry goes on from the last checkpoint that Lightning's Trainer wrote; other scripts find
    the path of theirs in STUDIO_RESUME, if they listed it in the file STUDIO_CHECKPOINTS.

    A server is looked at once it runs: see studio-tui port.
    """
    from studio_tui.cli.attached import attached

    options = {
        "name": name or "",
        "nodes": nodes,
        "devices": devices or "",
        "accelerator": accelerator or "",
        "precision": precision or "",
        "strategy": strategy or "",
        "max_runtime": max_runtime or "",
        "retries": retries,
        "env": variables(env),
        "secrets": list(secrets),
        "port": 0 if serve and port is None else port,
        "health": health or "",
    }

    async def start(joined: Studio) -> int:
        script, *args = command
        made = await joined.run(script, args, machine=machine, **options)
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


@job.command("ls", epilog="Example: studio-tui job ls calm-otter --json")
@click.argument("studio")
@json_option
def ls(studio: str, as_json: bool) -> None:
    """List the jobs, newest first."""
    from studio_tui.cli.attached import attached

    async def entries(joined: Studio) -> list[JobEntry]:
        return sorted(joined.document.jobs.values(), key=newest)

    found = attached(studio, entries)
    now = time.time()
    rows = [[j.id, j.name, j.state, j.exit_code, held(j), ago(j.started, now)] for j in found]
    empty = f"no job yet; start one: studio-tui job run {studio} -- train.py"
    text = table(["ID", "NAME", "STATE", "EXIT", "GPUS", "STARTED"], rows, empty)
    emit([j.plain() for j in found], as_json, text)


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
        return {**found.entry.plain(), "ranks": ranks}

    found = attached(studio, entry)
    emit(found, as_json, readable(found))


def readable(told: dict[str, Any]) -> str:
    """A job for people: what is not known is left out."""
    width = max(map(len, told))
    lines = [
        f"{key.ljust(width)}  {plain('; '.join(value) if key == 'notes' else str(value))}"
        for key, value in told.items()
        if key != "ranks" and value not in (None, "", [], {})
    ]
    columns = ("rank", "machine", "step", "step_time", "phase", "heard", "state")
    rows = [[rank.get(column) for column in columns] for rank in told.get("ranks", ())]
    board = [table([column.upper() for column in columns], rows, "")] if rows else []
    return "\n".join([*lines, *board])


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
    rows = [[pin.offset, pin.by, pin.text or "-", pin.line] for pin in found]
    text = table(["BYTE", "BY", "REMARK", "LINE"], rows, "no pin yet; in the app: p on a line")
    emit([pin.plain() for pin in found], as_json, text)


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


def reading(value: object) -> object:
    """A figure with four digits; anything else as it is."""
    return f"{value:.4g}" if isinstance(value, float) else value


def share(change: float | None) -> str | None:
    """A change as a signed percentage; None when it is not known."""
    return None if change is None else f"{change:+.1%}"


@job.command(
    "measure",
    epilog="Example: studio-tui job measure calm-otter -p 32-true -p bf16-mixed -- train.py",
)
@click.argument("studio")
@click.argument("command", metavar="-- SCRIPT [ARGS]...", nargs=-1, required=True)
@click.option("-p", "--precision", "precisions", multiple=True, required=True, help="Repeatable.")
@click.option("--steps", default=5, help="Optimizer steps of each run.")
@click.option("-m", "--machine", metavar="M", help="Where; the studio's machine by default.")
@click.option("--devices", default="", metavar="K", help="How many devices.")
@click.option("--env", multiple=True, metavar="K=V", help="A variable for the job; repeatable.")
@json_option
def measure(
    studio: str, command: tuple[str, ...], precisions: tuple[str, ...], steps: int,
    machine: str | None, devices: str, env: tuple[str, ...], as_json: bool,
) -> None:  # fmt: skip
    """Run SCRIPT for a few steps in each precision, and print what each took.

    The runs come one after the other, so that none takes from another. A script that ignores the
    Trainer's max_steps runs as long as it does.
    """
    from studio_tui.cli.attached import attached
    from studio_tui.client.compare import measure as measured

    options = {"devices": devices, "env": variables(env), "machine": machine}

    async def load(joined: Studio) -> list[RunSummary]:
        script, *args = command
        return await measured(joined, script, args, precisions=precisions, steps=steps, **options)

    found = attached(studio, load, patient=True)
    rows = [
        [run.precision, run.state, run.steps, reading(run.steps_per_second),
         reading(run.peak_memory_gib), reading(loss_of(run)), reading(run.cost)]
        for run in found
    ]  # fmt: skip
    header = ["PRECISION", "STATE", "STEPS", "STEPS/S", "PEAK GIB", "LOSS", "COST"]
    emit([run.plain() for run in found], as_json, table(header, rows, ""))
    for note in dict.fromkeys(note for run in found for note in run.notes):
        say(f"note: {plain(note)}")
    sys.exit(0 if all(run.state == "succeeded" for run in found) else 1)


def loss_of(run: RunSummary) -> float | None:
    """The last value of a run's first loss."""
    return next((m.last for name, m in run.metrics.items() if "loss" in name), None)


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
    model = advisor.Model(amount(parameters), optimizer, advisor.transformer_activations(**shape))

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


def amount(text: str) -> int:
    """A count such as 124M or 1.3B.

    Raises:
        UsageFault: it is none.
    """
    from studio_tui.errors import UsageFault

    units = {"k": 1e3, "m": 1e6, "b": 1e9, "g": 1e9, "t": 1e12}
    number, unit = (text[:-1], text[-1:].lower()) if text[-1:].isalpha() else (text, "")
    try:
        return int(float(number) * (units[unit] if unit else 1))
    except (ValueError, KeyError, OverflowError):
        raise UsageFault(f"{text!r} is no number", "write 124M or 1.3B") from None


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
