"""Answers by Python's own server, one question after the other: for trying, not for a product."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, HTTPServer

from model import Ring, load, read

LONGEST = 10_000  # bytes of a question


class Answer(BaseHTTPRequestHandler):
    """One request; the server has the model."""

    def do_GET(self) -> None:
        known = self.path == "/health"
        self.answer(200 if known else 404, "ok" if known else "ask /health or /predict")

    def do_POST(self) -> None:
        told = self.headers.get("Content-Length", "")
        size = int(told) if told.isdigit() else 0
        if self.path != "/predict" or not 0 < size < LONGEST:
            self.answer(404, "post a short question to /predict")
            return
        try:
            place = read(json.loads(self.rfile.read(size)))
        except ValueError as problem:
            self.answer(400, {"detail": str(problem)})
            return
        self.answer(200, {"inside": round(self.server.model.chances([place])[0], 4)})

    def answer(self, status: int, said: object) -> None:
        body = said if isinstance(said, str) else json.dumps(said)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing: a health check every few seconds would hide what matters."""


class Server(HTTPServer):
    """Has the model before it takes a request."""

    def __init__(self, address: tuple[str, int], model: Ring) -> None:
        super().__init__(address, Answer)
        self.model = model


def serve(host: str, port: int) -> None:
    with Server((host, port), load()) as server:
        port = server.server_port
        print(f"Python's own server on {host}:{port}; LitServe is not installed", flush=True)
        server.serve_forever()
