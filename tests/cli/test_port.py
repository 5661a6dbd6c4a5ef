"""`studio-tui port`: what serves, reached from here."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import threading
from typing import TYPE_CHECKING

from .conftest import COMMAND

if TYPE_CHECKING:
    from .conftest import Hosted, Typed


def test_a_port_is_listed_forwarded_and_given_back(hosted: Hosted, typed: Typed) -> None:
    done = typed("port", "ls", hosted.id)
    assert "nothing serves" in done.out

    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = str(listening.getsockname()[1])

        def greet() -> None:
            met, _ = listening.accept()
            with met:
                met.sendall(b"hello")

        threading.Thread(target=greet, daemon=True).start()
        forward = [*COMMAND, "port", "forward", hosted.id, port]
        with subprocess.Popen(forward, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as led:
            assert led.stdout is not None
            url = led.stdout.readline().decode().strip()
            assert url.startswith("http://127.0.0.1:")
            with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as here:
                assert here.recv(100) == b"hello"
            led.send_signal(signal.SIGINT)
            _, err = led.communicate(timeout=15)
        assert led.returncode == 0, err
        assert b"forwarded no more" in err
        assert b"Traceback" not in err

    listed = json.loads(typed("port", "ls", hosted.id, "--json").out)
    assert [(p["port"], p["state"], p["machine"]) for p in listed] == [(int(port), "open", "local")]
    assert typed("port", "close", hosted.id, port).code == 0
    done = typed("port", "close", hosted.id, port)
    assert (done.code, done.error) == (3, f"port {port} is not forwarded")


def test_what_makes_no_sense_is_said(hosted: Hosted, typed: Typed) -> None:
    assert typed("port", "forward", hosted.id, "70000").code == 2
    assert typed("port", "open", hosted.id).error.startswith("no command 'open'")
    done = typed("job", "run", hosted.id, "--port", "99999", "--", "true")
    assert (done.code, done.error) == (2, "there is no port 99999")
    done = typed("job", "run", hosted.id, "--serve", "--health", "x y", "--", "true")
    assert "no path of a server" in done.error
