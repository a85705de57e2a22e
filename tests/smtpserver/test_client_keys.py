"""Submission with the key of a TLS client certificate: AUTH EXTERNAL (RFC 4954, RFC 4422 appendix A)."""

from __future__ import annotations

import asyncio
import smtplib
from pathlib import Path

import pytest

from app.net import clientcertificates
from app.store.serverdb import ServerDb
from tests.smtpserver.world import World
from tests.support.clientkeys import make_shown


@pytest.mark.parametrize("is_registered", [True, False])
def test_registered_key_submits_and_another_does_not(world: World, tmp_path: Path, *, is_registered: bool):
    shown, server = make_shown(tmp_path), ServerDb.open(tmp_path / "data")
    world.resources.sign_in.keys = server.keys
    context = world.services["submission"].tls
    assert context is not None
    assert clientcertificates.ask(context)

    def client(port: int) -> tuple[int, bytes]:
        with smtplib.SMTP("localhost", port, local_hostname="desk") as smtp:
            smtp.starttls(context=shown.context())
            smtp.ehlo()
            assert "EXTERNAL" in smtp.esmtp_features["auth"].split()
            answer = smtp.docmd("AUTH", "EXTERNAL =")
            if answer[0] == 235:
                smtp.sendmail(
                    "jane@example.com", ["friend@remote.example"], b"From: <jane@example.com>\r\n\r\nhello\r\n"
                )
            return answer

    async def work(places) -> None:
        if is_registered:
            await server.keys.add(shown.registered())
        answer = await asyncio.to_thread(client, places["submission"].port)
        assert answer[0] == (235 if is_registered else 535)

    world.run_with(work)
    server.close()
    assert [queued.sender_account for queued in world.queued()] == ["jane"] * is_registered
