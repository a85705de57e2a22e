"""PREVIEW of messages that are read from a file."""

from __future__ import annotations

from app.store.spool import MEMORY_LIMIT
from tests.imapserver.world import World
from tests.support.accounts import add_now


def test_a_client_that_does_not_want_to_wait_gets_none_of_a_file(world: World):
    add_now(world.jane, b"Subject: x\r\n\r\n" + b"word " * (MEMORY_LIMIT // 5) + b"\r\n")
    opened = "\n".join(["S: /.*/"] * 12)
    world.run(
        f"""C: a SELECT Inbox
        {opened}
        C: b FETCH 1 PREVIEW (LAZY)
        S: * 1 FETCH (PREVIEW NIL)
        S: b OK fetched
        C: c FETCH 1 PREVIEW
        S: /\\* 1 FETCH \\(PREVIEW "(word ){{50}}word"\\)/
        S: c OK fetched""",
        signed_in=True,
    )
