"""SPF records as far as they can be compared: terms, what is missing, and one record out of two (RFC 7208).

`merge` keeps everything of a record that is there and puts our addresses in front, as a domain may have one record only
(RFC 7208 §3.2). What a record means for an address is `trust/spf`.
"""

from __future__ import annotations

import ipaddress

VERSION = "v=spf1"
MAX_TERMS = 100
_QUALIFIERS = "+-~?"


def is_spf(text: str) -> bool:
    """Whether a TXT record is an SPF record (RFC 7208 §4.5)."""
    return text.lower() == VERSION or text.lower().startswith(VERSION + " ")


def terms(text: str) -> list[str]:
    """The terms after the version, in lower case."""
    return text.lower().split(None, MAX_TERMS)[1 : MAX_TERMS + 1]


def mechanisms(text: str) -> list[str]:
    """The terms that name senders, without `all`, modifiers and a plus that means nothing."""
    plain = [term.removeprefix("+") for term in terms(text)]
    return [term for term in plain if not _is_all(term) and "=" not in term.partition(":")[0]]


def missing(wanted: str, found: str) -> list[str]:
    """The mechanisms that are wanted and not there."""
    have = {_normal(term) for term in mechanisms(found)}
    return [term for term in mechanisms(wanted) if _normal(term) not in have]


def others(wanted: str, found: str) -> list[str]:
    """The mechanisms and modifiers of a record that we did not ask for."""
    ours = {_normal(term) for term in mechanisms(wanted)}
    return [term for term in terms(found) if not _is_all(term) and _normal(term.removeprefix("+")) not in ours]


def merge(wanted: str, found: str) -> str:
    """One record that lets pass whom either lets pass, as strict at the end as the one that is there."""
    rest = [term for term in terms(found) if not _is_all(term)]
    end = [term for term in terms(found) if _is_all(term)][:1]
    if not end and not any(term.startswith("redirect=") for term in rest):
        end = ["~all"]
    if end in (["all"], ["+all"]):
        end = ["~all"]  # "all" alone lets the whole world pass
    return " ".join([VERSION, *missing(wanted, found), *rest, *end])


def _is_all(term: str) -> bool:
    return term.lstrip(_QUALIFIERS) == "all"


def _normal(term: str) -> str:
    """A mechanism such that equal ones have equal text: addresses are written in several ways."""
    name, _, value = term.partition(":")
    if name not in ("ip4", "ip6"):
        return term
    try:
        return f"ip:{ipaddress.ip_network(value, strict=False)}"
    except ValueError:
        return term


def is_same(wanted: str, found: str) -> bool:
    """Whether a record lets all of ours pass and ends as one should; what else it allows is its owner's decision."""
    return not missing(wanted, found) and _end(found) in ("~all", "-all")


def _end(text: str) -> str:
    return next((term for term in terms(text) if _is_all(term)), "")
