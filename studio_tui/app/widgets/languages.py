"""What a file is written in, by its name: the grammar that colours it, and its comments."""

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


_HASH, _SLASHES, _MARKUP = ("# ", ""), ("// ", ""), ("<!-- ", " -->")
_COMMENTS = {
    **dict.fromkeys(("python", "toml", "yaml", "bash"), _HASH),
    **dict.fromkeys(("javascript", "rust", "go", "java"), _SLASHES),
    **dict.fromkeys(("markdown", "html", "xml"), _MARKUP),
    "css": ("/* ", " */"),
    "sql": ("-- ", ""),
}
_COMMENTS_BY_SUFFIX = {
    **dict.fromkeys(
        (".jsonc", ".c", ".h", ".cc", ".cpp", ".hpp", ".cu", ".ts", ".tsx", ".kt", ".swift"),
        _SLASHES,
    ),
    **dict.fromkeys(
        (".cfg", ".ini", ".conf", ".mk", ".r", ".rb", ".pl", ".jl", ".gitignore", ".tf"), _HASH
    ),
    ".lua": ("-- ", ""),
    ".tex": ("% ", ""),
}
_COMMENTED_NAMES = frozenset("makefile dockerfile requirements.txt constraints.txt".split())


def comment_of(path: str) -> tuple[str, str] | None:
    """What stands before and after a comment in the file at `path`; None when it has none."""
    name = PurePosixPath(path).name.lower()
    suffix = PurePosixPath(name).suffix or (name if name.startswith(".") else "")
    if suffix in _COMMENTS_BY_SUFFIX:
        return _COMMENTS_BY_SUFFIX[suffix]
    if name in _COMMENTED_NAMES:
        return _HASH
    return _COMMENTS.get(language_of(path) or "")
