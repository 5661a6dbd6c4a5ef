"""What is built from the docstrings and types of the Python API: `python scripts/reference.py`.

docs/sdk.md, its reference, and studio_tui/blocking_types.py, by which a type checker knows the
objects of `sdk.sync`. Tests say whether both are current.
"""

from __future__ import annotations

import functools
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import griffe

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "sdk.md"
TYPES = ROOT / "studio_tui" / "blocking_types.py"
HEAD = """\
# The Python API

What the app and the command line can do, a script can do: they have no other way in. This page is
built from the docstrings by `make reference`.

```python
from studio_tui import sdk

async with sdk.attach("calm-otter", name="ci") as studio:
    job = await studio.run("train.py", precision="bf16-mixed")
    async for line in job.logs():
        print(line)
    print(await job.wait(), job.metrics)
```

`sdk.sync.attach` and `sdk.sync.open` give the same objects for scripts without `await`: every
method that is awaited here returns its result there, and every `async for` is a `for`.
"""
OBJECTS = {
    "studio": "client.studio.Studio",
    "studio.project": "client.project.Project",
    "studio.remarks": "client.remarks.Remarks",
    "studio.findings": "client.findings.Findings",
    "studio.recordings": "client.recordings.Recordings",
    "data": "client.data.Data",
    "studio.pipelines": "client.pipelines.Pipelines",
    "run": "client.pipelines.PipelineRun",
    "studio.ports": "client.ports.Ports",
    "forward": "client.ports.Forward",
    "studio.guests": "client.sharing.Guests",
    "file": "client.file.SharedFile",
    "terminal": "client.terminal.SharedTerminal",
    "job": "client.job.Job",
    "job.log": "client.joblog.JobLog",
}
"""Objects by the names that scripts give them."""
ATTRIBUTES = {
    "Studio": {
        "id": ("str", "Its id, such as calm-otter."),
        "meters": ("dict[str, Sample]", "The newest sample of each machine."),
        "document": ("Any", "All that the studio knows, live: files, terminals, jobs, machines."),
    },
    "SharedFile": {"id": ("str", "Its id."), "path": ("str", "Where it was when it was opened.")},
    "SharedTerminal": {"id": ("str", "Its id.")},
    "Job": {
        "id": ("str", "Its id."),
        "metrics": ("Curves", "The curves as last loaded: metric name -> [(step, value)]."),
        "marks": ("list[Mark]", "Where its curves go on after a break, as last loaded."),
        "precision": ("str", "As Lightning resolved it, once it was loaded."),
        "ranks": ("list[Rank]", "Where each rank is, as last loaded."),
    },
    "PipelineRun": {"id": ("str", "Its id.")},
    "Forward": {
        "entry": ("PortEntry", "Which port of which machine."),
        "port": ("int", "The port of this computer."),
    },
}
"""What an object keeps, by its class: type and meaning."""
VALUES = (
    "client.compare.RunSummary",
    "client.data.DataEntry",
    "client.data.DataPage",
    "client.data.DataPreview",
    "client.data.DataCopy",
    "client.joblog.Stretch",
    "client.folder.Listing",
    "client.folder.FolderEntry",
    "client.services.Stopped",
    "client.sharing.Invitation",
    "client.switching.SwitchPlan",
    "client.project.Piece",
    "client.project.Hit",
    "client.project.Hits",
    "client.project.Marks",
    "client.project.Deleted",
    "client.marks.Mark",
    "client.ranks.Rank",
    "client.recordings.RecordingInfo",
    "client.remarks.Thread",
    "document.remarks.CommentEntry",
    "document.remarks.MarkEntry",
    "document.findings.Finding",
    "document.pattern.Pattern",
    "document.presence.Person",
    "document.presence.Gaze",
    "document.entries.FileEntry",
    "document.entries.TerminalEntry",
    "document.entries.JobEntry",
    "document.entries.JobMove",
    "document.entries.PinEntry",
    "document.entries.PipelineEntry",
    "document.entries.ScheduleEntry",
    "document.entries.PortEntry",
    "document.entries.MachineEntry",
    "document.entries.SwitchEntry",
    "document.entries.SleepEntry",
    "meters.sample.Sample",
    "meters.sample.GPU",
)
"""Values that methods return."""
INNER = {
    "release",
    "Studio.attend",
    "Studio.find",
    "Studio.forget",
    "Studio.look",
    "Studio.observe",
    "Findings.received",
    "Forward.begun",
    "Remarks.concerns",
    "Remarks.first",
    "Remarks.path_of",
    "SharedTerminal.input_seq",
}
"""Public for the app's sake, of no use in a script."""


@functools.cache
def loaded() -> griffe.Object | griffe.Alias:
    """The product, read and not imported."""
    logging.getLogger("griffe").setLevel(logging.CRITICAL)
    return griffe.load("studio_tui", search_paths=[ROOT], docstring_parser="google")


def page() -> str:
    """The whole page, as Markdown."""
    package = loaded()
    sdk = package["sdk"]
    parts = [HEAD, "## `sdk`\n"]
    for name in ("attach", "open"):
        parts += [f"### `sdk.{signature(sdk[name])}`\n", *prose(sdk[name])]
    parts += errors(package["errors"])
    for name, path in OBJECTS.items():
        parts += described(name, package[path])
    parts.append("## Values\n")
    for path in VALUES:
        parts += value(package[path])
    return "\n".join(parts).rstrip() + "\n"


def errors(module: griffe.Object) -> Iterator[str]:
    """The exceptions, which have one root."""
    yield "## Errors\n"
    for member in module.members.values():
        if isinstance(member, griffe.Class):
            first = member.docstring.value.splitlines()[0] if member.docstring else ""
            yield f"- `sdk.{member.name}`: {first}"
    yield ""


def described(name: str, kind: griffe.Object) -> Iterator[str]:
    """An object with its properties and methods."""
    yield f"## `{name}`\n"
    yield from prose(kind, arguments=False)
    for attribute, (type_, meaning) in ATTRIBUTES.get(kind.name, {}).items():
        yield f"### `{name}.{attribute}`: `{type_}`\n\n{meaning}\n"
    for member in public(kind):
        if isinstance(member, griffe.Function):
            waits = "await " if "async" in member.labels and not yields(member) else ""
            waits = "async for ... in " if yields(member) else waits
            yield f"### `{waits}{name}.{signature(member)}`\n"
        else:
            yield f"### `{name}.{member.name}`: `{returned(member)}`\n"
        yield from prose(member)


def public(kind: griffe.Object) -> Iterator[griffe.Object | griffe.Alias]:
    """What a script may use, in the order of the source; what a base class offers comes last."""
    inherited = [m for name, m in kind.inherited_members.items() if name not in kind.members]
    for member in [*kind.members.values(), *inherited]:
        shown = member.is_function or "property" in member.labels
        inner = {member.name, f"{kind.name}.{member.name}"} & INNER
        if shown and not inner and not member.name.startswith("_"):
            yield member.final_target if isinstance(member, griffe.Alias) else member


def yields(function: griffe.Function) -> bool:
    """Whether what it returns is iterated."""
    return "Iterator" in str(function.returns)


def returned(member: griffe.Object | griffe.Alias) -> str:
    """The type of a property."""
    return str(getattr(member, "annotation", None) or "Any")


def signature(function: griffe.Function) -> str:
    """A call as one would type it, without types: those stand below."""
    words, keywords = [], False
    for parameter in function.parameters:
        if parameter.name in ("self", "cls"):
            continue
        kind = parameter.kind
        if kind is griffe.ParameterKind.keyword_only and not keywords:
            keywords = True
            words.append("*")
        star = {griffe.ParameterKind.var_keyword: "**", griffe.ParameterKind.var_positional: "*"}
        default = f"={literal(parameter.default)}" if parameter.default and kind not in star else ""
        words.append(f"{star.get(kind, '')}{parameter.name}{default}")
    back = "" if function.returns is None else str(function.returns)
    return f"{function.name}({', '.join(words)})" + (f" -> {back}" if back != "None" else "")


def literal(default: griffe.Expr | str) -> str:
    """A default as one would type it: a constant of ours by its value."""
    if isinstance(default, griffe.ExprName):
        constant = loaded()[default.canonical_path.partition(".")[2]]
        return str(getattr(constant, "value", default))
    return str(default)


def value(kind: griffe.Object) -> Iterator[str]:
    """A value with its fields."""
    yield f"### `{kind.name}`\n"
    yield from prose(kind)
    fields = [m for m in kind.members.values() if m.is_attribute and "property" not in m.labels]
    shown = ", ".join(f"`{m.name}: {m.annotation}`" for m in fields if m.annotation)
    yield f"Fields: {shown}.\n"


def prose(documented: griffe.Object, *, arguments: bool = True) -> Iterator[str]:
    """A docstring as Markdown."""
    if documented.docstring is None:
        return
    for section in documented.docstring.parsed:
        match section.kind:
            case griffe.DocstringSectionKind.text:
                yield f"{section.value.strip()}\n"
            case griffe.DocstringSectionKind.parameters if arguments:
                yield from (f"- `{p.name}`: {joined(p.description)}" for p in section.value)
                yield ""
            case griffe.DocstringSectionKind.attributes:
                yield from (f"- `{p.name}`: {joined(p.description)}" for p in section.value)
                yield ""
            case griffe.DocstringSectionKind.raises:
                yield from (
                    f"- raises `{p.annotation}`: {joined(p.description)}" for p in section.value
                )
                yield ""


def joined(text: str) -> str:
    """A description on one line."""
    return " ".join(text.split())


def types() -> str:
    """The module of types, in the house's format."""
    package, used = loaded(), {"Protocol": "typing", "Any": "typing"}
    classes = [line for path in OBJECTS.values() for line in stub(package[path], used)]
    ours = {path.rpartition(".")[2] for path in OBJECTS.values()}
    used |= {
        "Sample": "studio_tui.meters.sample",
        "Curves": "studio_tui.client.job",
        "Mark": "studio_tui.client.marks",
        "Rank": "studio_tui.client.ranks",
    }
    imports = sorted(
        f"from {module} import {name}"
        for name, module in used.items()
        if module not in ("", "builtins") and name not in ours and name != "AsyncIterator"
    )
    text = "\n".join([TYPES_HEAD, *imports, "from collections.abc import Iterator", *classes])
    for command in (["check", "--select", "I,F401", "--fix-only", "-q"], ["format", "-q"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--stdin-filename", str(TYPES), "-"]
        done = subprocess.run(ruff, input=text, capture_output=True, text=True, check=True)
        text = done.stdout
    return text


def stub(kind: griffe.Object, used: dict[str, str]) -> Iterator[str]:
    """A class as a protocol in which nothing has to be awaited."""
    first = kind.docstring.value.splitlines()[0] if kind.docstring else ""
    yield f'class {kind.name}(Protocol):\n    """{first}"""\n'
    for name, (type_, _) in ATTRIBUTES.get(kind.name, {}).items():
        yield f"    {name}: {type_}"
    for member in public(kind):
        if isinstance(member, griffe.Function):
            arguments = ", ".join(["self", *typed_arguments(member, used)])
            yield f"    def {member.name}({arguments}) -> {typed(member.returns, used)}: ..."
        else:
            annotation = typed(getattr(member, "annotation", None), used)
            yield f"    @property\n    def {member.name}(self) -> {annotation}: ..."


def typed_arguments(function: griffe.Function, used: dict[str, str]) -> Iterator[str]:
    """The arguments of a method with their types; a default is only said to be there."""
    keywords = False
    for parameter in function.parameters:
        kind = parameter.kind
        if parameter.name == "self":
            continue
        if kind is griffe.ParameterKind.keyword_only and not keywords:
            keywords = True
            yield "*"
        star = {griffe.ParameterKind.var_keyword: "**", griffe.ParameterKind.var_positional: "*"}
        default = " = ..." if parameter.default is not None and kind not in star else ""
        yield f"{star.get(kind, '')}{parameter.name}: {typed(parameter.annotation, used)}{default}"


def typed(annotation: griffe.Expr | str | None, used: dict[str, str]) -> str:
    """A type as it is where nothing is awaited; the names in it are noted with their modules."""
    if annotation is None:
        return "None"
    if isinstance(annotation, griffe.Expr):
        for part in annotation.iterate(flat=True):
            if isinstance(part, griffe.ExprName):
                module, _, name = part.canonical_path.rpartition(".")
                used[name] = module
    return str(annotation).replace("AsyncIterator", "Iterator")


TYPES_HEAD = '''\
"""The objects of `sdk.sync` for a type checker: made by `make reference`, never run."""

from __future__ import annotations
'''


def main() -> None:
    """Write both."""
    PAGE.write_text(page(), encoding="utf-8")
    TYPES.write_text(types(), encoding="utf-8")


if __name__ == "__main__":
    main()
