"""Messages gathered into threads: ORDEREDSUBJECT and REFERENCES (RFC 5256 §3, BASE.6.4.THREAD).

Pure and about linear, whatever the References fields say: two messages are joined only when they are not yet in one
tree, which a union-find answers, so there are no cycles to look for, and nothing here recurses. To keep that true the
parents that messages name for themselves are set before those that others name for them; where no loop is in the way
the result is that of the steps of the RFC. Message-IDs are compared in the form of `references.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from app.wire.message.collation import casemap

_ALWAYS = -1  # others may name the parent of a message that is not there
_Key = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Threadable:
    """What threading asks of a message; the number orders those with one date."""

    number: int
    date: int  # sent, seconds since 1970
    subject: str  # the base subject
    message_id: str | None = None
    references: Sequence[str] = ()  # oldest first
    is_reply: bool = False


class Node:
    """A message in a tree, or a place for one that is not there."""

    __slots__ = ("children", "leader", "message", "parent", "settled")

    def __init__(self, message: Threadable | None = None) -> None:
        self.message = message
        self.parent: Node | None = None
        self.children: list[Node] = []
        self.settled = _ALWAYS  # only messages after this one in the order may still name its parent
        self.leader: Node = self  # of the union-find

    def key(self) -> _Key:
        """By what siblings are sorted; that of the first child where the message is not there."""
        message = self.message or self.children[0].message
        assert message is not None
        return message.date, message.number

    def first(self) -> Threadable:
        """The message, or the first child's."""
        message = self.message or self.children[0].message
        assert message is not None
        return message


def _leader(node: Node) -> Node:
    while node.leader is not node:
        node.leader = node.leader.leader
        node = node.leader
    return node


def _join(parent: Node, child: Node) -> None:
    """Make a link unless it would close a loop; `child` has no parent."""
    above, below = _leader(parent), _leader(child)
    if above is not below:
        below.leader = above
        child.parent = parent
        parent.children.append(child)


def ordered_subject(messages: Iterable[Threadable]) -> list[Node]:
    """Threads of one base subject each: the first message, and all others as its children."""
    threads: dict[str, Node] = {}
    for message in sorted(messages, key=lambda m: (m.date, m.number)):
        first = threads.setdefault(casemap(message.subject), node := Node(message))
        if first is not node:
            first.children.append(node)
    return list(threads.values())


def by_references(messages: Sequence[Threadable]) -> list[Node]:
    """Threads by References and In-Reply-To, then by base subject; `messages` are in the order of the mailbox."""
    nodes = _linked(messages)
    roots = _pruned(nodes)
    for node in nodes:
        if node.message is not None or node.parent is None:
            node.children.sort(key=Node.key)
    roots.sort(key=Node.key)
    roots = _merged(roots)
    for node in roots:
        for kept in (node, *(child for child in node.children if node.message is None)):
            kept.children.sort(key=Node.key)
    return sorted(roots, key=Node.key)


def _linked(messages: Sequence[Threadable]) -> list[Node]:
    """Step 1: nodes joined by what the messages refer to."""
    named: dict[str, Node] = {}
    own = [Node(message) for message in messages]
    for node, message in zip(own, messages, strict=True):
        if message.message_id:
            named.setdefault(message.message_id, node)
    places: list[Node] = []

    def place(name: str) -> Node:
        if name not in named:
            named[name] = Node()
            places.append(named[name])
        return named[name]

    for index, (node, message) in enumerate(zip(own, messages, strict=True)):
        node.settled = index
        if message.references:
            node.settled = len(messages)
            _join(place(message.references[-1]), node)
    for index, message in enumerate(messages):
        chain = [place(name) for name in message.references]
        for parent, child in pairwise(chain):
            if child.parent is None and child.settled < index:
                _join(parent, child)
    return own + places


def _pruned(nodes: Iterable[Node]) -> list[Node]:
    """Steps 2 and 3: the tops of the threads; places without a message are only left above several threads."""
    roots = [node for node in nodes if node.parent is None]
    for node in nodes:
        if node.message is not None or node.parent is None:
            node.children = _nearest(node)
    kept: list[Node] = []
    for root in roots:
        if root.message is None and len(root.children) < 2:
            kept += root.children
        else:
            kept.append(root)
    return kept


def _nearest(node: Node) -> list[Node]:
    """The children, with those of a missing message in its place."""
    found: list[Node] = []
    waiting = list(node.children)
    while waiting:
        child = waiting.pop()
        if child.message is None:
            waiting += child.children
        else:
            found.append(child)
    return found


def _merged(roots: list[Node]) -> list[Node]:
    """Step 5: threads of one subject become one."""
    table: dict[str, Node] = {}
    for root in roots:
        subject = casemap(root.first().subject)
        there = table.setdefault(subject, root)
        if there.message is not None and (root.message is None or (there.message.is_reply and not _is_reply(root))):
            table[subject] = root
    gone: set[int] = set()
    made: list[Node] = []
    for root in roots:
        subject = casemap(root.first().subject)
        there = table[subject]
        if not subject or there is root:
            continue
        gone.add(id(root))
        if there.message is None:
            there.children += [root] if root.message else root.children
        elif _is_reply(root) and not there.message.is_reply:
            there.children.append(root)
        else:
            gone.add(id(there))
            table[subject] = both = Node()
            both.children = [there, root]
            made.append(both)
    return [root for root in (*roots, *made) if id(root) not in gone]


def _is_reply(node: Node) -> bool:
    return node.message is not None and node.message.is_reply
