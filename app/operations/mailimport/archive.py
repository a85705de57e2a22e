"""The messages of an archive, in order, as an import takes them: a look at what there is, then one after the other.

    with MailArchive(path, names, tmp_dir, problem) as mail:
        mail.survey()
        for batch in mail.batches(): ...

All of it blocks. The look finds the mailboxes and the keywords of Maildirs, which may stand behind the messages that
have them. Messages are numbered in their order, so that an import can go on after the last one it took. What cannot be
read is told to `problem` and has its number too. The order is that of the archive, so the same archive always gives the
same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final

from app.operations.archives.member import ArchiveBroken, Member, MemberBroken
from app.operations.archives.opening import open_archive
from app.operations.mailimport.incoming import Incoming
from app.operations.mailimport.layout import Found, Kind, Layout, Names, Place, classify
from app.operations.mailimport.mboxes import BEFORE_FIRST, MboxReader
from app.operations.mailimport.naming import shown
from app.operations.mailimport.reading import MessageSink, read_whole
from app.operations.mailimport.taker import BATCH_BYTES, BATCH_COUNT
from app.store.spool import Body, Spool
from app.wire.maildir import MAX_KEYWORDS_BYTES, parse_keywords, parse_name, read_letters

_START: Final = b"From "
_LOOKED_AT: Final = 64  # bytes of a file that is called mbox
_MAIL: Final = (Kind.MAILDIR, Kind.MBOX, Kind.SINGLE)
MAX_STRANGERS: Final = 20  # files that are no mail and are named


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages to be taken together; `last` is how many were gone through with them, from the start."""

    messages: list[Incoming]
    last: int


class MailArchive:
    """An archive, or a folder, or an mbox file."""

    def __init__(self, path: Path, name: str, names: Names, tmp_dir: Path, problem: Callable[[str], None]) -> None:
        """`name` is what the file was called. Raises Refusal for what is no archive."""
        self._archive = open_archive(path, name)
        self._tmp_dir = tmp_dir
        self._problem = problem
        self._layout = Layout(names)
        self._keywords: dict[Place, dict[str, str]] = {}
        self._mboxes: set[str] = set()  # that are so by what they begin with
        self._number = 0  # of the last message
        self._is_ended = False

    def __enter__(self) -> MailArchive:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._archive.__exit__(kind, error, trace)

    @property
    def share(self) -> float:
        """How much of the archive was gone through, from 0 to 1."""
        gauge = self._archive.gauge
        return min(1.0, gauge.done / gauge.goal) if gauge.goal else 0.0

    def mailboxes(self) -> list[str]:
        """The mailboxes that there are, after `survey`."""
        return [self._layout.name(place) for place in self._layout.places]

    def end(self) -> None:
        """Have what goes on in another thread come to its end soon."""
        self._is_ended = True

    def survey(self) -> None:
        """Find out what there is; an archive that is cut off is told again by `batches`."""
        strangers = 0
        try:
            for member in self._archive.members():
                if self._is_ended:
                    return
                found = classify(member.path)
                if found.kind is Kind.KEYWORDS:
                    self._keywords[found.place] = parse_keywords(self._start(member, MAX_KEYWORDS_BYTES))
                elif found.kind in (Kind.UNKNOWN, Kind.BESIDE) and not member.fault:
                    if self._start(member, len(_START)) == _START:
                        self._mboxes.add(member.path)
                        self._layout.add(found.place)
                        continue
                    strangers += found.kind is Kind.UNKNOWN
                    if found.kind is Kind.UNKNOWN and strangers <= MAX_STRANGERS:
                        self._problem(f"{shown(member.path)} is left out: it is no mail")
                elif found.kind is Kind.FOLDER or (found.kind in _MAIL and self._may_be(found.kind, member)):
                    self._layout.add(found.place)
        except ArchiveBroken:
            pass
        if strangers > MAX_STRANGERS:
            self._problem(f"{strangers - MAX_STRANGERS} more files are left out: they are no mail")

    def _may_be(self, kind: Kind, member: Member) -> bool:
        """Whether it is what its name says; what is no mbox gets no mailbox, and is told when it is read."""
        if kind is not Kind.MBOX or member.fault:
            return True
        start = self._start(member, _LOOKED_AT).lstrip(BEFORE_FIRST)
        return start.startswith(_START) or _START.startswith(start)

    def _start(self, member: Member, size: int) -> bytes:
        found = b""
        try:
            while len(found) < size and (data := member.read(size - len(found))):
                found += data
        except MemberBroken:
            pass  # told when it is read for its mail
        return found

    def batches(self, after: int = 0) -> Generator[Batch, None, None]:
        """All messages but the first `after`. Raises ArchiveBroken when it ends too early, after the last whole one."""
        self._number = 0
        batch: list[Incoming] = []
        size = 0
        broken: ArchiveBroken | None = None
        messages = self._messages(after)
        try:
            while True:
                try:
                    incoming = next(messages)
                except StopIteration:
                    break
                except ArchiveBroken as error:
                    broken = error
                    break
                before = self._number - 1
                if batch and (len(batch) >= BATCH_COUNT or size + incoming.body.size > BATCH_BYTES):
                    ready, batch, size = batch, [], 0
                    yield Batch(ready, before)
                batch.append(incoming)
                size += incoming.body.size
            ready, batch = batch, []
            if ready or self._number > after:
                yield Batch(ready, self._number)
        finally:
            messages.close()
            for one in batch:
                one.body.discard()
        if broken is not None:
            raise broken

    def _messages(self, after: int) -> Generator[Incoming, None, None]:
        for member in self._archive.members():
            if self._is_ended:
                return
            found = classify(member.path)
            is_mail = found.kind in _MAIL or member.path in self._mboxes
            if member.fault and (is_mail or found.kind is Kind.UNKNOWN):
                self._problem(f"{shown(member.path)} is left out: {member.fault}")
            elif is_mail:
                try:
                    yield from self._of_member(member, found, after)
                except MemberBroken as error:
                    self._problem(f"{shown(member.path)}: {error.public}")

    def _of_member(self, member: Member, found: Found, after: int) -> Iterator[Incoming]:
        if found.kind in (Kind.MAILDIR, Kind.SINGLE):
            self._number += 1
            if self._number > after:
                yield from self._single(member, found, self._layout.name(found.place))
            return
        in_file = 0
        for message in MboxReader(member.read, self._tmp_dir).messages():
            self._number += 1
            in_file += 1
            if self._number <= after:
                message.sink.discard()
                continue
            origin = f"{shown(member.path)}, message {in_file}"
            body = self._finished(message.sink, origin)
            if body is not None:
                flags, mailbox = message.sink.flags, self._layout.name(found.place)
                yield Incoming(mailbox=mailbox, body=body, flags=flags, internaldate=message.received, origin=origin)

    def _single(self, member: Member, found: Found, mailbox: str) -> Iterator[Incoming]:
        named = parse_name(member.path.replace("\\", "/").rpartition("/")[2])
        flags = read_letters(named.letters, self._keywords.get(found.place, {}))
        received = named.time if found.kind is Kind.MAILDIR else None
        origin = shown(member.path)
        body = self._finished(read_whole(member.read, Spool(self._tmp_dir)), origin)
        if body is not None:
            yield Incoming(mailbox=mailbox, body=body, flags=flags, internaldate=received, origin=origin)

    def _finished(self, sink: MessageSink, origin: str) -> Body | None:
        """The message; None when it is too large."""
        body = sink.finish()
        if not sink.is_too_large:
            return body
        body.discard()
        self._problem(f"{origin}: it is too large")
        return None
