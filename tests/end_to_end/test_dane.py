"""DANE with zones that are really signed: NSD serves them, Unbound validates, and the built file asks and connects."""

from __future__ import annotations

import asyncio
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.trust.dane import make_record
from tests.end_to_end.signeddns import RESOLVER, Delegated, Trust, running_dns
from tests.support.authority import Authority
from tests.support.built import environment, everyones_python, open_place, readable_archive
from tests.support.namespace import any_address, own_network, skip_reason
from tests.support.smtpsink import SmtpSink

pytestmark = pytest.mark.skipif(bool(skip_reason()), reason=skip_reason())

HERE, MX = "45.138.52.10", "193.0.9.25"
ROOT = Authority("root")
LEAF = ROOT.leaf("mx.good.example")
RECORD = make_record(2, 1, 1, ROOT.der).data.hex()
SIGNED = f"""
good.example. MX 10 mx.good.example.
mx.good.example. A {MX}
_25._tcp.mx.good.example. TLSA 2 1 1 {RECORD}
wrong.example. MX 10 mx.wrong.example.
mx.wrong.example. A {MX}
_25._tcp.mx.wrong.example. TLSA 3 1 1 {"00" * 32}
"""
UNSIGNED = f"@ MX 10 mx\nmx A {MX}\n_25._tcp.mx TLSA 2 1 1 {RECORD}\n"


@contextmanager
def mail_server(tmp_path: Path) -> Iterator[None]:
    """A server at port 25, in a thread, which is in the network of the one that starts it."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    sink = SmtpSink(tls=LEAF.server(tmp_path), host=MX, port=25)
    asyncio.run_coroutine_threadsafe(sink.__aenter__(), loop).result(10)
    try:
        yield
    finally:
        asyncio.run_coroutine_threadsafe(sink.__aexit__(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


def dial(domain: str) -> tuple[int, str]:
    """What `dane dialmx` says when somebody types QUIT."""
    command = [everyones_python(), str(readable_archive()), "dane", "dialmx", domain]
    settings = environment(MOX_RESOLVER=f"{RESOLVER}:53")
    done = subprocess.run(command, capture_output=True, text=True, env=settings, input="QUIT\n", timeout=60)
    return done.returncode, done.stdout + done.stderr


def test_only_what_dnssec_vouches_for_is_believed(tmp_path: Path) -> None:
    delegated = [Delegated("plain.example", UNSIGNED, Trust.UNSIGNED), Delegated("bad.example", UNSIGNED, Trust.BOGUS)]
    readable_archive()  # built outside
    with (
        open_place() as place,
        own_network(HERE, "2a0e:dc0:52::10"),
        any_address(),
        running_dns(place, SIGNED, delegated),
        mail_server(tmp_path),
    ):
        seen = {name: dial(f"{name}.example") for name in ("good", "wrong", "plain", "bad")}
    assert seen["good"][0] == 0
    assert f"the certificate is proven by TLSA 2 1 1 {RECORD}" in seen["good"][1]
    assert "221 bye" in seen["good"][1]
    for name, words in (("wrong", "not the one in the records"), ("plain", "not signed"), ("bad", "cannot look up MX")):
        assert seen[name][0] == 1
        assert words in seen[name][1]
