"""What the files of an archive are, and which mailbox each belongs to, by their paths alone.

Known are Maildirs with sub-folders within (`Work/2019/cur/...`) or beside (Maildir++, `.Work.2019/cur/...`), mbox files
(`Work.mbox`, or any file that begins like one), the folders of Apple Mail (`Work.mbox/mbox`) and Thunderbird
(`Work.sbd/2019`), and single messages (`Work/1.eml`). What all paths begin with and what means nothing (`Maildir`,
`Takeout/Mail`) is left out. A path never becomes the name of a file here, so it may say what it likes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, TypeAlias

from app.errors import ImapSyntaxError, Refusal
from app.operations.mailimport.naming import element, joined
from app.wire.imap import modutf7
from app.wire.imap.mailboxname import INBOX, SEPARATOR
from app.wire.maildir import KEYWORDS_FILE

Place: TypeAlias = tuple[str, ...]  # the elements of a path that stand for a mailbox

MAX_PLACES: Final = 20_000
_MAILDIRS: Final = ("maildir", ".maildir")
_WRAPPERS: Final = (*_MAILDIRS, "mail", "takeout")
_SUFFIXES: Final = (".mbox", ".sbd")
_CONTROL_NAMES: Final = (
    *("dovecot", "courierimap", "maildirfolder", "maildirsize", "subscriptions", ".ds_store", "errors.txt"),
)
_CONTROL_SUFFIXES: Final = (".msf", ".cache", ".index", ".log", ".dat")


class Kind(Enum):
    """What a file is."""

    MAILDIR = "maildir"
    KEYWORDS = "keywords"
    MBOX = "mbox"
    SINGLE = "single"
    UNKNOWN = "unknown"  # an mbox when it begins like one
    FOLDER = "folder"  # which shows that there is a Maildir
    BESIDE = "beside"  # what mail programs keep there by its name, yet an mbox when it begins like one
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Found:
    """A file and the place that it is about."""

    kind: Kind
    place: Place


def classify(path: str) -> Found:
    """What a path is, by its elements."""
    parts = [part for part in path.replace("\\", "/").split("/") if part not in ("", ".")]
    if path.endswith("/"):
        is_there = len(parts) > 0 and parts[-1] == "cur"
        return Found(Kind.FOLDER if is_there else Kind.NOTHING, tuple(parts[:-1]))
    if not parts:
        return Found(Kind.NOTHING, ())
    *above, name = parts
    lower = name.lower()
    if above and above[-1] in ("cur", "new"):
        return Found(Kind.NOTHING if name.startswith(".") else Kind.MAILDIR, tuple(above[:-1]))
    if lower == KEYWORDS_FILE:
        return Found(Kind.KEYWORDS, tuple(above))
    if "__MACOSX" in above or (above and above[-1] == "tmp") or lower.startswith("._"):
        return Found(Kind.NOTHING, ())
    if lower.endswith(".eml"):
        return Found(Kind.SINGLE, tuple(above))
    if lower == "mbox" and above and above[-1].lower().endswith(".mbox"):
        return Found(Kind.MBOX, tuple(above))
    if lower.endswith(".mbox"):
        return Found(Kind.MBOX, tuple(parts))
    is_control = lower.startswith(_CONTROL_NAMES) or lower.endswith(_CONTROL_SUFFIXES)
    return Found(Kind.BESIDE if is_control else Kind.UNKNOWN, tuple(parts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """How the mailboxes are to be called."""

    into: str = ""  # a mailbox for the only or outermost one, the others below; with a slash behind, all go below
    strip: str = ""  # what is left out of the paths that begin with it


@dataclass(slots=True)
class Layout:
    """The places of an archive; `name` works when all were added."""

    names: Names
    places: dict[Place, None] = field(default_factory=dict)
    _mailboxes: Mapping[Place, str] | None = None

    def add(self, place: Place) -> None:
        """One more."""
        if place not in self.places:
            if len(self.places) >= MAX_PLACES:
                raise Refusal(f"there are more than {MAX_PLACES} mailboxes in it")
            self.places[place] = None

    def name(self, place: Place) -> str:
        """The mailbox of a place."""
        if self._mailboxes is None:
            self._mailboxes = _named(self.places, self.names)
        return self._mailboxes[place]


def _named(places: Iterable[Place], names: Names) -> dict[Place, str]:
    listed = list(places)
    strip = tuple(part for part in names.strip.split("/") if part)
    trimmed = [place[len(strip) :] if place[: len(strip)] == strip else place for place in listed]
    cut = _common(trimmed)
    into = names.into.rstrip(SEPARATOR)
    is_alone = len(listed) == 1 and into == names.into
    found: dict[Place, str] = {}
    for number, (place, rest) in enumerate(zip(listed, trimmed, strict=True), 1):
        path = _path(rest[cut:])
        if into:
            path = [into] if is_alone else [into, *path]
        found[place] = joined(path or [INBOX], f"Imported {number}")
    return found


def _common(places: list[Place]) -> int:
    """How many elements in front of all places mean nothing."""
    shortest = min((len(place) for place in places), default=0)
    cut = 0
    root = next((place[:-1] for place in places if place and _is_beside(place[-1])), None)
    if root is not None and not any(map(_is_beside, root)) and all(place[: len(root)] == root for place in places):
        return len(root)  # the mailboxes stand beside each other in a Maildir
    while cut < shortest and places[0][cut].lower() in _WRAPPERS:
        first = places[0][cut]
        if any(place[cut] != first for place in places):
            break
        if first.lower() not in _MAILDIRS and any(len(place) == cut + 1 for place in places):
            break  # it holds mail itself, so the name is that of a mailbox
        cut += 1
    return cut


def _is_beside(text: str) -> bool:
    """Whether it is a sub-mailbox as Maildir++ has it."""
    return len(text) > 1 and text.startswith(".")


def _path(place: Place) -> list[str]:
    """The elements of a mailbox name."""
    if len(place) == 1 and _is_beside(place[0]):
        return [element(_decoded(part)) for part in place[0][1:].split(".") if part]
    return [element(_decoded_beyond_ascii(_without_suffix(part))) for part in place]


def _decoded(text: str) -> str:
    """Modified UTF-7, as Maildir++ has it; newer servers write UTF-8."""
    try:
        return modutf7.decode(text.encode("ascii"))
    except (UnicodeEncodeError, ImapSyntaxError):
        return text


def _decoded_beyond_ascii(text: str) -> str:
    """The same for names that may as well be those of people, where an ampersand is mostly that."""
    decoded = _decoded(text)
    return text if decoded.isascii() else decoded


def _without_suffix(part: str) -> str:
    for suffix in _SUFFIXES:
        if part.lower().endswith(suffix) and len(part) > len(suffix):
            return part[: -len(suffix)]
    return part
