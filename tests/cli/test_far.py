from __future__ import annotations

from studio_tui.cli.far import told
from studio_tui.client.remaining import Remaining


def test_how_far_a_training_is() -> None:
    assert told(None) == "-"
    assert told(Remaining(640, 2000, None)) == "640/2000"
    assert told(Remaining(640, 2000, 80.0)) == "640/2000, 1 min left"
