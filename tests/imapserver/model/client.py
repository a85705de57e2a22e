"""A client that believes what it is told, and a judge that knows the truth and compares every word.

The belief: which uids have which sequence number, flags and modseqs as they were told, the result that `$` stands for,
and for each mailbox what a client with QRESYNC keeps between visits.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tests.imapserver.model.account import Mailbox, Message, changed_flags
from tests.imapserver.model.wire import Reply, Wire

_FETCH = re.compile(rb"\* (\d+) FETCH \((.*)\)", re.DOTALL)
_UID = re.compile(rb"\bUID (\d+)")
_FLAGS = re.compile(rb"\bFLAGS \(([^)]*)\)")
_MODSEQ = re.compile(rb"\bMODSEQ \((\d+)\)")
_COUNT = re.compile(rb"\* (\d+) (EXISTS|EXPUNGE|RECENT)")
_VANISHED = re.compile(rb"\* VANISHED( \(EARLIER\))? (\S+)")
_HIGHEST = re.compile(r"HIGHESTMODSEQ (\d+)")


@dataclass(slots=True)
class Kept:
    """What a client keeps of a mailbox that it left."""

    modseq: int
    flags: dict[int, frozenset[str]]


@dataclass(slots=True)
class Client:
    """One session."""

    wire: Wire
    enabled: set[str] = field(default_factory=set)
    box: Mailbox | None = None
    is_read_only: bool = False
    idle_tag: bytes = b""  # of the IDLE under way
    view: list[int] = field(default_factory=list)  # uids by sequence number
    flags: dict[int, frozenset[str]] = field(default_factory=dict)
    modseqs: dict[int, int] = field(default_factory=dict)
    saved: list[int] = field(default_factory=list)
    highest: int = 0  # the HIGHESTMODSEQ that the client may keep
    kept: dict[int, Kept] = field(default_factory=dict)  # by uidvalidity
    told: set[int] = field(default_factory=set)  # uids of the FETCH responses to the last command
    told_highest: dict[int, int] = field(default_factory=dict)  # by uidvalidity
    news_highest: int = 0
    vanished_earlier: set[int] = field(default_factory=set)

    @property
    def has_condstore(self) -> bool:
        return "CONDSTORE" in self.enabled

    @property
    def has_qresync(self) -> bool:
        return "QRESYNC" in self.enabled

    def open(self, box: Mailbox, *, is_read_only: bool, kept: Kept | None) -> None:
        """Begin a visit; `kept` is from an earlier one and brought up to date by what is told now."""
        self.box, self.is_read_only = box, is_read_only
        self.view = list(box.messages)
        self.flags = dict(kept.flags) if kept else {}
        self.modseqs, self.saved, self.highest = {}, [], 0

    def leave(self) -> None:
        """End a visit, and keep what is known."""
        if self.box is not None and self.has_qresync and not self.box.is_deleted and self.highest:
            known = {uid: self.flags[uid] for uid in self.view if uid in self.flags}
            self.kept[self.box.uidvalidity] = Kept(self.highest, known)
        self.box = None

    def hear(self, reply: Reply, *, may_expunge: bool = True) -> None:
        """Take in an answer, and compare the belief with the truth."""
        self.listen(reply.lines, may_expunge=may_expunge)
        if self.box is None:
            return
        if reply.status == "OK" and (found := _HIGHEST.search(reply.code)):
            assert int(found[1]) == self.box.modseq, f"{reply}, it is {self.box.modseq}"
            self.highest = self._tell_highest(int(found[1]))
        self.judge(may_expunge=may_expunge)

    def listen(self, lines: list[bytes], *, may_expunge: bool) -> None:
        """Believe the untagged responses."""
        self.told.clear()
        self.vanished_earlier.clear()
        self.news_highest = 0
        for line in lines:
            assert b"SERVERBUG" not in line, line
            if found := _FETCH.fullmatch(line):
                self._hear_fetch(int(found[1]), found[2])
            elif found := _COUNT.fullmatch(line):
                self._hear_count(int(found[1]), found[2], may_expunge=may_expunge)
            elif found := _VANISHED.fullmatch(line):
                self._hear_vanished(expand(found[2].decode()), is_earlier=bool(found[1]), may_expunge=may_expunge)

    def _hear_fetch(self, seq: int, items: bytes) -> None:
        assert self.box is not None
        assert 0 < seq <= len(self.view), f"FETCH of {seq}, which the client does not know"
        uid = self.view[seq - 1]
        truth: Message | None = self.box.messages.get(uid)
        self.told.add(uid)
        if found := _UID.search(items):
            assert int(found[1]) == uid, f"sequence number {seq} is uid {uid}"
        if found := _MODSEQ.search(items):
            modseq = int(found[1])
            assert modseq >= self.modseqs.get(uid, 0), f"the modseq of {uid} goes back"
            assert truth is None or modseq == truth.modseq, f"modseq of {uid} is {truth}"
            self.modseqs[uid] = modseq
            self.news_highest = max(self.news_highest, modseq)
        if found := _FLAGS.search(items):
            self.flags[uid] = frozenset(found[1].decode().split())
            assert truth is None or self.flags[uid] == truth.flags, f"flags of {uid} are {truth}"

    def _hear_count(self, number: int, what: bytes, *, may_expunge: bool) -> None:
        assert self.box is not None, f"{number} {what!r} without a mailbox"
        if what == b"EXPUNGE":
            assert may_expunge, "EXPUNGE now"
            assert not self.has_qresync, "EXPUNGE after ENABLE QRESYNC"
            self._remove(self.view[number - 1])
        elif what == b"EXISTS":
            last = self.view[-1] if self.view else 0
            self.view += [uid for uid in self.box.messages if uid > last]
            assert number == len(self.view), f"EXISTS {number}, there are {len(self.view)}"
        else:
            assert number == 0, "nothing is recent here"

    def _hear_vanished(self, uids: list[int], *, is_earlier: bool, may_expunge: bool) -> None:
        assert self.box is not None
        assert self.has_qresync, "VANISHED without ENABLE QRESYNC"
        if is_earlier:
            self.vanished_earlier.update(uids)
            assert not self.box.messages.keys() & set(uids), "VANISHED of what is there"
            assert not set(uids) & set(self.view), "an earlier removal of what the client has"
            for uid in uids:
                assert uid < self.box.uidnext, "VANISHED of what never was"
                self.flags.pop(uid, None)
            return
        assert may_expunge, "VANISHED now"
        for uid in uids:
            self._remove(uid)

    def _remove(self, uid: int) -> None:
        assert self.box is not None
        assert uid not in self.box.messages, f"{uid} was not removed"
        self.view.remove(uid)
        self.flags.pop(uid, None)
        self.modseqs.pop(uid, None)
        self.saved = [one for one in self.saved if one != uid]

    def judge(self, *, may_expunge: bool) -> None:
        """Compare the belief with the truth: all is told, but for removals while they cannot be told."""
        assert self.box is not None
        truth = self.box.messages
        there = [uid for uid in self.view if uid in truth]
        assert there == list(truth), f"the client knows {there} of {list(truth)}"
        assert not may_expunge or len(there) == len(self.view), f"not told of removals: {set(self.view) - set(there)}"
        for uid in there:
            assert self.flags.get(uid, truth[uid].flags) == truth[uid].flags, f"{uid} {self.flags[uid]}: {truth[uid]}"
            if self.has_condstore:
                modseq = self.modseqs.get(uid, truth[uid].modseq)
                assert modseq == truth[uid].modseq, f"{uid} has modseq {modseq}: {truth[uid]}"
        if may_expunge and self.has_condstore and self.highest:
            self.highest = max(self.highest, self.news_highest)

    def keep_highest(self, modseq: int) -> None:
        """HIGHESTMODSEQ as SELECT and STATUS tell it."""
        assert self.box is not None
        self.highest = self._tell_highest(modseq)

    def _tell_highest(self, modseq: int) -> int:
        assert self.box is not None
        self.tell_status_highest(self.box.uidvalidity, modseq)
        return modseq

    def tell_status_highest(self, uidvalidity: int, modseq: int) -> None:
        """No mailbox's HIGHESTMODSEQ goes back."""
        assert modseq >= self.told_highest.get(uidvalidity, 0), f"HIGHESTMODSEQ {modseq} goes back"
        self.told_highest[uidvalidity] = modseq

    def stored_silently(self, uids: list[int], mode: str, flags: frozenset[str]) -> None:
        """The client knows itself what its own change did."""
        for uid in uids:
            if uid in self.flags or mode == "FLAGS":
                self.flags[uid] = changed_flags(self.flags.get(uid, frozenset()), mode, flags)


def expand(text: str) -> list[int]:
    """The numbers of a set."""
    numbers: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition(":")
        numbers += range(int(first), int(last or first) + 1)
    return numbers
