"""Which folder of another server goes to which mailbox of ours, and in what order.

The Inbox goes to the Inbox, folders for sent mail, drafts, junk, deleted and archived mail to ours with that use,
whatever their names; the others keep their names, with our separator, and without the prefix that some servers put in
front of everything. Folders that only show what others hold (\\All, \\Flagged) are left out, as are those of other
people. At Gmail folders are labels: each message is taken once, at the first label, and what has none is found in
"All Mail", which comes last and goes to the archive (RFC 6154, RFC 2342).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from app.net.imapclient import Folders
from app.operations.mailimport.naming import element, joined, shown
from app.wire.imap.mailboxname import INBOX
from app.wire.imap.reading import Listed

USES: Final = ("\\Sent", "\\Drafts", "\\Archive", "\\Junk", "\\Trash")
_USE_OF: Final = {use.lower(): use for use in USES}
_USUAL_NAMES: Final = {
    "\\Sent": "sent|sent items|sent mail|sent messages|gesendet|gesendete elemente|gesendete objekte|enviados|envoyés"
    "|éléments envoyés|posta inviata|verzonden items|отправленные",
    "\\Drafts": "drafts|draft|entwürfe|borradores|brouillons|bozze|concepten|черновики",
    "\\Archive": "archive|archives|archiv|archivo|archivio|archief|архив",
    "\\Junk": "junk|spam|junk e-mail|junk email|bulk mail|bulk|unerwünscht|courrier indésirable|correo no deseado"
    "|posta indesiderata|ongewenste e-mail|спам",
    "\\Trash": "trash|deleted items|deleted messages|bin|papierkorb|gelöschte elemente|gelöschte objekte|papelera"
    "|corbeille|éléments supprimés|cestino|prullenbak|verwijderde items|корзина",
}
_USE_BY_NAME: Final = {name: use for use, names in _USUAL_NAMES.items() for name in names.split("|")}
_GMAIL: Final = ("[gmail]", "[google mail]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A folder there, and the mailbox here; `reason` says why nothing is taken from it."""

    raw: bytes
    name: str  # for people
    mailbox: str
    use: str = ""
    is_everything: bool = False
    reason: str = ""


def plan(found: Folders, own: Mapping[str, str], *, is_gmail: bool = False) -> list[Planned]:
    """What to do with each folder, in the order to do it; `own` are our mailboxes by their special use."""
    folders = [one for one in found.listed if not one.attributes & {"\\noselect", "\\nonexistent"}]
    prefix = _prefix(found, folders)
    paths = {one.raw: _path(one, prefix) for one in folders}
    uses = _uses(folders, paths)
    targets = {paths[raw]: own.get(use, use.removeprefix("\\")) for raw, use in uses.items() if use in USES}
    planned = [
        Planned(
            raw=one.raw,
            name=shown(one.name),
            mailbox=_mailbox(paths[one.raw], targets, number),
            use=uses.get(one.raw, ""),
            is_everything="\\all" in one.attributes,
            reason=_reason(one, found, is_gmail=is_gmail),
        )
        for number, one in enumerate(folders, 1)
    ]
    archive = own.get("\\Archive", "Archive")
    planned = [_to_archive(one, archive) if one.is_everything else one for one in planned]
    return sorted(planned, key=_rank)


def _to_archive(one: Planned, archive: str) -> Planned:
    return Planned(raw=one.raw, name=one.name, mailbox=archive, is_everything=True, reason=one.reason)


def _rank(one: Planned) -> tuple[int, str]:
    if one.mailbox == INBOX:
        return 0, ""
    # What the holder has put somewhere comes before what a server does by itself.
    last = {"\\Sent": 2, "\\Drafts": 3, "\\Archive": 4, "\\Junk": 5, "\\Trash": 6}
    return 7 if one.is_everything else last.get(one.use, 1), one.mailbox


def _reason(one: Listed, found: Folders, *, is_gmail: bool) -> str:
    if "\\all" in one.attributes and not is_gmail:
        return "it only shows the mail of the other folders"
    if one.attributes & {"\\flagged", "\\important"}:
        return "it only shows marked mail of the other folders"
    if any(space.prefix and one.name.startswith(space.prefix) for space in found.namespaces.foreign):
        return "it belongs to somebody else"
    return ""


def _prefix(found: Folders, folders: Iterable[Listed]) -> str:
    """What stands in front of every name: what the server says, or what everything but the Inbox begins with."""
    own = [space.prefix for space in found.namespaces.personal if space.prefix]
    if own:
        return own[0]
    others = [one for one in folders if one.name.upper() != "INBOX"]
    separators = {one.separator for one in others}
    if len(separators) != 1:
        return ""
    prefix = "INBOX" + separators.pop()
    is_common = len(prefix) > 5 and all(one.name.upper().startswith(prefix) for one in others)
    return prefix if is_common else ""


def _path(one: Listed, prefix: str) -> tuple[str, ...]:
    """The elements of a name, without what servers put in front."""
    name = one.name
    if name.upper() == "INBOX":
        return (INBOX,)
    if prefix and name[: len(prefix)].upper() == prefix.upper() and len(name) > len(prefix):
        name = name[len(prefix) :]
    elements = name.split(one.separator) if one.separator else [name]
    if elements[0].lower() in _GMAIL and len(elements) > 1:
        elements = elements[1:]
    clean = [element(text) for text in elements if text]
    return tuple(clean) or ("_",)


def _uses(folders: Iterable[Listed], paths: Mapping[bytes, tuple[str, ...]]) -> dict[bytes, str]:
    """What folders are for: first what the server says, then by their names, one folder for each use."""
    found: dict[bytes, str] = {}
    for one in folders:
        for attribute in sorted(one.attributes):
            use = _USE_OF.get(attribute)
            if use is not None and use not in found.values():
                found.setdefault(one.raw, use)
    for one in folders:
        path = paths[one.raw]
        by_name = _USE_BY_NAME.get(path[0].lower()) if len(path) == 1 else None
        if by_name is not None and by_name not in found.values():
            found.setdefault(one.raw, by_name)
    return found


def _mailbox(path: tuple[str, ...], targets: Mapping[tuple[str, ...], str], number: int) -> str:
    """Our name: below what a folder above it became."""
    for length in range(len(path), 0, -1):
        if (target := targets.get(path[:length])) is not None:
            return joined((target, *path[length:]), f"Imported {number}")
    return joined(path, f"Imported {number}")
