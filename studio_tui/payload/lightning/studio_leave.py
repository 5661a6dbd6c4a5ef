"""Has a process leave its gloo group before its interpreter goes.

Lightning finds the function at the end through entry points, so a script needs no change. Gloo's
threads hold the tensors of the last collective until they get Python's lock. One that waits for it
when the interpreter goes ends the whole process by SIGABRT ("terminate called without an active
exception"), and a training that is done looks as if it had failed. To leave the group is to wait
for these threads; the interpreter itself waits for them too, only too late.

With NCCL, Lightning leaves the group itself. A script that fails is left as it is.
"""

from __future__ import annotations

import atexit
import os
import sys
from typing import Any


def leave() -> None:
    """Leave the default group, and with it all others, if it is gloo's and nothing failed."""
    distributed = sys.modules.get("torch.distributed")
    if distributed is None or hasattr(sys, "last_value"):
        return
    try:
        if distributed.is_initialized() and distributed.get_backend() == "gloo":
            distributed.destroy_process_group()
    except Exception as problem:
        said = f"studio: leave: {type(problem).__name__}: {problem}"
        print(said[:500], file=sys.stderr, flush=True)  # noqa: T201 - the job's log


def for_any() -> list[Any]:
    """No callback for anybody; but from now on the process leaves its group."""
    if os.environ.get("STUDIO_JOB_DIR"):
        atexit.unregister(leave)
        atexit.register(leave)
    return []
