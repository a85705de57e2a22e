"""Backups by the built file, of a server that mail programs use meanwhile."""

from __future__ import annotations

import mailbox
import threading
from pathlib import Path

from tests.end_to_end.reading import new_message, new_subject, signed_in
from tests.support.built import Instance, mox

LARGE = "A line of a message that is large enough to be a file.\r\n" * 6000


def keep_busy(server: Instance, stop: threading.Event) -> None:
    """Append large messages and expunge them at once, until told to stop."""
    with signed_in(server) as client:
        client.create("Busy")
        client.select("Busy")
        while not stop.is_set():
            client.append("Busy", "\\Deleted", "", new_message(new_subject(), LARGE + new_subject()).as_bytes())
            client.expunge()


def subjects(backup: Path, out: Path) -> list[str]:
    """Of the messages in the backup's mailbox Kept, as another mail program would read them."""
    mox("export", "mbox", str(out), str(backup / "data" / "accounts" / "mox"), "Kept")
    return sorted(str(message["Subject"]) for message in mailbox.mbox(next(out.rglob("Kept*"))))


def test_backups_of_a_busy_server_are_whole_and_have_what_was_stored_before(server: Instance, tmp_path: Path) -> None:
    config = ("-config", str(server.directory / "mox.conf"))
    stop = threading.Event()
    busy = threading.Thread(target=keep_busy, args=(server, stop))
    busy.start()
    try:
        kept: list[str] = []
        earlier: tuple[str, ...] = ()
        for turn in range(2):
            kept.append(new_subject())
            with signed_in(server) as client:
                client.create("Kept")
                client.append("Kept", "\\Seen", "", new_message(kept[-1], LARGE + kept[-1]).as_bytes())
            backup = tmp_path / f"backup{turn}"
            assert mox(*config, "backup", *earlier, str(backup)).endswith("the backup is whole\n")
            earlier = ("-earlier", str(backup))
            assert subjects(backup, tmp_path / f"out{turn}") == sorted(kept)
    finally:
        stop.set()
        busy.join()
    for turn in range(2):
        assert mox("verifydata", str(tmp_path / f"backup{turn}")).endswith("OK\n")
