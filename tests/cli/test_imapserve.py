"""IMAP through a command: what it refuses, and that bytes go both ways."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.ctl.client import ControlClient
from app.ctl.protocol import ControlError
from tests.support.control import ControlWorld

WORDS = b"a line\r\n" * 100_000


@pytest.fixture
def world(tmp_path: Path) -> ControlWorld:
    return ControlWorld(tmp_path)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        *((wrong, "no address of an account here") for wrong in ("nobody@example.com", "jane", "")),
        ("postmaster@mx.example.com", "no address of an account here"),  # which gets mail all the same
        ("locked@example.com", "account is closed"),
    ],
)
def test_who_has_no_mail_here_is_refused_and_the_connection_goes_on(
    world: ControlWorld, address: str, words: str
) -> None:
    def talk(client: ControlClient) -> None:
        with pytest.raises(ControlError, match=words):
            client.call("imapserve", {"address": address})
        client.call("loglevels")

    world.run_with_client(talk)


def test_bytes_go_both_ways_until_one_side_ends(world: ControlWorld) -> None:
    """More than fits into any buffer, so that who waits for the other to read would wait for ever."""
    near, far = socket.socketpair()

    def send() -> None:
        near.sendall(WORDS)
        near.shutdown(socket.SHUT_WR)

    def relay(client: ControlClient) -> None:
        with far:
            client.relay(far.fileno(), far.fileno())

    def talk(client: ControlClient) -> bytes:
        client.call("imapserve", {"address": "é@example.com"})
        with near, near.makefile("rb") as reading, ThreadPoolExecutor() as threads:
            threads.submit(send)
            threads.submit(relay, client)
            return reading.read()

    assert world.run_with_client(talk) == "jane é@example.com\n".encode() + WORDS
