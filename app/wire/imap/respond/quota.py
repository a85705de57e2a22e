"""QUOTA and QUOTAROOT responses (RFC 9208 §4.2).

    quota     = "QUOTA" SP root SP "(" resource SP usage SP limit ")"
    quotaroot = "QUOTAROOT" SP mailbox *(SP root)

An account has at most one quota root, whose name is empty, and it limits STORAGE alone, in units of 1024 bytes.
"""

from __future__ import annotations

from typing import Final

from app.wire.imap.mailboxname import write_mailbox

ROOT: Final = ""  # of every mailbox of an account that has a limit
_UNIT_BYTES: Final = 1024


def quota_response(used_bytes: int, limit_bytes: int) -> bytes:
    """Use and limit of the account. Both are rounded up, so that what is there is never shown as nothing."""
    return b'* QUOTA "" (STORAGE %d %d)\r\n' % (_units(used_bytes), _units(limit_bytes))


def _units(size_bytes: int) -> int:
    return -(-size_bytes // _UNIT_BYTES)


def quotaroot_response(name: str, *, has_root: bool, utf8: bool) -> bytes:
    """The quota roots of a mailbox: one or none."""
    return b"* QUOTAROOT %b%b\r\n" % (write_mailbox(name, utf8=utf8), b' ""' if has_root else b"")
