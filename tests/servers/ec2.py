"""A moto server for EC2 over HTTP, on a free port, with what AWS does and moto does not.

    python ec2.py      prints its port, and ends when stdin does

moto changes an instance's state at once, has endless capacity, and lets a running instance change
its type. So this one

- refuses to change the type of an instance that is not stopped, as AWS does;
- prints host keys on the console, as cloud-init does;
- takes rules, each a JSON object posted to /rules: {"action", "code", "message", "times"} refuses
  that action so many times; {"action", "state", "reason", "looks"} answers it, and then shows the
  instance in that state for so many looks, for ever when there are none; {"console"} is what the
  console shows.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

import moto.ec2.responses.general as general
from moto.core import DEFAULT_ACCOUNT_ID
from moto.ec2.models import ec2_backends
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

Start = Callable[[str, list[tuple[str, str]]], Any]
KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIJ" + "q" * 42
CONSOLE = f"""\
[   14.6] cloud-init[1021]: Cloud-init v. 24.1 running 'modules:final'
<14>Nov 28 12:00:01 cloud-init: -----BEGIN SSH HOST KEY FINGERPRINTS-----
<14>Nov 28 12:00:01 cloud-init: 256 SHA256:{"q" * 43} root@ip-10-0-0-1 (ED25519)
<14>Nov 28 12:00:01 cloud-init: -----END SSH HOST KEY FINGERPRINTS-----
-----BEGIN SSH HOST KEY KEYS-----
ssh-ed25519 {KEY} root@ip-10-0-0-1
-----END SSH HOST KEY KEYS-----
"""


class Aws:
    """moto's application behind what AWS adds."""

    def __init__(self) -> None:
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._rules: list[dict[str, Any]] = []
        self._shown: dict[str, dict[str, Any]] = {}
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        if environ["PATH_INFO"] == "/rules":
            told = json.loads(body)
            self._rules = [rule for rule in told if "action" in rule]
            consoles = [rule["console"] for rule in told if "console" in rule]
            general.SAMPLE_CONSOLE_OUTPUT = (*consoles, CONSOLE)[0]
            start("204 No Content", [])
            return []
        environ["wsgi.input"] = BytesIO(body)
        asked = {key: values[0] for key, values in parse_qs(body.decode()).items()}
        with self._lock:
            if error := self._refused(asked):
                start("400 Bad Request", [("Content-Type", "text/xml")])
                return [error]
            if asked.get("Action") == "DescribeInstances":
                self._show()
            answer = self._moto(environ, start)
            self._arrange(asked)
            return answer

    def _refused(self, asked: dict[str, str]) -> bytes | None:
        for rule in self._rules:
            if rule["action"] == asked.get("Action") and "code" in rule and rule["times"] > 0:
                rule["times"] -= 1
                return _error(rule["code"], rule["message"])
        if asked.get("Action") != "ModifyInstanceAttribute":
            return None
        instance = _instance(asked["InstanceId"])
        if instance is None or instance._state.name == "stopped":
            return None
        message = f"The instance '{instance.id}' is not in the 'stopped' state."
        return _error("IncorrectInstanceState", message)

    def _arrange(self, asked: dict[str, str]) -> None:
        for rule in self._rules:
            if rule["action"] == asked.get("Action") and "state" in rule:
                self._rules.remove(rule)
                instance = _instance(asked["InstanceId.1"])
                before = (instance._state.name, instance.state_reason.code)
                self._shown[instance.id] = rule | {"before": before}
                return

    def _show(self) -> None:
        for id, rule in list(self._shown.items()):
            instance, looks = _instance(id), rule.get("looks", 1)
            instance._state.name, instance.state_reason.code = rule["state"], rule.get("reason", "")
            if looks == 0:
                instance._state.name, instance.state_reason.code = rule["before"]
                del self._shown[id]
            elif "looks" in rule:
                rule["looks"] = looks - 1
            else:
                del self._shown[id]  # it stays so


def _instance(id: str) -> Any:
    for backend in ec2_backends[DEFAULT_ACCOUNT_ID].values():
        for instance in backend.all_instances():
            if instance.id == id:
                return instance
    return None


def _error(code: str, message: str) -> bytes:
    return (
        "<Response><Errors><Error>"
        f"<Code>{code}</Code><Message>{escape(message)}</Message>"
        "</Error></Errors><RequestID>1</RequestID></Response>"
    ).encode()


if __name__ == "__main__":
    server = make_server("127.0.0.1", 0, Aws(), threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    sys.stdin.read()
