from __future__ import annotations

import pytest

from studio_tui.training.build import torch_build


def test_what_torch_was_built_for() -> None:
    torch = pytest.importorskip("torch", reason="the train extra is not installed")
    name, works = torch_build()
    assert works is torch.cuda.is_available()
    assert (name is None) == (torch.version.cuda is None and torch.version.hip is None)
