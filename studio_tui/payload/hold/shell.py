"""The user's login shell, in which `python` is the one that jobs in the same folder have.

Jobs run in the folder's .venv, else in the environment that our own interpreter belongs to. Its
programs come first on PATH once the shell has read the user's files: /etc/profile sets PATH anew,
and what .bashrc activates (conda's base, pyenv) stands before all that was there.
"""

from __future__ import annotations

import os
import pwd
import sys
from typing import Dict, List, Tuple

# What makes a folder an environment, in place of a system's own /usr.
MARKS = ("pyvenv.cfg", "conda-meta")

_FIRST = """\
case $PATH: in "$STUDIO_PROGRAMS":*) ;; *) PATH=$STUDIO_PROGRAMS:$PATH; export PATH ;; esac
"""
# bash reads what --rcfile names in place of .bashrc, and only when it is no login shell.
_BASH = f"""\
[ -r /etc/profile ] && . /etc/profile
for studio_file in ~/.bash_profile ~/.bash_login ~/.profile; do
    if [ -r "$studio_file" ]; then . "$studio_file"; break; fi
done
unset studio_file
{_FIRST}"""
# zsh looks for all its files in ZDOTDIR, and calls precmd once it has read the last of them.
_ZSH = f"""\
if [[ -n $STUDIO_ZDOTDIR ]]; then ZDOTDIR=$STUDIO_ZDOTDIR; else unset ZDOTDIR; fi
unset STUDIO_ZDOTDIR
[[ -r ${{ZDOTDIR:-$HOME}}/.zshenv ]] && . ${{ZDOTDIR:-$HOME}}/.zshenv
studio_first() {{
precmd_functions=(${{precmd_functions:#studio_first}})
unfunction studio_first
{_FIRST}}}
typeset -ga precmd_functions
precmd_functions+=(studio_first)
"""
# What an interactive POSIX shell reads after its profile. Those that start in it read the user's.
_SH = f"""\
if [ "$STUDIO_ENV" ]; then ENV=$STUDIO_ENV; else unset ENV; fi
unset STUDIO_ENV
[ -r "$ENV" ] && . "$ENV"
{_FIRST}"""
_FISH = "set -gx PATH $STUDIO_PROGRAMS $PATH"
_POSIX = ("sh", "dash", "ash", "ksh", "mksh")


def programs(folder: str, python: str = sys.executable) -> str:
    """The folder with the programs of the environment that jobs in `folder` have; "" for none.

    Args:
        python: the interpreter for jobs where the folder has no .venv.
    """
    own = os.path.join(folder, ".venv", "bin")
    if os.access(os.path.join(own, "python"), os.X_OK):
        return own
    found = os.path.dirname(python)
    marked = any(os.path.exists(os.path.join(os.path.dirname(found), mark)) for mark in MARKS)
    return found if marked else ""


def variables(found: str) -> Dict[str, str]:
    """What a command's environment gets so that it finds these programs first."""
    if not found:
        return {}
    path = os.environ.get("PATH", os.defpath)
    made = {"STUDIO_PROGRAMS": found, "PATH": f"{found}{os.pathsep}{path}"}
    above = os.path.dirname(found)
    if os.path.exists(os.path.join(above, "pyvenv.cfg")):
        made["VIRTUAL_ENV"] = above
    return made


def login(directory: str, *, first: bool) -> Tuple[List[str], Dict[str, str]]:
    """The command of the user's shell, and what else its environment gets.

    Args:
        directory: for the files that the shell is to read.
        first: whether it has to put STUDIO_PROGRAMS first on PATH.

    Raises:
        OSError: a file cannot be written.
    """
    shell = os.environ.get("SHELL") or pwd.getpwuid(os.getuid()).pw_shell or "/bin/sh"
    kind = os.path.basename(shell)
    if first and kind == "bash":
        return [shell, "--rcfile", _written(directory, "bashrc", _BASH)], {}
    if first and kind == "fish":
        return [shell, "-l", "-C", _FISH], {}
    if first and kind == "zsh":
        _written(directory, ".zshenv", _ZSH)
        before = {"STUDIO_ZDOTDIR": os.environ.get("ZDOTDIR", "")}
        return [shell, "-l"], {"ZDOTDIR": directory, **before}
    if first and kind in _POSIX:
        before = {"STUDIO_ENV": os.environ.get("ENV", "")}
        return [shell, "-l"], {"ENV": _written(directory, "shrc", _SH), **before}
    return [shell, "-l"], {}


def _written(directory: str, name: str, text: str) -> str:
    path = os.path.join(directory, name)
    with open(path, "w") as file:
        file.write(text)
    return path
