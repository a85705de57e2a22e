"""A client that follows the steps it is told has the same list as the server."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.imapserver.results import MailboxOrder, SortedOrder
from app.wire.imap.respond.search import Placed, ResultChange, result_changes

uid_sets = st.sets(st.integers(1, 60), max_size=40)


def follow(list_, change: ResultChange, steps: list[Placed]) -> None:
    """What RFC 5267 §4.3.3 and §4.3.4 tell a client to do."""
    for step in steps:
        if not step.position:
            kept = set(list_) | set(step.numbers) if change is ResultChange.ADDTO else set(list_) - set(step.numbers)
            list_[:] = sorted(kept)
        elif change is ResultChange.ADDTO:
            list_[step.position - 1 : step.position - 1] = step.numbers
        else:
            end = step.position - 1 + len(step.numbers)
            assert list_[step.position - 1 : end] == list(step.numbers)
            del list_[step.position - 1 : end]


@given(st.lists(uid_sets, min_size=2, max_size=6), st.booleans())
def test_the_steps_of_a_result_lead_a_client_to_it(states: list[set[int]], is_sorted: bool):
    rank = {uid: (uid * 7 % 5, uid) for uid in range(61)}
    results = SortedOrder() if is_sorted else MailboxOrder()
    if is_sorted:
        results.know(rank.values())
    list_: list[int] = []
    before: set[int] = set()
    for state in states:
        if gone := sorted(before - state):
            follow(list_, ResultChange.REMOVEFROM, results.remove(gone))
        if is_sorted:
            results.know(rank.values())
        if new := sorted(state - before):
            follow(list_, ResultChange.ADDTO, results.add(new))
        assert list_ == sorted(state, key=rank.__getitem__ if is_sorted else None)
        assert [uid for uid in range(61) if uid in results] == sorted(state)
        before = state


def test_long_changes_are_lines_that_a_client_can_read():
    steps = [Placed(1, list(range(1, 2000, 2))), Placed(2000, [4])]
    added = result_changes(b"* ESEARCH", ResultChange.ADDTO, steps)
    assert all(len(line) < 4500 for line in added.split(b"\r\n"))
    assert all(piece in added for piece in (b"(1 1,3,5,", b" 301 601,603,", b" 2000 4)"))
    removed = result_changes(b"* ESEARCH", ResultChange.REMOVEFROM, steps[:1])
    assert all(piece in removed for piece in (b"(1 1,3,5,", b"1 601,603,"))
