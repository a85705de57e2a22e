"""SORT and THREAD responses (RFC 5256 §4, RFC 7162 §3.1.6).

thread-list = "(" (thread-members / thread-nested) ")"      thread-members = nz-number *(SP nz-number) [SP nested]
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from app.wire.message.threading import Node


def sort_response(numbers: Sequence[int], modseq: int | None = None) -> bytes:
    """The numbers in the order asked for; `modseq` is the highest of them when the search was for modseqs."""
    words = " ".join(["* SORT", *map(str, numbers)])
    if modseq is not None and numbers:
        words += f" (MODSEQ {modseq})"
    return words.encode("ascii") + b"\r\n"


def thread_response(threads: Iterable[Node], number_of: Callable[[int], int]) -> bytes:
    """The trees; `number_of` makes what the client asked for of the messages' numbers."""
    words: list[str] = []
    waiting: list[Node | str] = [*reversed([*threads])]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            words.append(item)
        else:
            words.append("(")
            waiting.append(")")
            waiting += _write_members(item, number_of, words)
    body = "".join(words).encode("ascii")
    return b"* THREAD " + body + b"\r\n" if body else b"* THREAD\r\n"


def _write_members(node: Node, number_of: Callable[[int], int], words: list[str]) -> list[Node]:
    """Write messages down to where the thread splits; returns what comes after, the last first."""
    separator = ""
    while node.message is not None:
        words.append(f"{separator}{number_of(node.message.number)}")
        separator = " "
        if len(node.children) != 1:
            break
        node = node.children[0]
    if node.children:
        words.append(separator)
    return node.children[::-1]
