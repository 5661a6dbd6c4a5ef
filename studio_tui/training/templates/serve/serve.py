"""Serves the model: trains it first where there is no checkpoint yet.

    PORT=8000 python serve.py
    curl localhost:8000/health
    curl localhost:8000/predict -d '{"place": [0.7, 0]}' -H 'content-type: application/json'

With LitServe (pip install litserve) requests are answered by worker processes, in batches where
several come at once, on every GPU there is. Without it Python's own server answers, one request
at a time: good enough to try, too little for a product. It says which of the two it is.
"""

from __future__ import annotations

import importlib.util
import os

from model import CHECKPOINT, train

HOST = "127.0.0.1"  # this machine alone; a studio forwards the port to whoever may have it


def main() -> None:
    if not CHECKPOINT.exists():
        train()
    # Chosen here, so that each of the two files can be read, and thrown away, by itself.
    if importlib.util.find_spec("litserve"):
        from by_litserve import serve
    else:
        from by_python import serve
    serve(HOST, int(os.environ.get("PORT", "8000")))


if __name__ == "__main__":
    main()
