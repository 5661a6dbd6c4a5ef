"""What a job is given for the data that it names: credentials that end, and notes on the data."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from studio_tui.data.source import Address, Source, parse
from studio_tui.data.sources import Sources
from studio_tui.data.survey import survey
from studio_tui.errors import StudioError, UsageFault
from studio_tui.settings.secrets import names_a_secret

NOTE = "data "
"""How a note begins that tells what a job was trained on."""
LONGEST = 12 * 3600


@dataclass(frozen=True)
class Loan:
    """What is given to a job.

    Attributes:
        secrets, env: variables; the first are covered in all that it writes.
        notes: what its data amounts to, a line each.
    """

    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    env: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


async def lend(urls: Sequence[str], seconds: int | None) -> Loan:
    """Look at the data at `urls`, and lend what opens it.

    Args:
        seconds: how long the job may run; None when nobody has said.

    Raises:
        StudioError: the data cannot be looked at; UsageFault when two sources would lend the same
            variable. What lends nothing is noted: a job may have other ways to its data.
    """
    return (
        await asyncio.to_thread(_lend, urls, min(seconds or LONGEST, LONGEST)) if urls else Loan()
    )


def _lend(urls: Sequence[str], seconds: int) -> Loan:
    sources, loan, lenders = Sources(), Loan(), set[str]()
    for url in urls:
        address = parse(url)
        source = sources.find(address.source)
        loan.notes.append(f"{NOTE}{survey(source, address)}")
        given = _given(source, address, seconds, loan)
        if given and lenders - {address.source}:
            raise UsageFault(
                "a job cannot have the credentials of two sources", "copy one of them beforehand"
            )
        lenders |= {address.source} if given else set()
        for name, value in given.items():
            (loan.secrets if names_a_secret(name) else loan.env)[name] = value
    return loan


def _given(source: Source, address: Address, seconds: int, loan: Loan) -> Mapping[str, str]:
    """What a source lends; why it lends nothing is noted."""
    try:
        return source.lend(address.path, seconds)
    except StudioError as problem:
        loan.notes.append(f"{NOTE}{address}: no credentials for the job: {problem.message}")
        return {}
