"""The relay's own log: text for people, or JSON lines; never a token, never a raw escape."""

from __future__ import annotations

import json
import logging
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from typing import TextIO

# Signed tokens, one-time codes, and whatever a URL or a header carries as a token.
_SECRETS: Final = re.compile(
    r"eyJ[\w-]*\.[\w-]*\.?[\w-]*|(?<=invite:)[\w-]+|(?<=token=)[^&\s\"']+"
    r"|(?<=bearer )[^\s\"']+|(?<=#)[\w-]{22}(?![\w-])",
    re.IGNORECASE,
)


def redacted(text: str) -> str:
    """The text without the secrets in it."""
    return _SECRETS.sub("[secret]", text)


class JsonLines(logging.Formatter):
    """One JSON object per record."""

    def format(self, record: logging.LogRecord) -> str:
        """See logging.Formatter."""
        line: dict[str, object] = {
            "time": round(record.created, 3),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redacted(record.getMessage()),
        }
        if record.exc_info:
            line["trace"] = redacted(self.formatException(record.exc_info))
        return json.dumps(line)


class Plain(logging.Formatter):
    """One line per record; what cannot be shown is escaped."""

    def format(self, record: logging.LogRecord) -> str:
        """See logging.Formatter."""
        text = redacted(record.getMessage())
        text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
        line = f"{self.formatTime(record)} {record.levelname.lower()}: {text}"
        if record.exc_info:
            line += "\n" + redacted(self.formatException(record.exc_info))
        return line


def log_to(stream: TextIO, level: str, json_lines: bool) -> None:
    """Sends everything that is logged to the stream.

    Args:
        stream: stderr, usually.
        level: "debug", "info", "warning" or "error".
        json_lines: JSON objects instead of text.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines() if json_lines else Plain())
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    if level != "debug":  # the library tells of every connection
        logging.getLogger("websockets").setLevel(logging.WARNING)
