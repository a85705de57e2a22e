"""Pebble, a small authority of certificates for tests (Debian: apt install pebble), on an address of its own.

    with running_pebble(folder, ip, dns) as pebble:
        pebble.directory_url, pebble.root           # what mox.conf needs to know

It looks at ports 80 and 443 of the addresses that the DNS server of the test has for a name.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app.net.selfsigned import make_self_signed
from tests.support.dns import DnsServer

PEBBLE = shutil.which("pebble")
READY_S = 20
BINDING_ID = "known-person"


@dataclass(frozen=True, slots=True)
class Pebble:
    """A running authority."""

    ip: str
    root: Path  # the certificate of its web server
    log: Path

    @property
    def directory_url(self) -> str:
        """What ACME clients begin with."""
        return f"https://{self.ip}:14000/dir"


@contextlib.contextmanager
def running_pebble(folder: Path, ip: str, dns: DnsServer, **faults: str) -> Iterator[Pebble]:
    """Started and ended; `faults` are variables of its environment, such as PEBBLE_WFE_NONCEREJECT="50".

    Of its own settings there are validity_s, the life of a certificate in seconds, and binding_key: a key as base64url,
    which it knows as BINDING_ID and without which it takes no account.
    """
    folder.mkdir()
    binding = faults.pop("binding_key", "")
    known = {BINDING_ID: binding} if binding else {}
    made = make_self_signed([ip], time.time())
    (certificate := folder / "web.pem").write_bytes(made.certificate)
    (private := folder / "web-key.pem").write_bytes(made.key)
    settings = {
        "listenAddress": f"{ip}:14000",
        "managementListenAddress": f"{ip}:15000",
        "certificate": str(certificate),
        "privateKey": str(private),
        "httpPort": 80,
        "tlsPort": 443,
        "ocspResponderURL": "",
        "externalAccountBindingRequired": bool(known),
        "externalAccountMACKeys": known,
        "certificateValidityPeriod": int(faults.pop("validity_s", "7776000")),
    }
    path = folder / "pebble.json"
    path.write_text(json.dumps({"pebble": settings}))
    environment = {"PATH": os.environ["PATH"], "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"} | faults
    pebble = Pebble(ip, certificate, folder / "log")
    with pebble.log.open("wb") as log:
        words = [str(PEBBLE), "-config", str(path), "-dnsserver", f"{dns.host}:{dns.port}"]
        process = subprocess.Popen(words, env=environment, stdout=log, stderr=log, cwd=folder)
    try:
        _wait_until_ready(pebble, process)
        yield pebble
    finally:
        process.kill()
        process.wait()


def _wait_until_ready(pebble: Pebble, process: subprocess.Popen[bytes]) -> None:
    context = ssl.create_default_context(cafile=str(pebble.root))
    limit = time.monotonic() + READY_S
    while True:
        try:
            urllib.request.urlopen(pebble.directory_url, context=context, timeout=5).close()
        except (TimeoutError, urllib.error.URLError, ConnectionError):
            assert process.poll() is None, pebble.log.read_text()
            assert time.monotonic() < limit, pebble.log.read_text()
            time.sleep(0.05)
        else:
            return
