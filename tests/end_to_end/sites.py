"""A server for one domain, set up by `quickstart` and run by `serve` in earnest: by root, on the real ports.

Of what quickstart writes only the addresses to listen on are changed, as each server of a test has one of its own. The
records that it prints go into the zone of the test's DNS server as they are.
"""

from __future__ import annotations

import imaplib
import re
import smtplib
import urllib.request
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import dns.rdatatype
import dns.zonefile

from tests.end_to_end.conftest import own_ip
from tests.end_to_end.reading import any_certificate, new_message, new_subject, wait_for
from tests.support.built import STARTED, Instance, mox
from tests.support.dns import Zone

METRICS_PORT = 8010
FRIENDS_PASSWORD = "correct horse"
_IPS = re.compile(r"(\t+)IPs:\n(?:\t+- .*\n)+")
_RECORD = re.compile(r"^[\w.-]+\. +[A-Z]+ .*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Site:
    """One domain, its server, and the person for whom it was set up."""

    domain: str
    instance: Instance
    config: Path
    printed: str = field(repr=False)  # by quickstart
    internal_ip: str  # of the listener for this machine only

    @property
    def person(self) -> str:
        return f"person@{self.domain}"

    @property
    def friend(self) -> str:
        return f"friend@{self.domain}"

    @property
    def domains_conf(self) -> Path:
        return self.config.with_name("domains.conf")

    def password(self, address: str) -> str:
        """The person's is the one that quickstart made and printed."""
        if address == self.friend:
            return FRIENDS_PASSWORD
        found = re.search(r"^Account person, password: (\S+)$", self.printed, re.MULTILINE)
        assert found is not None, self.printed
        return found[1]

    def records(self) -> Zone:
        """What quickstart says should be published, and the address of the host, which is the operator's to know."""
        zone: Zone = {f"mx.{self.domain}": {"A": [self.instance.ip]}}
        for rrset in dns.zonefile.read_rrsets("\n".join(_RECORD.findall(self.printed)), default_ttl=60):
            facts = zone.setdefault(rrset.name.to_text(omit_final_dot=True), {})
            is_text = rrset.rdtype == dns.rdatatype.TXT
            facts[dns.rdatatype.to_text(rrset.rdtype)] = [
                b"".join(one.strings).decode() if is_text else one.to_text() for one in rrset
            ]
        return zone

    def command(self, *words: str, given: str = "") -> str:
        return mox("-config", str(self.config), *words, given=given, **self.instance.settings)

    def add_friend(self) -> None:
        """A second account, by hand in domains.conf; the server may be running."""
        text = self.domains_conf.read_text()
        account = f"\tfriend:\n\t\tDomain: {self.domain}\n\t\tDestinations:\n\t\t\t{self.friend}: nil\n"
        self.domains_conf.write_text(text.replace("\nAccounts:\n", f"\nAccounts:\n{account}"))

    def submit(self, subject: str, to: str) -> None:
        """The person sends a message."""
        with smtplib.SMTP_SSL(self.instance.ip, 465, timeout=30, context=any_certificate()) as client:
            client.login(self.person, self.password(self.person))
            client.send_message(new_message(subject, author=self.person), from_addr=self.person, to_addrs=[to])

    def stored(self, *criteria: str, of: str = "") -> list[bytes]:
        """What is in an inbox, byte for byte; the person's, or that of another address."""
        address = of or self.person
        with imaplib.IMAP4_SSL(self.instance.ip, 993, ssl_context=any_certificate(), timeout=30) as client:
            client.login(address, self.password(address))
            client.select("INBOX")
            numbers = client.search(None, *criteria)[1][0].split()
            answers = [client.fetch(number.decode(), "(BODY.PEEK[])")[1] for number in numbers]
        return [item[1] for answer in answers for item in answer if isinstance(item, tuple)]

    def received(self, subject: str, of: str = "") -> EmailMessage:
        """The message with this subject, once it came; it must have come once."""
        return parse(self.received_bytes(subject, of))

    def received_bytes(self, subject: str, of: str = "") -> bytes:
        (found,) = wait_for(lambda: self.stored("SUBJECT", f'"{subject}"', of=of), self.instance.log)
        return found

    def metric(self, sample: str) -> float:
        """A figure of /metrics, such as `mox_queue_connection_total{result="ok"}`; 0 before there is one."""
        with urllib.request.urlopen(f"http://{self.internal_ip}:{METRICS_PORT}/metrics", timeout=30) as response:
            lines = response.read().decode().splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(sample))


def parse(data: bytes) -> EmailMessage:
    message = message_from_bytes(data, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def make_site(folder: Path, domain: str, number: int, resolver: str) -> Site:
    """Sets up a server in a folder that is made for it; `number` tells its address from others of the test."""
    ip, internal_ip = own_ip(number), own_ip(number + 2)
    folder.mkdir()
    words = ("quickstart", "-skipdial", "-owncertificate", "-hostname", f"mx.{domain}", f"person@{domain}", "nobody")
    printed = mox(*words, folder=str(folder), MOX_RESOLVER=resolver)
    config = folder / "config" / "mox.conf"
    internal, public = config.read_text().split("\tpublic:\n")
    texts = [_IPS.sub(rf"\1IPs:\n\1\t- {one}\n", text) for one, text in ((internal_ip, internal), (ip, public))]
    text = "\tpublic:\n".join(texts)
    # A first contact waits, which each test would be.
    config.write_text(text.replace("\t\tSMTP:\n", "\t\tSMTP:\n\t\t\tFirstTimeSenderDelay: 0s\n"))
    command = ("-config", str(config), "serve")
    instance = Instance(folder, ip, (25, 465, 993), command, {"MOX_RESOLVER": resolver})
    return Site(domain, instance, config, printed, internal_ip)


def engine(site: Site) -> int:
    """The process that serves, below the one that was started."""
    assert site.instance.process is not None
    pid = site.instance.process.pid
    [found] = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(found)


def starts(site: Site) -> int:
    return site.instance.log().count(STARTED)


def send(site: Site) -> str:
    """A message from outside; its subject."""
    subject = new_subject()
    with smtplib.SMTP(site.instance.ip, 25, timeout=30) as client:
        client.starttls(context=any_certificate())
        client.send_message(new_message(subject), from_addr="someone@elsewhere.test", to_addrs=[site.person])
    return subject
