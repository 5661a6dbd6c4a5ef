"""Two servers that speak S3 over HTTP, on free ports: moto, and nanio, which checks signatures.

    python s3.py FOLDER     prints the two ports, and ends when stdin does

nanio keeps each bucket as a folder below FOLDER, and knows the key "owner" with the secret
"correct-horse". moto keeps everything in memory, and takes any secret; beside S3 it answers STS.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import threading
from pathlib import Path

import uvicorn
from moto.server import DomainDispatcherApplication, create_backend_app
from nanio.app import build_app
from nanio.config import Settings
from werkzeug.serving import make_server


def main(folder: str) -> None:
    moto = make_server(
        "127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True
    )
    threading.Thread(target=moto.serve_forever, daemon=True).start()
    os.environ |= {"NANIO_ACCESS_KEY": "owner", "NANIO_SECRET_KEY": "correct-horse"}
    listening = socket.create_server(("127.0.0.1", 0))
    app = build_app(Settings(data_dir=Path(folder)))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False))
    serving = server.serve(sockets=[listening])
    threading.Thread(target=lambda: asyncio.run(serving), daemon=True).start()
    sys.stdout.write(f"{moto.server_port} {listening.getsockname()[1]}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1])
