"""Answers by LitServe: worker processes, questions that come at once as one batch, every GPU."""

from __future__ import annotations

import litserve
from fastapi import HTTPException

from model import load, read


class Api(litserve.LitAPI):
    """What a worker does: `setup` once, then the others for each request or batch of them."""

    def setup(self, device: str) -> None:
        self.model = load(device)

    def decode_request(self, request: dict) -> list[float]:
        try:
            return read(request)
        except ValueError as problem:
            raise HTTPException(400, str(problem)) from problem

    # With a max_batch_size above 1, LitServe gathers questions, and these two see all of them.

    def batch(self, inputs: list[list[float]]) -> list[list[float]]:
        return inputs

    def predict(self, places: list[list[float]]) -> list[float]:
        return self.model.chances(places)

    def unbatch(self, output: list[float]) -> list[float]:
        return output

    def encode_response(self, output: float) -> dict[str, float]:
        return {"inside": round(output, 4)}


def serve(host: str, port: int) -> None:
    server = litserve.LitServer(Api(max_batch_size=16, batch_timeout=0.005))
    print(f"LitServe on {host}:{port}", flush=True)
    server.run(host=host, port=port, generate_client_file=False, log_level="warning")
