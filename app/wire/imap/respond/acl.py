"""ACL, LISTRIGHTS and MYRIGHTS responses (RFC 4314 §3.6, §3.7, §3.8).

acl        = "ACL" SP mailbox *(SP identifier SP rights)
listrights = "LISTRIGHTS" SP mailbox SP identifier SP required *(SP optional)
myrights   = "MYRIGHTS" SP mailbox SP rights
"""

from __future__ import annotations

from collections.abc import Mapping

from app.wire.imap.mailboxname import write_mailbox
from app.wire.imap.rights import GRANTABLE, Right, write_rights
from app.wire.imap.tokens import write_astring


def acl_response(name: str, rights_of: Mapping[str, Right], *, utf8: bool) -> bytes:
    """Who has which rights on a mailbox, by identifier."""
    pairs = [b" %b %b" % (_write_who(who), write_astring(write_rights(rights))) for who, rights in rights_of.items()]
    return b"* ACL %b%b\r\n" % (write_mailbox(name, utf8=utf8), b"".join(pairs))


def listrights_response(name: str, identifier: str, *, is_owner: bool, utf8: bool) -> bytes:
    """What somebody always has, then what can be given to them, each right by itself; the owner has everything."""
    words = [b"".join(map(str.encode, GRANTABLE))] if is_owner else [b'""', *map(str.encode, GRANTABLE)]
    return b"* LISTRIGHTS %b %b %b\r\n" % (write_mailbox(name, utf8=utf8), _write_who(identifier), b" ".join(words))


def myrights_response(name: str, rights: Right, *, utf8: bool) -> bytes:
    """The rights of the client itself."""
    return b"* MYRIGHTS %b %b\r\n" % (write_mailbox(name, utf8=utf8), write_astring(write_rights(rights)))


def _write_who(identifier: str) -> bytes:
    # An astring with other characters is a literal, which every client reads.
    return write_astring(identifier.encode())
