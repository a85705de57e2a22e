"""Macro strings: `%{ir}.sbl.%{d2}` parsed once into parts, expanded for one message (RFC 7208 §7).

    domain-spec  = macro-string domain-end
    domain-end   = ( "." toplabel [ "." ] ) / macro-expand
    macro-expand = ( "%{" macro-letter transformers *delimiter "}" ) / "%%" / "%_" / "%-"

Raises WireError with the offset in the string. Expansion cannot fail, but may say that a term cannot match: a localpart
that is not ASCII has no form in DNS (RFC 8616 §4).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from app.errors import WireError
from app.wire.smtp.address import IPAddress

MAX_PARTS: Final = 128  # no name has more labels; what a stranger wrote must not cost more to expand
MAX_EXPANDED: Final = 253  # RFC 7208 §7.3: a longer name loses labels from the left

_EXPAND = re.compile(r"%(?:\{([slodiphcrtv])(\d*)(r?)([.+,/_=-]*)\}|([%_-]))", re.IGNORECASE | re.ASCII)
_LITERAL = re.compile(r"[!-$&-~]+")
_LITERAL_WITH_SPACE = re.compile(r"[ -$&-~]+")
_TOP_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?")
_ESCAPES: Final = {"%": "%", "_": " ", "-": "%20"}
_ONLY_IN_EXPLANATIONS: Final = frozenset("crt")


@dataclass(frozen=True, slots=True)
class Expand:
    """`%{letter digits r delimiters}`; `keep` 0 keeps all parts."""

    letter: str  # in lower case
    keep: int
    is_reversed: bool
    delimiters: str
    is_escaped: bool  # the letter was upper-case: for URLs


@dataclass(frozen=True, slots=True)
class MacroString:
    """Literals and expansions, in order."""

    text: str
    parts: tuple[str | Expand, ...]

    @property
    def needs_names(self) -> bool:
        """Whether reverse DNS has to be asked before it can be expanded."""
        return any(isinstance(part, Expand) and part.letter == "p" for part in self.parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class MacroValues:
    """What the letters stand for."""

    localpart: str
    sender_domain: str
    domain: str
    ip: IPAddress
    helo: str
    name: str = "unknown"  # of the address, confirmed
    receiver: str = ""
    time: int = 0

    def of(self, letter: str) -> str:
        """The value of a letter in lower case."""
        return {
            "s": f"{self.localpart}@{self.sender_domain}",
            "l": self.localpart,
            "o": self.sender_domain,
            "d": self.domain,
            "i": dotted(self.ip),
            "p": self.name,
            "v": "in-addr" if self.ip.version == 4 else "ip6",
            "h": self.helo,
            "c": str(self.ip),
            "r": self.receiver or "unknown",
            "t": str(self.time),
        }[letter]


def dotted(ip: IPAddress) -> str:
    """An address as %{i} writes it: numbers of IPv4, nibbles of IPv6, with dots between them."""
    return str(ip) if ip.version == 4 else ".".join(f"{int(ip):032X}")


def parse_macro_string(text: str, *, is_explanation: bool = False) -> MacroString:
    """The parts of a text; one that explains may hold blanks and a few more letters (RFC 7208 §6.2)."""
    literal = _LITERAL_WITH_SPACE if is_explanation else _LITERAL
    parts: list[str | Expand] = []
    at = 0
    while at < len(text):
        if match := literal.match(text, at):
            parts.append(match[0])
        elif match := _EXPAND.match(text, at):
            parts.append(_part(match, at, is_explanation))
        else:
            raise WireError(f"bad macro or character at {text[at : at + 20]!r}", at)
        at = match.end()
        if len(parts) > MAX_PARTS:
            raise WireError(f"more than {MAX_PARTS} macros", at)
    return MacroString(text, tuple(parts))


def _part(match: re.Match[str], at: int, is_explanation: bool) -> str | Expand:
    if match[5]:
        return _ESCAPES[match[5]]
    letter = match[1].lower()
    if letter in _ONLY_IN_EXPLANATIONS and not is_explanation:
        raise WireError(f"macro letter {letter!r} is for explanations only", at)
    digits = match[2].lstrip("0")
    if match[2] and not digits:
        raise WireError("a macro cannot keep 0 parts", at)
    keep = min(int(digits[:4]), 128) if digits else 0  # RFC 7208 §7.3: 128 is enough for all labels of a name
    return Expand(letter, keep, bool(match[3]), match[4] or ".", match[1].isupper())


def parse_domain_spec(text: str) -> MacroString:
    """A domain-spec: it ends in a top label or in a macro."""
    if not text:
        raise WireError("a domain is missing", 0)
    found = parse_macro_string(text)
    tail = text.removesuffix(".")
    head, dot, label = tail.rpartition(".")
    if dot and _TOP_LABEL.fullmatch(label) and not label.isdigit():
        return found
    if text[-1] == "}" and isinstance(found.parts[-1], Expand):
        return found
    if text[-2:] in ("%%", "%_", "%-") and isinstance(found.parts[-1], str) and found.parts[-1] in _ESCAPES.values():
        return found
    raise WireError(f"{text[:80]!r} is not a full domain name", len(head))


def expand(macro: MacroString, values: MacroValues) -> str | None:
    """The text for one message; None when it cannot be said in ASCII (RFC 8616 §4)."""
    if len(macro.parts) == 1 and isinstance(macro.parts[0], str):
        return macro.parts[0]
    text = "".join(part if isinstance(part, str) else _value(part, values) for part in macro.parts)
    return text if text.isascii() else None


def expand_domain(macro: MacroString, values: MacroValues) -> str | None:
    """The name to ask for, without a final dot; labels that are too many are cut from the left (RFC 7208 §7.3)."""
    name = expand(macro, values)
    if name is None:
        return None
    name = name.removesuffix(".")
    return name if len(name) <= MAX_EXPANDED else name[-MAX_EXPANDED - 1 :].partition(".")[2]


def _value(part: Expand, values: MacroValues) -> str:
    value = values.of(part.letter)
    if part.is_reversed or part.keep or part.delimiters != ".":
        pieces = re.split(f"[{re.escape(part.delimiters)}]", value)
        if part.is_reversed:
            pieces.reverse()
        value = ".".join(pieces[-part.keep :])  # 0 keeps all
    return quote(value, safe="") if part.is_escaped else value
