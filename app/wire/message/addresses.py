"""Address lists of header fields: From, To, Reply-To and the like (RFC 5322 §3.4, §4.4).

`parse_addresses` takes whatever is there: groups, comments, quoted strings, encoded words, routes, missing domains. It
never raises and is linear; display names keep their encoded words (`name_text` decodes them), what is not UTF-8 stands
as surrogate escapes. A mailbox without a domain has the domain "". `parse_from` is for our own users' messages: exactly
what the grammar allows, or a MessageSyntaxError that says what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from app.errors import MessageSyntaxError, WireError
from app.wire.domain import Domain, parse_domain
from app.wire.message.encodedword import decode_words
from app.wire.message.header import has_open_comment, read_comment, strip_comments
from app.wire.smtp.address import parse_localpart

MAX_ADDRESSES = 2000  # of one field
_JOINTS = (".", "@")
MAX_AUTHORS = 100  # of one From field

_ATOM_STRICT = r"[A-Za-z0-9!\#$%&'*+/=?^_`{|}~\x80-\U0010ffff-]"
_QUOTED = r'"[^"\\]*+(?:\\.[^"\\]*+)*"'
_DOMAIN = r"[A-Za-z0-9._\x80-\U0010ffff-]++"
_SIMPLE = re.compile(
    r"""\s*+
    (?: (?: "([^"\\]*+)"\s*+ | ([^"()\\\[<>@,;:]*+) ) < ([^\s"()\\\[<>@,;:]++) @ ([^\s"()\\\[<>@,;:]++) >
      | ([^\s"()\\\[<>@,;:]++) @ ([^\s"()\\\[<>@,;:]++) )
    \s*+ (?: ,|\Z )""",
    re.VERBOSE,
)
_LEXEME = re.compile(
    r"""\s++ | "[^"\\]*+(?:\\.[^"\\]*+)*"? | \[[^\]\\]*+\]? | \\. | [()<>@,;:] | [^\s"()\\\[<>@,;:]++ | .""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_STRICT = re.compile(
    r"""\s*+
    (?: ( {local} ) @ ( {domain} )
      | ( (?: (?: {quoted} | {atom}++ | \. ) \s*+ )* ) < \s*+ ( {local} ) @ ( {domain} ) \s*+ > )
    \s*+ (?: ,|\Z )""".format(
        atom=_ATOM_STRICT, quoted=_QUOTED, local=rf"{_QUOTED}|{_ATOM_STRICT}++(?:\.{_ATOM_STRICT}++)*", domain=_DOMAIN
    ),
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class HeaderAddress:
    """A mailbox of a header field: display name as written (unquoted), localpart (unquoted) and domain."""

    name: str | None
    localpart: str
    domain: str

    @property
    def name_text(self) -> str:
        """The display name for people."""
        return decode_words(self.name or "")

    @property
    def address(self) -> str:
        """`localpart@domain` in lower-case domain form, for comparing."""
        return f"{self.localpart}@{self.domain.lower()}"


@dataclass(frozen=True, slots=True)
class AddressGroup:
    """`name: members;`, such as `undisclosed-recipients:;`."""

    name: str
    members: tuple[HeaderAddress, ...] = ()


HeaderAddresses = list[HeaderAddress | AddressGroup]


@dataclass(frozen=True, slots=True)
class Author:
    """A mailbox of a From field that obeys the grammar."""

    name: str
    localpart: str
    domain: Domain


def parse_addresses(value: str) -> HeaderAddresses:
    """The addresses and groups of an unfolded value, in order."""
    found: HeaderAddresses = []
    at = 0
    while len(found) < MAX_ADDRESSES and (match := _SIMPLE.match(value, at)):
        quoted, phrase, localpart, domain, bare, bare_domain = match.groups()
        if localpart is None:
            found.append(HeaderAddress(None, bare, bare_domain))
        else:
            name = quoted if quoted is not None else " ".join(phrase.split())
            found.append(HeaderAddress(name or None, localpart, domain))
        at = match.end()
    if at < len(value):
        found += _Reader(MAX_ADDRESSES - len(found)).read(value[at:])
    return found


def address_text(value: str) -> str:
    """The mailboxes and groups of a field as `name <localpart@domain>`, without comments and odd blanks."""
    texts: list[str] = []
    for one in parse_addresses(value):
        texts += [f"{one.name}:"] if isinstance(one, AddressGroup) else []
        texts += [f"{box.name_text} <{box.localpart}@{box.domain}>".lstrip() for box in mailboxes([one])]
    return ", ".join(texts)


def mailboxes(addresses: Iterable[HeaderAddress | AddressGroup]) -> Iterator[HeaderAddress]:
    """All mailboxes, those in groups too."""
    for address in addresses:
        if isinstance(address, AddressGroup):
            yield from address.members
        else:
            yield address


@dataclass(slots=True)
class _Draft:
    """What was read of one address so far; the pieces after `<` are kept apart."""

    words: list[str] = field(default_factory=list)
    comment: str = ""
    angle: list[str] | None = None
    is_closed: bool = False

    @property
    def may_name_group(self) -> bool:
        """Whether `:` begins a group; behind an address it is of the next field, whose line break was lost."""
        return self.angle is None and "@" not in self.words

    @property
    def is_in_route(self) -> bool:
        """Whether `<@host,@host` has been read, whose commas separate no addresses (RFC 5322 §4.4)."""
        return self.angle is not None and self.angle[:1] == ["@"] and not self.is_closed


class _Reader:
    """Reads lists with anything in them, one lexeme at a time."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._found: HeaderAddresses = []
        self._group: str | None = None
        self._members: list[HeaderAddress] = []
        self._draft = _Draft()

    def read(self, value: str) -> HeaderAddresses:
        at = 0
        while self._room > 0 and (match := _LEXEME.match(value, at)):
            lexeme, at = match[0], match.end()
            if lexeme == "(":
                comment = read_comment(value, at)
                words = _comment_words(value[at : comment.end - comment.is_closed])
                self._draft.comment = words or self._draft.comment
                at = comment.end
            elif lexeme == "," and not self._draft.is_in_route:
                self._end_address()
            elif lexeme == ":" and self._group is None and self._draft.may_name_group:
                self._start_group()
            elif lexeme == ";":
                self._end_group()
            else:
                self._add(lexeme)
        self._end_group()
        return self._found

    def _add(self, lexeme: str) -> None:
        draft = self._draft
        if draft.angle is None:
            if lexeme == "<":
                draft.angle = []
            elif not lexeme.isspace():
                draft.words.append(lexeme)
            elif draft.words and draft.words[-1] != " ":  # a comment between blanks leaves one
                draft.words.append(" ")
        elif lexeme == ">":
            draft.is_closed = True
        elif lexeme == ":" and not draft.is_closed:
            draft.angle.clear()  # what stood before was a route (RFC 5322 §4.4)
        elif not draft.is_closed and not lexeme.isspace():
            draft.angle.append(lexeme)

    def _start_group(self) -> None:
        self._group = _phrase(self._draft.words)
        self._draft = _Draft()

    def _end_group(self) -> None:
        self._end_address()
        if self._group is not None:
            self._room -= 1
            self._found.append(AddressGroup(self._group, tuple(self._members)))
            self._group = None
            self._members = []

    def _end_address(self) -> None:
        draft, self._draft = self._draft, _Draft()
        address = _finish(draft)
        if address is None:
            return
        self._room -= 1
        if self._group is None:
            self._found.append(address)
        else:
            self._members.append(address)


def _finish(draft: _Draft) -> HeaderAddress | None:
    if draft.angle is not None:
        localpart, domain = _split(draft.angle)
        return HeaderAddress(_phrase(draft.words) or draft.comment or None, localpart, domain)
    words = _close_up(draft.words)
    if "@" in words:
        return _finish_bare(words, draft.comment)
    if not words:
        return None
    if " " in words or words[0].startswith('"'):  # looks like a name
        return HeaderAddress(_phrase(words), "", "")
    return HeaderAddress(draft.comment or None, _unquote(words[0]), "")


def _finish_bare(words: list[str], comment: str) -> HeaderAddress:
    """An address without `<`: the word before the last `@`, and the one behind it."""
    at = len(words) - 1 - words[::-1].index("@")
    before = words[:at]
    start = len(before) - 1 - before[::-1].index(" ") if " " in before else -1
    name = _phrase(before[: start + 1]) if start >= 0 else ""
    after = "".join(words[at + 1 :]).partition(">")[0].split()  # `>` without `<` belongs to no domain
    return HeaderAddress(
        name or comment or None, "".join(map(_unquote, before[start + 1 :])), after[0] if after else ""
    )


def _close_up(words: list[str]) -> list[str]:
    """The words with one blank where blanks separate, and none around dots and `@` (RFC 5322 §4.4, obs-local-part)."""
    closed: list[str] = []
    for index, word in enumerate(words):
        if not word.isspace():
            closed.append(word)
        elif (
            closed
            and not closed[-1].endswith(_JOINTS)
            and not "".join(words[index + 1 : index + 2]).startswith(_JOINTS)
        ):
            closed.append(" ")
    while closed and closed[-1] == " ":
        closed.pop()
    return closed


def _split(words: list[str]) -> tuple[str, str]:
    """Localpart and domain; a domain cannot hold `@`, so the last one counts."""
    if "@" not in words:
        return "".join(map(_unquote, words)), ""
    at = len(words) - 1 - words[::-1].index("@")
    return "".join(map(_unquote, words[:at])), "".join(words[at + 1 :])


def _phrase(words: list[str]) -> str:
    return "".join(" " if word.isspace() else _unquote(word) for word in words).strip()


def _unquote(word: str) -> str:
    if word.startswith('"'):
        word = word[1:-1] if len(word) > 1 and word.endswith('"') else word[1:]
    return _ESCAPED.sub(r"\1", word) if "\\" in word else word


def _comment_words(text: str) -> str:
    return " ".join(_ESCAPED.sub(r"\1", text).split())


def parse_from(value: str) -> list[Author]:
    """The authors that an unfolded From value names, at least one (RFC 5322 §3.6.2); raises MessageSyntaxError."""
    if has_open_comment(value):
        raise MessageSyntaxError("the From field has a comment that does not end")
    text = strip_comments(value).strip()
    if not text:
        raise MessageSyntaxError("the From field has no address")
    authors: list[Author] = []
    at = 0
    while at < len(text) or text[at - 1] == ",":
        match = _STRICT.match(text, at)
        if not match:
            raise MessageSyntaxError("the From field is not a list of addresses such as Name <user@example.org>", at)
        if len(authors) == MAX_AUTHORS:
            raise MessageSyntaxError(f"the From field has more than {MAX_AUTHORS} addresses")
        authors.append(_author(match))
        at = match.end()
    return authors


def _author(match: re.Match[str]) -> Author:
    bare, bare_domain, phrase, localpart, domain = match.groups()
    name = _phrase(_LEXEME.findall(phrase)) if phrase else ""
    try:
        decoded, end = parse_localpart(bare or localpart)
        if end != len(bare or localpart):
            raise MessageSyntaxError("bad localpart in the From field")
        return Author(decode_words(name), decoded, parse_domain(bare_domain or domain))
    except WireError as err:
        raise MessageSyntaxError(f"bad address in the From field: {err.message}") from None
