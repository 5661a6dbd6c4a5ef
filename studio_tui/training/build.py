"""What the installed torch was built for."""

from __future__ import annotations


def torch_build() -> tuple[str | None, bool]:
    """The version of CUDA or ROCm it was built for, None without, and whether a GPU answers it."""
    try:
        import torch
    except ImportError:
        return None, False
    cuda, hip = torch.version.cuda, torch.version.hip
    name = f"CUDA {cuda}" if cuda else f"ROCm {hip}" if hip else None
    return name, bool(torch.cuda.is_available())
