"""Which of the bundled grammars colours a file, by its name."""

from __future__ import annotations

from pathlib import PurePosixPath

_BY_SUFFIX = {
    "python": ".py .pyi .pyw",
    "markdown": ".md .markdown",
    "json": ".json .ipynb .jsonc",
    "toml": ".toml",
    "yaml": ".yaml .yml",
    "html": ".html .htm",
    "css": ".css",
    "javascript": ".js .mjs .cjs .jsx",
    "rust": ".rs",
    "go": ".go",
    "sql": ".sql",
    "java": ".java",
    "bash": ".sh .bash .sbatch",
    "xml": ".xml .svg .xsd",
}
_LANGUAGES = {suffix: name for name, suffixes in _BY_SUFFIX.items() for suffix in suffixes.split()}
_BY_NAME = {
    ".bashrc": "bash",
    ".bash_profile": "bash",
    ".profile": "bash",
    "poetry.lock": "toml",
    "uv.lock": "toml",
}


def language_of(path: str) -> str | None:
    """The grammar for the file at `path`, None when there is none for it."""
    name = PurePosixPath(path).name.lower()
    return _BY_NAME.get(name) or _LANGUAGES.get(PurePosixPath(name).suffix)
