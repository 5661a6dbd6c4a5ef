"""One EC2 instance: looked at, started, stopped, and given another type."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Any

from studio_tui.errors import NotFound, StudioError, UsageFault
from studio_tui.machines.duration import tell_duration
from studio_tui.machines.ec2.client import Client, NoCapacity, refusal
from studio_tui.machines.ec2.console import HostKeys, read_console
from studio_tui.machines.ec2.shape import InstanceType, Seen, read_instance, read_type, unfit

if TYPE_CHECKING:
    from collections.abc import Callable

    Progress = Callable[[str], None]

LOOK = 3.0  # seconds between two looks at an instance that changes its state
PATIENCE = 900.0  # seconds for one change of state: large ones take minutes to stop
STILL_STOPPED = 5  # looks: AWS shows the old state for a moment after a start
_GONE = ("terminated", "shutting-down")


class Instance:
    """An instance, by its id: neither its address nor its type says which one it is.

    The name for its host key in known_hosts is the id, since the address changes with each start.
    Every method may raise what Client.call() does.
    """

    def __init__(self, client: Client, id: str) -> None:
        self.id = id
        self._client = client

    async def look(self) -> Seen:
        """How it is now.

        Raises:
            NotFound: it is not there, or not any more.
        """
        told = await self._client.call("describe_instances", InstanceIds=[self.id])
        found = [i for r in told["Reservations"] for i in r["Instances"]]
        if not found or found[0]["State"]["Name"] in _GONE:
            raise NotFound(
                f"the instance {self.id} is terminated", "remove the machine from machines.toml"
            )
        return read_instance(found[0])

    async def type(self, name: str) -> InstanceType:
        """What a type is.

        Raises:
            UsageFault: there is no such type in the region.
        """
        told = await self._client.call("describe_instance_types", InstanceTypes=[name])
        if not told["InstanceTypes"]:
            raise UsageFault(f"there is no instance type {name!r}", "check its name")
        return read_type(told["InstanceTypes"][0])

    async def host_keys(self) -> HostKeys:
        """What its console tells of its host keys, empty where that is nothing."""
        told: dict[str, Any]
        try:
            told = await self._client.call("get_console_output", InstanceId=self.id, Latest=True)
        except (NotFound, UsageFault):
            raise
        except StudioError:  # an older kind, which keeps its first output alone
            told = await self._client.call("get_console_output", InstanceId=self.id)
        return read_console(told.get("Output", ""))

    async def start(self, progress: Progress) -> Seen:
        """Starts it, where it does not run, and waits until it does.

        Raises:
            NoCapacity: it cannot be given now; it is stopped.
            StudioError: it does not start.
        """
        seen = await self.look()
        if seen.state == "stopping":
            seen = await self._until("stopped", progress)
        if seen.state == "stopped":
            await self._client.call("start_instances", InstanceIds=[self.id])
        return await self._until("running", progress)

    async def stop(self, progress: Progress) -> Seen:
        """Stops it, where it is not stopped, and waits until it is."""
        seen = await self.look()
        if seen.state == "pending":
            seen = await self._until("running", progress)
        if seen.state == "running":
            await self._client.call("stop_instances", InstanceIds=[self.id])
        return await self._until("stopped", progress)

    async def change_type(self, wanted: str, progress: Progress, *, stop: bool = False) -> Seen:
        """Makes it one of another type, with the same disks, and starts it.

        Cancelled or failed before AWS has taken the start, it keeps its type.

        Args:
            stop: whether it may be stopped for that, which ends all that runs on it.

        Raises:
            NoCapacity: there is none of that type; it has its old type again, and runs if it did.
            UsageFault, StudioError: AWS would refuse it; nothing was changed.
        """
        seen = await self.look()
        if seen.type == wanted:
            return await self.start(progress)
        await self._check(seen, wanted)
        runs = seen.state in ("running", "pending")
        if runs and not stop:
            raise StudioError(
                f"{self.id} runs: AWS changes the type of a stopped instance alone",
                "agree to a stop (--restart): all that runs on it ends, its disks stay",
            )
        await self.stop(progress)
        progress(f"{self.id} becomes a {wanted}")
        try:
            await self._set_type(wanted)
            return await self.start(progress)
        except NoCapacity as none:
            raise await self._back(seen, wanted, none, runs, progress) from none
        except BaseException:
            with contextlib.suppress(StudioError):  # what went wrong first is what counts
                await self._keep_type(seen)
            raise

    # -- inside -------------------------------------------------------------------------------

    async def _check(self, seen: Seen, wanted: str) -> None:
        new = await self.type(wanted)
        if (problem := unfit(seen, new)) is not None:
            raise problem
        told = await self._client.call(
            "describe_instance_type_offerings",
            LocationType="availability-zone",
            Filters=[
                {"Name": "instance-type", "Values": [wanted]},
                {"Name": "location", "Values": [seen.zone]},
            ],
        )
        if not told["InstanceTypeOfferings"]:
            raise StudioError(
                f"AWS has no {wanted} in {seen.zone}, where the disks of {self.id} are",
                "choose another type",
            )

    async def _set_type(self, name: str) -> None:
        await self._client.call(
            "modify_instance_attribute", InstanceId=self.id, InstanceType={"Value": name}
        )

    async def _keep_type(self, before: Seen) -> None:
        """Undoes a change of type that no start has followed; quick, also when cancelled."""
        seen = await self.look()
        if seen.state == "stopped" and seen.type != before.type:
            await self._set_type(before.type)

    async def _back(
        self, before: Seen, wanted: str, none: NoCapacity, runs: bool, progress: Progress
    ) -> NoCapacity:
        """Has the old type again, and runs if it did; returns what to tell."""
        said = f"no {wanted} in {before.zone}: {none.message}"
        progress(f"{said}; {self.id} becomes a {before.type} again")
        await self._set_type(before.type)
        if not runs:
            return NoCapacity(f"{said}. {self.id} is a {before.type}, stopped as before", none.hint)
        try:
            await self.start(progress)
        except NoCapacity as neither:
            return NoCapacity(
                f"{said}. {self.id} is a {before.type} again, but stopped: {neither.message}",
                neither.hint,
            )
        return NoCapacity(f"{said}. {self.id} is a {before.type} again, and runs", none.hint)

    async def _until(self, state: str, progress: Progress) -> Seen:
        """Waits until it is in a state.

        Raises:
            NoCapacity: AWS has stopped it again while it started.
            StudioError: it takes too long, or AWS has stopped it for another reason.
        """
        began, looks, said = time.monotonic(), 0, ""
        while (seen := await self.look()).state != state:
            looks += 1
            if state == "running" and seen.state == "stopped" and looks >= STILL_STOPPED:
                code = seen.reason.rpartition(".")[2]
                raise refusal(code, "it stopped again", "StartInstances", self._client.region)
            if time.monotonic() - began > PATIENCE:
                raise StudioError(
                    f"{self.id} is {seen.state} for {tell_duration(PATIENCE)}, not {state}",
                    "look at it in the AWS console",
                )
            if (words := f"{self.id}, a {seen.type}, is {seen.state}") != said:
                progress(said := words)
            await asyncio.sleep(LOOK)
        return seen
