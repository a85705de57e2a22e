"""Asking: for a password, without showing it on a terminal, else as a line of standard input; and for a yes."""

from __future__ import annotations

import getpass
import sys

from app.errors import MailError


class NoAnswer(MailError):
    """Nothing was typed, or not twice the same."""


def read_new_password() -> str:
    """A new password, typed twice on a terminal."""
    if not sys.stdin.isatty():
        return _checked(sys.stdin.readline().removesuffix("\n").removesuffix("\r"))
    password = _checked(getpass.getpass("password: "))
    if getpass.getpass("again: ") != password:
        raise NoAnswer("the two are not the same; nothing was changed")
    return password


def read_password(question: str) -> str:
    """A password that exists already, typed once."""
    if not sys.stdin.isatty():
        return _checked(sys.stdin.readline().removesuffix("\n").removesuffix("\r"))
    return _checked(getpass.getpass(question))


def confirmed(what: str) -> bool:
    """Whether somebody at a terminal wants it to be done; nobody is asked elsewhere. `what` says what would be."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        print(f"{what}; nothing was changed. To do it, add -yes", file=sys.stderr)
        return False
    print(f"{what}. Type yes to do it: ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() == "yes":
        return True
    print("nothing was changed", file=sys.stderr)
    return False


def _checked(password: str) -> str:
    if not password:
        raise NoAnswer("no password was given; nothing was changed")
    return password
