"""A mailbox as a Maildir: folders `cur`, `new` and `tmp`, and the file of keywords ahead of the messages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from app.operations.archives.entry import Entry, small
from app.operations.mailexport.content import PIECE, text_of
from app.operations.mailexport.paths import Paths
from app.operations.mailexport.source import Outgoing, Source, Tally, keywords_of, read_mailbox
from app.store.account.records import Mailbox
from app.wire.imap.flags import FORWARDED, keyword_names
from app.wire.maildir import KEYWORDS_FILE, MAX_KEYWORDS, letters_of, write_keywords, write_letters, write_name


def entries(source: Source, mailboxes: list[Mailbox], tally: Tally) -> Iterator[Entry]:
    """The folders and files of all mailboxes."""
    paths = Paths()
    for mailbox in mailboxes:
        yield from _mailbox(source, mailbox, paths.path(mailbox.name), tally)


def _mailbox(source: Source, mailbox: Mailbox, path: str, tally: Tally) -> Iterator[Entry]:
    for name in ("cur", "new", "tmp"):
        yield Entry(path=f"{path}/{name}/")
    words = [word for word in keywords_of(source, mailbox) if word != "$Forwarded"]  # which has a letter
    if len(words) > MAX_KEYWORDS:
        left_out = ", ".join(words[MAX_KEYWORDS : 2 * MAX_KEYWORDS])
        tally.fail(f"{mailbox.name}: a Maildir has no more than {MAX_KEYWORDS} keywords; left out: {left_out}")
    if words:
        yield small(f"{path}/{KEYWORDS_FILE}", write_keywords(words[:MAX_KEYWORDS]))
    letters = letters_of(words[:MAX_KEYWORDS])
    for one in read_mailbox(source, mailbox, tally):
        yield message_entry(one, path, letters)


def message_entry(one: Outgoing, path: str, letters: Mapping[str, str]) -> Entry:
    """The file of a message."""
    words = keyword_names(one.flags & ~FORWARDED, one.keywords).split()
    name = write_name(f"U{one.uid:07}", one.internaldate, write_letters(one.flags, words, letters))
    text = text_of(one.content)
    pieces = text.pieces()
    chunks = (b"".join(pieces),) if text.size <= PIECE else pieces
    return Entry(path=f"{path}/cur/{name}", modified=max(0, one.internaldate), size=text.size, chunks=chunks)
