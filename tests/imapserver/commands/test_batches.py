"""UIDBATCHES: the ranges hold what was asked for, and no uid is in none of them (RFC 10022)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.imapserver.commands.batches import _cut
from app.wire.imap.parse.batches import UidbatchesCommand
from app.wire.imap.respond.batches import uidbatches_response
from tests.imapserver.world import World
from tests.support.accounts import add_now, simple_message


def examine(name: str, lines: int) -> str:
    """EXAMINE and its answer of so many lines."""
    return f"C: s EXAMINE {name}\n" + "S: /\\* .*/\n" * lines + "S: /s OK .*/\n"


@given(
    uids=st.lists(st.integers(1, 10_000), unique=True, max_size=60).map(sorted),
    size=st.integers(1, 70),
    first=st.integers(1, 70),
    more=st.none() | st.integers(0, 70),
)
def test_batches_are_full_and_cover_every_uid(uids, size, first, more):
    whole = _cut(uids, UidbatchesCommand("t", size))
    held = [[uid for uid in uids if uid in span] for span in whole]
    assert [uid for batch in reversed(held) for uid in batch] == uids
    assert all(len(batch) == size for batch in held[:-1])
    assert all(0 < len(batch) <= size for batch in held[-1:])
    assert [span.stop for span in whole[1:]] == [span.start for span in whole[:-1]]
    assert not uids or (whole[0].stop == uids[-1] + 1 and whole[-1].start == 1)
    last = None if more is None else first + more
    assert _cut(uids, UidbatchesCommand("t", size, first, last)) == whole[first - 1 : last]


def test_response_has_the_higher_end_in_front():
    assert uidbatches_response("a", [range(100, 301), range(1, 100)]) == b'* UIDBATCHES (TAG "a") 300:100,99:1\r\n'
    assert uidbatches_response("a", []) == b'* UIDBATCHES (TAG "a")\r\n'


def test_answers(world: World):
    for number in range(3):
        add_now(world.jane, simple_message(number))
    world.run(
        """
        C: a UIDBATCHES 500
        S: /a BAD .*/
        """
        + examine("Inbox", 11)
        + """
        C: b UIDBATCHES 500
        S: * UIDBATCHES (TAG "b") 3:1
        S: b OK done
        C: c UIDBATCHES 500 1:1
        S: * UIDBATCHES (TAG "c") 3:1
        S: c OK done
        C: d UIDBATCHES 4294967295 2:4294967295
        S: * UIDBATCHES (TAG "d")
        S: d OK done
        C: e UIDBATCHES 499
        S: /e NO \\[TOOFEW\\] .*/
        C: f UIDBATCHES 500 2:1
        S: /f BAD \\[CLIENTBUG\\] .*/
        """
        + examine("Archive", 11)
        + """
        C: h UIDBATCHES 1000
        S: * UIDBATCHES (TAG "h")
        S: h OK done
        """,
        signed_in=True,
    )


def test_bad_forms(world: World):
    forms = ["", " 0", " x", " 500 1", " 500 1:", " 500 0:1", " 500 1:2 3", " 500 1:*"]
    asked = "".join(f"C: a UIDBATCHES{form}\nS: /a BAD .*/\n" for form in forms)
    world.run(examine("Inbox", 10) + asked, signed_in=True)
