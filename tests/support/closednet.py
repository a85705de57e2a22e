"""The world as a mail server meets it, inside the network of `namespace.py`: nothing is real, everything answers.

There are DNS (a resolver that verifies, and the servers of a domain's zone), the mail servers of three large providers,
block lists, time servers and a registry. The answers are such that a new machine finds all well but for its own
records; a test changes `world.zone` to have it otherwise, at any time, and `publish` enters the records of a zone file
as their owner would. `world.received` is the mail that providers took, `send` is mail from one of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.server
import json
import smtplib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import dns.name
import dns.rdatatype
import dns.reversename
import dns.zone

from tests.support.certificates import write_pair
from tests.support.dns import DnsServer, Zone
from tests.support.namespace import Disguise, any_address, own_network
from tests.support.smtpsink import SmtpSink, Taken

IPV4, IPV6 = "45.138.52.10", "2a0e:dc0:52::10"
DOMAIN = "garden.example"
HOST = f"mail.{DOMAIN}"
REGISTERED = "2019-04-01T10:00:00Z"
RESOLVER = "127.0.0.53"
NAME_SERVERS = {"ns1.hoster.example": "193.0.5.53", "ns2.hoster.example": "193.0.6.53"}
REGISTRY, REGISTRY_IP = "rdap.nic.example", "193.0.7.43"
REGISTRIES, REGISTRIES_IP = "data.iana.org", "192.0.47.8"
TIME_SERVERS = {
    "time.cloudflare.com": "162.159.200.1",
    "time.google.com": "216.239.35.0",
    "time.apple.com": "17.253.1.1",
}
BLOCK_LISTS = ("zen.spamhaus.org", "bl.spamcop.net")
_NTP_EPOCH = 2_208_988_800


@dataclass(frozen=True, slots=True)
class Provider:
    """Somebody large who takes mail."""

    domain: str
    exchanger: str
    ipv4: str
    ipv6: str


PROVIDERS = (
    Provider("gmail.com", "gmail-smtp-in.l.google.com", "142.250.1.26", "2607:f8b0:4004::1a"),
    Provider("outlook.com", "outlook-com.olc.protection.outlook.com", "52.101.8.33", "2a01:111:f403::33"),
    Provider("yahoo.com", "mta5.am0.yahoodns.net", "67.195.204.72", "2001:4998:4::72"),
)


def first_zone() -> Zone:
    """What DNS has before anything of ours is published, but for the reverse names, which the hoster has set."""
    zone: Zone = {
        "com": {"NS": ["a.gtld-servers.net"], "AD": True},
        DOMAIN: {"NS": sorted(NAME_SERVERS), "AD": True},
        reverse_name(IPV4): {"PTR": [HOST]},
        reverse_name(IPV6): {"PTR": [HOST]},
        REGISTRY: {"A": [REGISTRY_IP]},
        REGISTRIES: {"A": [REGISTRIES_IP]},
    }
    zone |= {name: {"A": [ip]} for name, ip in (NAME_SERVERS | TIME_SERVERS).items()}
    zone |= {f"2.0.0.127.{name}": {"A": ["127.0.0.2"]} for name in BLOCK_LISTS}
    for one in PROVIDERS:
        zone[one.domain] = {"MX": [f"5 {one.exchanger}"], "TXT": [f"v=spf1 ip4:{one.ipv4} ip6:{one.ipv6} -all"]}
        zone[one.exchanger] = {"A": [one.ipv4], "AAAA": [one.ipv6]}
        zone[reverse_name(one.ipv4)] = {"PTR": [one.exchanger]}
    return zone


def reverse_name(ip: str) -> str:
    return dns.reversename.from_address(ip).to_text(omit_final_dot=True).lower()


@dataclass(frozen=True, slots=True)
class World:
    """Everything around one machine."""

    zone: Zone
    received: list[Taken]
    sinks: Sequence[SmtpSink]
    disguise: Disguise
    authority: Path  # certificate to trust for the registries

    @property
    def settings(self) -> dict[str, str]:
        """For the environment of programs on the machine."""
        return {"SSL_CERT_FILE": str(self.authority)}

    def publish(self, zone_file: str) -> None:
        """Enter the records of a zone file, in place of those that have the same name and type."""
        zone = dns.zone.from_text(zone_file, origin=dns.name.root, relativize=False, check_origin=False)
        for owner, rdataset in zone.iterate_rdatasets():
            is_text = rdataset.rdtype == dns.rdatatype.TXT
            texts = [b"".join(one.strings).decode() if is_text else one.to_text() for one in rdataset]
            name = owner.to_text(omit_final_dot=True).lower()
            self.zone.setdefault(name, {"AD": True})[dns.rdatatype.to_text(rdataset.rdtype)] = texts

    def send(self, message: EmailMessage, to: str, *, provider: Provider = PROVIDERS[0]) -> None:
        """Mail from somebody at a provider, by the MX record of the address as it is published."""
        (exchanger,) = self.zone[to.rpartition("@")[2]]["MX"]
        (ip,) = self.zone[exchanger.split()[1].rstrip(".").lower()]["A"]
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with smtplib.SMTP(
            ip, 25, local_hostname=provider.exchanger, timeout=30, source_address=(provider.ipv4, 0)
        ) as client:
            client.starttls(context=context)
            client.send_message(message, from_addr=f"friend@{provider.domain}", to_addrs=[to])


@contextlib.contextmanager
def closed_network(folder: Path) -> Iterator[World]:
    """The world, and this thread in it; `folder` is for files and must be one that every user may enter."""
    certificate, key = write_pair(folder, REGISTRIES, REGISTRY)
    files = {
        "resolv.conf": f"nameserver {RESOLVER}\n",
        "hosts": "127.0.0.1 localhost\n::1 localhost\n",
        "nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n",
    }
    disguise = Disguise.make(folder, "garden", files, without_user="mox")
    zone, received = first_zone(), list[Taken]()
    with own_network(IPV4, IPV6), contextlib.ExitStack() as stack:
        with any_address():
            for ip in (RESOLVER, *NAME_SERVERS.values()):
                stack.enter_context(DnsServer(zone, ip, 53))
            sinks = stack.enter_context(_providers(received))
            stack.enter_context(_time_servers())
            stack.enter_context(_registries(certificate, key))
        yield World(zone, received, sinks, disguise, certificate)


@contextlib.contextmanager
def _providers(received: list[Taken]) -> Iterator[list[SmtpSink]]:
    """Mail servers that greet by their names, on a loop in a thread."""
    sinks = [
        SmtpSink({"greeting": f"220 {one.exchanger} ESMTP ready\r\n".encode()}, host=ip, port=25, messages=received)
        for one in PROVIDERS
        for ip in (one.ipv4, one.ipv6)
    ]
    is_up, over, loop = threading.Event(), asyncio.Event(), asyncio.new_event_loop()

    async def serve() -> None:
        async with contextlib.AsyncExitStack() as stack:
            for sink in sinks:
                await stack.enter_async_context(sink)
            is_up.set()
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    try:
        assert is_up.wait(10), "the providers' mail servers did not start"
        yield sinks
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(10)
        loop.close()


@contextlib.contextmanager
def _time_servers() -> Iterator[None]:
    """SNTP (RFC 5905), as right as this machine's clock."""
    with contextlib.ExitStack() as stack:
        for ip in TIME_SERVERS.values():
            sock = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            sock.bind((ip, 123))
            stack.callback(_wake, sock)
            threading.Thread(target=_tell_time, args=(sock,), daemon=True).start()
        yield


def _wake(sock: socket.socket) -> None:
    """Let the thread that waits for a datagram see that it is over."""
    with contextlib.suppress(OSError):  # Linux says that there is no peer, and wakes it
        sock.shutdown(socket.SHUT_RD)


def _tell_time(sock: socket.socket) -> None:
    while True:
        try:
            data, peer = sock.recvfrom(512)
        except OSError:
            return
        if not data:
            return
        seconds, fraction = divmod(int((time.time() + _NTP_EPOCH) * 2**32), 2**32)
        stamp = struct.pack(">II", seconds & 0xFFFFFFFF, fraction)
        head = struct.pack(">BBbbIII", 0x24, 1, 6, -20, 0, 0, 0)
        sock.sendto(head + stamp + data[40:48] + stamp + stamp, peer)


class _Registry(http.server.BaseHTTPRequestHandler):
    """RDAP (RFC 9083) for one domain, and IANA's list of registries."""

    def do_GET(self) -> None:
        event = {"eventAction": "registration", "eventDate": REGISTERED}
        answers: dict[str, object] = {
            "/rdap/dns.json": {"services": [[["example"], [f"https://{REGISTRY}/"]]]},
            f"/domain/{DOMAIN}": {"objectClassName": "domain", "events": [event]},
        }
        body = json.dumps(answers.get(self.path, {})).encode()
        self.send_response(200 if self.path in answers else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name is the base class's)
        pass


class _Registries(http.server.ThreadingHTTPServer):
    """Leaves its port to a web server on all addresses too, if that one shares it."""

    allow_reuse_port = True


@contextlib.contextmanager
def _registries(certificate: Path, key: Path) -> Iterator[None]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with contextlib.ExitStack() as stack:
        for ip in (REGISTRIES_IP, REGISTRY_IP):
            server = stack.enter_context(_Registries((ip, 443), _Registry))
            server.socket = context.wrap_socket(server.socket, server_side=True)
            stack.callback(server.shutdown)
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield
