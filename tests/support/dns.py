"""A small DNS server for tests, on UDP and TCP of a loopback address.

A zone is a dictionary from name to type to list of texts, as JSON can hold it:

    {"example.org": {"MX": ["10 mx.example.org"], "TXT": ["v=spf1 -all"], "AD": true},
     "slow.example": {"RCODE": "SERVFAIL"},        also REFUSED, or DROP for no reply at all
     "big.example": {"TXT": ["..."], "TRUNCATE": true},
     "www.example.org": {"CNAME": ["example.org"]}}

Names that are not there are NXDOMAIN with a SOA. `questions` lists what was asked. Stand-alone:
`python tests/support/dns.py [ADDRESS:]PORT zone.json`; it prints "ready" once it listens.
"""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import sys
import threading
from pathlib import Path
from typing import Any

# When started as a script, this file's own folder is first in the path and this file would hide dnspython.
sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != Path(__file__).resolve().parent]

import dns.flags  # noqa: E402
import dns.message  # noqa: E402
import dns.name  # noqa: E402
import dns.query  # noqa: E402
import dns.rcode  # noqa: E402
import dns.rdataclass  # noqa: E402
import dns.rdatatype  # noqa: E402
import dns.rrset  # noqa: E402

Zone = dict[str, dict[str, Any]]
TTL = 60


def _bind_both(host: str, port: int) -> tuple[socket.socket, socket.socket]:
    """TCP and UDP on the same port; when any port will do, one that is free for both."""
    for _ in range(20):
        tcp = socket.create_server((host, port))
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            udp.bind((host, tcp.getsockname()[1]))
            return tcp, udp
        except OSError:  # somebody else's question goes out from that port just now
            tcp.close()
            udp.close()
            if port:
                raise
    raise OSError("no port is free for both TCP and UDP")


class DnsServer:
    """Answers in threads until closed; `zone` may be changed while it runs."""

    def __init__(self, zone: Zone, host: str = "127.0.0.1", port: int = 0) -> None:
        self.zone = zone
        self.questions: list[tuple[str, str]] = []
        self.host = host
        self._tcp, self._udp = _bind_both(host, port)
        self.port: int = self._tcp.getsockname()[1]
        for target in (self._serve_udp, self._serve_tcp):
            threading.Thread(target=target, daemon=True).start()

    def __enter__(self) -> DnsServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop answering."""
        for one in (self._udp, self._tcp):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _serve_udp(self) -> None:
        while True:
            try:
                data, peer = self._udp.recvfrom(4096)
                if not data:  # closed
                    return
                reply = self._reply(data, udp=True)
                if reply:
                    self._udp.sendto(reply, peer)
            except OSError:
                return

    def _serve_tcp(self) -> None:
        while True:
            try:
                connection, _ = self._tcp.accept()
            except OSError:
                return
            threading.Thread(target=self._serve_connection, args=(connection,), daemon=True).start()

    def _serve_connection(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as file:
            while len(head := file.read(2)) == 2:
                reply = self._reply(file.read(struct.unpack("!H", head)[0]), udp=False)
                if reply:
                    connection.sendall(struct.pack("!H", len(reply)) + reply)

    def _reply(self, data: bytes, *, udp: bool) -> bytes | None:
        query = dns.message.from_wire(data)
        (question,) = query.question
        name = question.name.to_text(omit_final_dot=True).lower()
        self.questions.append((name, dns.rdatatype.to_text(question.rdtype)))
        facts = self.zone.get(name)
        if facts and facts.get("RCODE") == "DROP":
            return None
        response = dns.message.make_response(query, recursion_available=True)
        if facts and "RCODE" in facts:
            response.set_rcode(dns.rcode.from_text(facts["RCODE"]))
        elif facts and facts.get("TRUNCATE") and udp:
            response.flags |= dns.flags.TC
        else:
            self._fill(response, question.name, question.rdtype)
        return response.to_wire(max_size=65535)

    def _fill(self, response: dns.message.Message, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> None:
        """Records, following CNAMEs as a recursive server does, or a SOA that says how long there is nothing."""
        authentic = True
        for _ in range(20):
            facts = self.zone.get(name.to_text(omit_final_dot=True).lower())
            if facts is None:
                response.set_rcode(dns.rcode.NXDOMAIN)
                break
            authentic = authentic and bool(facts.get("AD"))
            if texts := facts.get(dns.rdatatype.to_text(kind)):
                response.answer.append(_rrset(name, kind, texts))
                break
            if "CNAME" not in facts:
                break
            rrset = _rrset(name, dns.rdatatype.CNAME, facts["CNAME"])
            response.answer.append(rrset)
            name = rrset[0].target
            if facts.get("UNCHASED"):
                break
        if not response.answer or response.answer[-1].rdtype != kind:
            response.authority.append(_rrset(dns.name.root, dns.rdatatype.SOA, [f"ns. admin. 1 60 60 60 {TTL}"]))
        if authentic:
            response.flags |= dns.flags.AD


def _rrset(name: dns.name.Name, kind: dns.rdatatype.RdataType, texts: list[str]) -> dns.rrset.RRset:
    if kind == dns.rdatatype.TXT:
        texts = [" ".join(json.dumps(text[at : at + 255]) for at in range(0, max(len(text), 1), 255)) for text in texts]
    absolute = [text if text.endswith(".") or kind not in _WITH_NAMES else text + "." for text in texts]
    return dns.rrset.from_text_list(name, TTL, dns.rdataclass.IN, kind, absolute)


_WITH_NAMES = (dns.rdatatype.MX, dns.rdatatype.CNAME, dns.rdatatype.PTR, dns.rdatatype.NS, dns.rdatatype.SRV)


def ask_txt(server: DnsServer, name: str) -> bytes:
    """The text of the one TXT record that the server has for a name, asked as any client asks; b"" without one."""
    query = dns.message.make_query(name, dns.rdatatype.TXT)
    answer = dns.query.tcp(query, server.host, timeout=10, port=server.port).answer
    return b"".join(answer[0][0].strings) if answer else b""


def main() -> None:
    """Serve a zone file until killed."""
    host, _, port = sys.argv[1].rpartition(":")
    zone = json.loads(Path(sys.argv[2]).read_text())
    server = DnsServer(zone, host or "127.0.0.1", int(port))
    print(f"ready {server.host}:{server.port}", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
