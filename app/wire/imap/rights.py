"""Rights on a mailbox: the eleven letters of RFC 4314 §2.1 as bits, and the two that are no longer rights.

A right is written as a letter, a set of rights as letters in any order. `c` and `d` come from RFC 2086: clients of that
time may still say them and look for them, so they are read as what they stood for, and written whenever a right that
belongs to them is there (RFC 4314 §2.1.1). They are never kept. A letter that nobody knows is an ImapSyntaxError, as
giving less or more than was asked would be worse (RFC 4314 §3.1).
"""

from __future__ import annotations

from enum import Flag
from typing import Final

from app.errors import ImapSyntaxError


class Right(Flag):
    """What somebody may do with a mailbox."""

    LOOKUP = 1  # see that it is there
    READ = 2
    SEEN = 4  # change \Seen
    WRITE = 8  # change other flags
    INSERT = 16  # APPEND, COPY into it
    POST = 32  # send mail to its address; nothing here depends on it
    CREATE = 64  # make mailboxes below it
    DELETE_MAILBOX = 128
    DELETE_MESSAGES = 256  # change \Deleted
    EXPUNGE = 512
    ADMINISTER = 1024  # see and change who has which rights


NONE: Final = Right(0)
ALL: Final = ~NONE  # what the owner has

_LETTERS: Final = dict(zip("lrswipkxtea", Right, strict=True))
_CREATE_OR_DELETE: Final = Right.CREATE | Right.DELETE_MAILBOX
_REMOVE: Final = Right.DELETE_MESSAGES | Right.EXPUNGE
_READABLE: Final = _LETTERS | {"c": _CREATE_OR_DELETE, "d": _REMOVE}


def read_rights(letters: str) -> Right:
    """The rights that these letters name; raises ImapSyntaxError."""
    rights = NONE
    for letter in letters:
        found = _READABLE.get(letter)
        if found is None:
            raise ImapSyntaxError(f"no such right: {letter!r}; there are {''.join(_READABLE)}")
        rights |= found
    return rights


def letters_of(rights: Right) -> str:
    """The letters of the rights alone, as they are kept."""
    return "".join([letter for letter, right in _LETTERS.items() if right in rights])


def write_rights(rights: Right) -> bytes:
    """The letters that a client is told, the obsolete ones too."""
    letters = letters_of(rights)
    letters += "c" if rights & _CREATE_OR_DELETE else ""
    letters += "d" if rights & _REMOVE else ""
    return letters.encode()


GRANTABLE: Final = tuple("lrswipkxteacd")  # each by itself, as LISTRIGHTS tells them (RFC 4314 §3.7)
