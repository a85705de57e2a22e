"""The built file is killed again and again while it takes and sends mail: what it said 250 to arrives elsewhere.

A message may come twice only when it was under way as the server was killed: its reply, or our note of it, was lost.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import smtplib
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.end_to_end.conftest import own_ip
from tests.end_to_end.reading import any_certificate, new_message, wait_for
from tests.end_to_end.sites import Site, make_site
from tests.support.built import IS_ROOT, open_place
from tests.support.dns import DnsServer
from tests.support.smtpsink import SmtpSink

KILLS = int(os.environ.get("MOX_KILLS", "3"))
MESSAGES = 40  # between two kills at most
DOMAINS = ("a.sink.test", "b.sink.test", "c.sink.test")
UNDER_WAY = len(DOMAINS) * 3  # per kill: sent and not answered, answered and not yet on disk

pytestmark = pytest.mark.skipif(not IS_ROOT, reason="needs root, for port 25")


@contextmanager
def sink_at(ip: str) -> Iterator[SmtpSink]:
    """A server for other domains, on its own thread."""
    loop, sink = asyncio.new_event_loop(), SmtpSink(host=ip, port=25)
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(sink.__aenter__(), loop).result(10)
    try:
        yield sink
    finally:
        asyncio.run_coroutine_threadsafe(sink.__aexit__(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def submit_until_killed(site: Site, round_: int) -> list[str]:
    """Submit messages while the server lives; the subjects that it took."""
    taken: list[str] = []
    killer = threading.Timer(random.uniform(0.05, 1.5), kill, (site,))
    try:
        with smtplib.SMTP_SSL(site.instance.ip, 465, timeout=30, context=any_certificate()) as client:
            client.login(site.person, site.password(site.person))
            killer.start()
            for number in range(MESSAGES):
                subject = f"kill-{round_}-{number}"
                message = new_message(subject, author=site.person)
                client.send_message(message, site.person, [f"x@{DOMAINS[number % len(DOMAINS)]}"])
                taken.append(subject)
    except (OSError, smtplib.SMTPException):
        pass
    killer.join()
    return taken


def kill(site: Site) -> None:
    """The supervisor and the engine, without a word."""
    process = site.instance.process
    assert process is not None
    os.killpg(process.pid, signal.SIGKILL)


def subjects(sink: SmtpSink) -> Counter[str]:
    lines = (line for taken in list(sink.messages) for line in taken.data.split(b"\r\n"))
    return Counter(line[9:].decode() for line in lines if line.startswith(b"Subject: "))


@pytest.mark.timeout(120 + 40 * KILLS)
def test_what_was_accepted_arrives_although_the_server_is_killed_at_any_moment() -> None:
    with DnsServer({}) as dns, open_place() as place, sink_at(own_ip(15)) as sink:
        site = make_site(place / "one.test", "one.test", 11, f"{dns.host}:{dns.port}")
        dns.zone |= site.records() | {domain: {"A": [sink.host]} for domain in DOMAINS}
        accepted: list[str] = []
        for round_ in range(KILLS):
            site.instance.start()
            accepted += submit_until_killed(site, round_)
            assert site.instance.process is not None
            site.instance.process.wait(30)
        with site.instance.running():
            wait_for(lambda: set(accepted) <= set(subjects(sink)), site.instance.log)
        found = subjects(sink)
        assert len(accepted) >= KILLS
        assert sum(count - 1 for count in found.values()) <= KILLS * UNDER_WAY
