"""DNS as it is outside: zones signed with DNSSEC on NSD, and Unbound, which validates them for whoever asks it.

The root of this small world is one signed zone with the records of most domains in it. Other zones are delegated from
it: unsigned ones, and ones whose keys are not those that the parent vouches for, which to a validating resolver are as
good as none. Programs are Debian's; the zones are signed by dnspython.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path

import dns.dnssec
import dns.exception
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.zone
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from dns.rdtypes.ANY.DNSKEY import DNSKEY

from tests.support.built import STOP_S

SERVER, RESOLVER = "193.0.5.53", "127.0.0.53"
START_S = 20
TTL = 60
LIFETIME_S = 24 * 3600
_HEAD = f"$TTL {TTL}\n@ SOA ns.hoster.example. admin.hoster.example. 1 60 60 600 {TTL}\n@ NS ns.hoster.example.\n"
_GLUE = f"ns.hoster.example. A {SERVER}\n"
_NSD = """\
server:
  ip-address: {SERVER}
  username: ""
  chroot: ""
  zonesdir: "{folder}"
  database: ""
  zonelistfile: "{folder}/zone.list"
  xfrdfile: "{folder}/xfrd.state"
  pidfile: "{folder}/nsd.pid"
  server-count: 1
  rrl-ratelimit: 0
remote-control:
  control-enable: no
"""
_UNBOUND = """\
server:
  interface: {RESOLVER}
  access-control: 0.0.0.0/0 allow
  username: ""
  chroot: ""
  directory: "{folder}"
  pidfile: "{folder}/unbound.pid"
  use-syslog: no
  do-daemonize: no
  do-ip6: no
  do-not-query-localhost: no
  module-config: "validator iterator"
  trust-anchor: "{anchor}"
stub-zone:
  name: "."
  stub-addr: {SERVER}
remote-control:
  control-enable: no
"""


class Trust(Enum):
    """What a validating resolver is to make of a zone."""

    UNSIGNED = auto()
    BOGUS = auto()


@dataclass(frozen=True, slots=True)
class Delegated:
    """A zone of its own below the root."""

    name: str  # without the last dot
    records: str
    trust: Trust


@dataclass(frozen=True, slots=True)
class _Key:
    """One key that signs all of a zone."""

    private: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def record(self) -> DNSKEY:
        return dns.dnssec.make_dnskey(self.private.public_key(), "ED25519", flags=257)

    def ds(self, name: str) -> str:
        return f"{name} DS {dns.dnssec.make_ds(name, self.record, 'SHA256')}"

    def sign(self, name: str, text: str) -> str:
        zone = dns.zone.from_text(text, origin=name, relativize=False)
        # From an hour ago on, as clocks are never quite the same.
        start = time.time() - 3600
        dns.dnssec.sign_zone(zone, keys=[(self.private, self.record)], inception=start, expiration=start + LIFETIME_S)
        return zone.to_text()


def write_zones(folder: Path, records: str, delegated: Sequence[Delegated]) -> str:
    """The files of both programs; the DS record of the root, which is the trust anchor."""
    root, parts = _Key(), [_HEAD, _GLUE, records]
    names = {".": "root.zone"}
    for one in delegated:
        name = f"{one.name}."
        names[name] = f"{one.name}.zone"
        text = _HEAD + one.records
        parts.append(f"\n{name} NS ns.hoster.example.\n")
        if one.trust is Trust.BOGUS:
            text = _Key().sign(name, text)
            parts.append(f"{_Key().ds(name)}\n")
        (folder / names[name]).write_text(f"$ORIGIN {name}\n{text}")
    (folder / names["."]).write_text(root.sign(".", "".join(parts)))
    zones = "".join(f'zone:\n  name: "{name}"\n  zonefile: "{file}"\n' for name, file in names.items())
    (folder / "nsd.conf").write_text(_NSD.format(SERVER=SERVER, folder=folder) + zones)
    anchor = root.ds(".")
    (folder / "unbound.conf").write_text(
        _UNBOUND.format(SERVER=SERVER, RESOLVER=RESOLVER, folder=folder, anchor=anchor)
    )
    return anchor


@contextmanager
def running_dns(folder: Path, records: str, delegated: Sequence[Delegated] = ()) -> Iterator[None]:
    """Both servers, in a network of the test's own, while the block lasts."""
    for program in ("nsd", "unbound"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed; see tests/packages.txt")
    write_zones(folder, records, delegated)
    started: list[subprocess.Popen[bytes]] = []
    with open(folder / "dns.log", "wb") as log:
        try:
            for command in (["nsd", "-d", "-c"], ["unbound", "-d", "-c"]):
                words = [*command, str(folder / f"{command[0]}.conf")]
                started.append(subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log))
            _wait(folder / "dns.log")
            yield
        finally:
            for process in started:
                process.terminate()
                process.wait(STOP_S)


def ask(name: str, kind: str, timeout_s: float = 5) -> dns.message.Message:
    """What the resolver says, with its AD bit."""
    return dns.query.udp(dns.message.make_query(name, kind, want_dnssec=True), RESOLVER, timeout=timeout_s)


def _wait(log: Path) -> None:
    limit = time.monotonic() + START_S
    while time.monotonic() < limit:
        try:
            if ask(".", "SOA", 0.2).rcode() == dns.rcode.NOERROR:
                return
        except (dns.exception.DNSException, OSError):
            pass
        time.sleep(0.05)
    raise AssertionError(f"DNS did not come up:\n{log.read_text(errors='replace')}")
