"""A message whose file is gone, after a bad disk or a wrong restore, is a problem of that message alone."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.imapserver.model.wire import Wire
from tests.imapserver.world import World
from tests.support.accounts import add_now, simple_message

FETCHES = ("BODY.PEEK[]", "BODY.PEEK[TEXT]", "BINARY.PEEK[1]", "RFC822")


def test_a_message_without_its_file_is_refused_and_the_session_goes_on(world: World) -> None:
    add_now(world.jane, simple_message(1, "x" * 300_000))
    add_now(world.jane, simple_message(2))
    kept = lose_files(world.jane.directory / "msg")

    async def read_all() -> None:
        wire = Wire(world)
        await wire.sign_in()
        assert (await wire.command("SELECT Inbox")).status == "OK"
        for item in FETCHES:
            reply = await wire.command(f"FETCH 1 {item}")
            assert reply.status == "NO", (item, reply)
            assert not wire.is_closed
            assert (await wire.command(f"FETCH 2 {item}")).status == "OK"
        reply = await wire.command("FETCH 1:2 (ENVELOPE BODYSTRUCTURE RFC822.SIZE)")
        assert (reply.status, len(reply.lines)) == ("OK", 2)
        assert (await wire.command("SEARCH TEXT nowhere")).status in ("OK", "NO")
        assert (await wire.command("UID MOVE 1 Trash")).status == "OK"
        wire.close()
        await asyncio.sleep(0)

    asyncio.run(read_all())
    for path, data in kept.items():  # the world looks whether all is well at its end
        path.write_bytes(data)


def lose_files(folder: Path) -> dict[Path, bytes]:
    """Remove the files of all large bodies; returns what was in them."""
    found = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert found
    for path in found:
        path.unlink()
    return found
