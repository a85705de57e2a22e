"""What we announce: the capability table (RFC 9051 §7.2.2).

One row for each atom: the standard, and when it is offered. The list is the same before and after login but for what
concerns login itself, as clients keep the first one they see. A capability stands here only when the server does all of
it. `ENABLES` are the words that ENABLE knows.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from typing import Final


class Offer(Enum):
    """When a capability is announced."""

    ALWAYS = auto()
    BEFORE_TLS = auto()  # and when there is TLS to be had
    BEFORE_LOGIN = auto()


@dataclass(frozen=True, slots=True)
class Capability:
    """One row of the table."""

    atom: str
    rfc: str
    offer: Offer = Offer.ALWAYS


CAPABILITIES: Final = (
    Capability("IMAP4rev2", "RFC 9051"),
    Capability("IMAP4rev1", "RFC 3501"),
    Capability("STARTTLS", "RFC 9051 §6.2.1", Offer.BEFORE_TLS),
    Capability("SASL-IR", "RFC 4959", Offer.BEFORE_LOGIN),
    Capability("ENABLE", "RFC 5161"),
    Capability("LITERAL+", "RFC 7888"),
    Capability("ID", "RFC 2971"),
    Capability("IDLE", "RFC 2177"),
    Capability("NAMESPACE", "RFC 2342"),
    Capability("BINARY", "RFC 3516"),
    Capability("UNSELECT", "RFC 3691"),
    Capability("UIDPLUS", "RFC 4315"),
    Capability("ESEARCH", "RFC 4731"),
    Capability("MOVE", "RFC 6851"),
    Capability("CONDSTORE", "RFC 7162"),
    Capability("QRESYNC", "RFC 7162"),
    Capability("CHILDREN", "RFC 3348"),
    Capability("LIST-EXTENDED", "RFC 5258"),
    Capability("LIST-STATUS", "RFC 5819"),
    Capability("SPECIAL-USE", "RFC 6154"),
    Capability("CREATE-SPECIAL-USE", "RFC 6154"),
    Capability("STATUS=SIZE", "RFC 8438"),
    Capability("SEARCHRES", "RFC 5182"),
    Capability("WITHIN", "RFC 5032"),
    Capability("SAVEDATE", "RFC 8514"),
    Capability("MULTIAPPEND", "RFC 3502"),
    Capability("CATENATE", "RFC 4469"),
    Capability("URLAUTH", "RFC 4467"),
    Capability("URLAUTH=BINARY", "RFC 5524"),
    Capability("URL-PARTIAL", "RFC 5550"),
    Capability("OBJECTID", "RFC 8474"),
    Capability("PREVIEW", "RFC 8970"),
    Capability("UIDONLY", "RFC 9586"),
    Capability("UTF8=ACCEPT", "RFC 9755"),
    Capability("QUOTA", "RFC 9208"),
    Capability("QUOTA=RES-STORAGE", "RFC 9208"),
    Capability("METADATA", "RFC 5464"),  # of mailboxes and of the server; METADATA-SERVER would be the latter alone
    Capability("LIST-METADATA", "RFC 9590"),
    Capability("INPROGRESS", "RFC 9585"),
    Capability("REPLACE", "RFC 8508"),
    Capability("UIDBATCHES", "RFC 10022"),
    Capability("SORT", "RFC 5256"),
    Capability("SORT=DISPLAY", "RFC 5957"),
    Capability("ESORT", "RFC 5267 §3"),
    Capability("CONTEXT=SEARCH", "RFC 5267 §4"),
    Capability("CONTEXT=SORT", "RFC 5267 §4"),
    Capability("MULTISEARCH", "RFC 7377"),
    Capability("NOTIFY", "RFC 5465"),
    Capability("PARTIAL", "RFC 9394"),
    Capability("THREAD=ORDEREDSUBJECT", "RFC 5256"),
    Capability("THREAD=REFERENCES", "RFC 5256"),
    Capability("COMPRESS=DEFLATE", "RFC 4978"),
    Capability("UNAUTHENTICATE", "RFC 8437"),
    Capability("MESSAGELIMIT", "RFC 9738"),  # with the number
    Capability("APPENDLIMIT", "RFC 7889"),  # with the number, which is the same for every mailbox
)

# Upper case; ENABLED answers with the atom of the table.
ENABLES: Final = frozenset(
    {"CONDSTORE", "IMAP4REV2", "METADATA", "METADATA-SERVER", "QRESYNC", "UIDONLY", "UTF8=ACCEPT"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What the list depends on."""

    has_tls: bool  # the connection is encrypted
    has_starttls: bool  # it could be
    is_signed_in: bool
    mechanisms: tuple[str, ...]  # SASL mechanisms that may be used now
    may_login: bool  # LOGIN, which sends the password as it is, may be used now
    append_limit: int = 0  # bytes of one message
    message_limit: int = 0  # messages that one command works on
    disabled: frozenset[str] = frozenset()  # upper case; capabilities switched off for the account


@lru_cache(64)
def capabilities(situation: Situation) -> str:
    """The announced atoms, separated by spaces."""
    atoms = [_written(row, situation) for row in CAPABILITIES if _is_offered(row, situation)]
    if not situation.is_signed_in:
        atoms += [f"AUTH={mechanism}" for mechanism in situation.mechanisms]
        atoms += [] if situation.may_login else ["LOGINDISABLED"]
    return " ".join(atoms)


def _written(row: Capability, situation: Situation) -> str:
    if row.atom == "APPENDLIMIT":
        return f"{row.atom}={situation.append_limit}"
    return f"{row.atom}={situation.message_limit}" if row.atom == "MESSAGELIMIT" else row.atom


def _is_offered(row: Capability, situation: Situation) -> bool:
    if row.offer is Offer.BEFORE_TLS:
        return situation.has_starttls and not situation.has_tls and not situation.is_signed_in
    if row.offer is Offer.BEFORE_LOGIN:
        return not situation.is_signed_in
    return not (situation.is_signed_in and row.atom.upper() in situation.disabled)
