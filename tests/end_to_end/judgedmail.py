"""A new server of one person, and the world whose mail it judges: signed DNS, a Postfix that signs, strangers.

All is in a network of the test's own. The server is `quickstart` and `serve` of the built file, as root, on the real
ports, with a validating resolver in /etc/resolv.conf. Postfix and OpenDKIM are the mail server of honest domains at
another address; `hand_over` is anybody else who speaks SMTP.
"""

from __future__ import annotations

import imaplib
import shutil
import smtplib
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import pytest

from app.trust.dkim.keys import load_key, make_rsa
from tests.end_to_end.postfix import Postfix, running_postfix
from tests.end_to_end.reading import any_certificate, new_message, wait_for
from tests.end_to_end.signeddns import RESOLVER, Delegated, Trust, running_dns
from tests.end_to_end.sites import Site
from tests.support.built import STOP_S, Instance, environment, everyones_python, open_place, readable_archive
from tests.support.namespace import Disguise, any_address, own_network

IPV4, IPV6 = "45.138.52.10", "2a0e:dc0:52::10"
DOMAIN = "garden.example"
HOST = f"mail.{DOMAIN}"
PERSON = f"ann@{DOMAIN}"
HONEST_IP = "193.0.9.25"  # Postfix, and what SPF of its domains names
LISTS_IP = "193.0.9.26"  # a server of mailing lists
STRANGER_IP = "193.0.77.7"  # anybody's; without a name
MILTER_PORT = 8891
SIGNED = ("sender.example", "plain.example", "loose.example")  # by OpenDKIM

_CLIENTS = {HONEST_IP: "out.sender.example", LISTS_IP: "lists.list.example"}
_POSTFIX = f"""\
myhostname = out.sender.example
mynetworks = {IPV4} {HONEST_IP} 127.0.0.0/8
smtp_bind_address = {HONEST_IP}
smtp_tls_security_level = may
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_milters = inet:127.0.0.1:{MILTER_PORT}
milter_default_action = tempfail
"""
_OPENDKIM = """\
Mode s
Domain {domains}
Selector k
KeyFile {folder}/key.pem
RequireSafeKeys no
InternalHosts 0.0.0.0/0
Socket inet:{port}@127.0.0.1
Background no
Canonicalization relaxed/relaxed
UserID root
"""
_FILES = {
    "resolv.conf": f"nameserver {RESOLVER}\n",
    "hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n",
}


def _reverse(ip: str) -> str:
    return f"{'.'.join(reversed(ip.split('.')))}.in-addr.arpa."


def _text(value: str) -> str:
    return "TXT " + " ".join(f'"{value[at : at + 255]}"' for at in range(0, len(value), 255))


def _records(key: str, seal: str) -> str:
    """Of all domains but those that are zones of their own."""
    spf = f"v=spf1 ip4:{HONEST_IP} -all"
    lines = [
        "com. NS a.gtld-servers.net.",
        f"{DOMAIN}. MX 10 {HOST}.",
        f"{HOST}. A {IPV4}",
        f"{DOMAIN}. {_text('v=spf1 mx ~all')}",
        f"_dmarc.{DOMAIN}. {_text('v=DMARC1; p=reject')}",
        f"sender.example. {_text(spf)}",
        f"_dmarc.sender.example. {_text('v=DMARC1; p=reject')}",
        f"loose.example. {_text(spf)}",
        f"_dmarc.loose.example. {_text('v=DMARC1; p=none')}",
        *(f"{name}. {_text('v=spf1 -all')}" for name in ("fail.example", "strict.example", "wary.example")),
        f"_dmarc.strict.example. {_text('v=DMARC1; p=reject')}",
        f"_dmarc.wary.example. {_text('v=DMARC1; p=quarantine')}",
        f"list.example. {_text(f'v=spf1 ip4:{LISTS_IP} -all')}",
        *(f"k._domainkey.{name}. {_text(key)}" for name in ("sender.example", "loose.example")),
        f"s._domainkey.list.example. {_text(seal)}",
        *(f"{name}. A {ip}\n{_reverse(ip)} PTR {name}." for ip, name in _CLIENTS.items()),
    ]
    return "\n".join(lines) + "\n"


def _delegated(key: str) -> list[Delegated]:
    own = (
        f"@ {_text(f'v=spf1 ip4:{HONEST_IP} -all')}\n_dmarc {_text('v=DMARC1; p=reject')}\nk._domainkey {_text(key)}\n"
    )
    return [Delegated("plain.example", own, Trust.UNSIGNED), Delegated("bogus.example", own, Trust.BOGUS)]


@dataclass(frozen=True, slots=True)
class Judged:
    """The person's server, and the honest one."""

    site: Site
    postfix: Postfix

    def post(self, author: str, subject: str, *, text: str = "Hello Ann.\r\n") -> str:
        """A message by way of Postfix and OpenDKIM; the log line that says what became of it."""
        before = len(self._outcomes())
        with smtplib.SMTP(HONEST_IP, 25, timeout=30) as client:
            client.send_message(letter(author, subject, text=text), from_addr=author, to_addrs=[PERSON])
        return wait_for(lambda: self._outcomes()[before:], self.postfix.log)[0]

    def _outcomes(self) -> list[str]:
        """Of messages to the person; Postfix also sends notifications."""
        return [line for line in self.postfix.outcomes("smtp", 0) if f"to=<{PERSON}>" in line]

    def stored(self, subject: str, mailbox: str = "INBOX") -> bytes:
        """The one message with this subject, once it is there."""
        (found,) = wait_for(lambda: self.find(subject, mailbox), self.site.instance.log)
        return found

    def find(self, subject: str, mailbox: str = "INBOX") -> list[bytes]:
        """The messages with this subject."""
        with imaplib.IMAP4_SSL(IPV4, 993, ssl_context=any_certificate(), timeout=30) as client:
            client.login(PERSON, password(self.site))
            if client.select(mailbox, readonly=True)[0] != "OK":
                return []
            numbers = client.search(None, "SUBJECT", f'"{subject}"')[1][0].split()
            answers = [client.fetch(number.decode(), "(BODY.PEEK[])")[1] for number in numbers]
        return [item[1] for answer in answers for item in answer if isinstance(item, tuple)]


def password(site: Site) -> str:
    """What quickstart printed for the person."""
    return site.printed.partition("Account ann, password: ")[2].split("\n", 1)[0].strip()


def letter(author: str, subject: str, *, text: str = "Hello Ann.\r\n") -> EmailMessage:
    """A message to the person."""
    message = new_message(subject, text, author)
    message.replace_header("To", PERSON)
    return message


def hand_over(message: bytes, *, sender: str, ip: str = STRANGER_IP) -> tuple[int, str]:
    """The server's reply to a message of somebody who connects from an address, with TLS."""
    helo = _CLIENTS.get(ip, "localhost.localdomain")
    with smtplib.SMTP(IPV4, 25, local_hostname=helo, timeout=60, source_address=(ip, 0)) as client:
        client.starttls(context=any_certificate())
        client.ehlo()
        client.mail(sender)
        client.rcpt(PERSON)
        code, text = client.data(message)
        return code, text.decode()


@contextmanager
def judged_mail(settings: Sequence[tuple[str, str]] = (), seal: str = "v=DKIM1; p=") -> Iterator[Judged]:
    """Everything, running. `settings` are replacements in what quickstart wrote into domains.conf.

    `seal` is the key record with which list.example seals.
    """
    if shutil.which("opendkim") is None:
        pytest.skip("opendkim is not installed; see tests/packages.txt")
    readable_archive()  # building it may need the real network
    key = make_rsa()
    record = load_key(key).record()
    with open_place() as place, own_network(IPV4, IPV6), any_address():
        disguise = Disguise.make(place, "garden", _FILES, without_user="mox")
        within = tuple(disguise.words())
        with (
            running_dns(_folder(place, "dns"), _records(record, seal), _delegated(record)),
            _running_opendkim(_folder(place, "opendkim"), key),
            running_postfix(HONEST_IP, 25, _POSTFIX, within) as postfix,
        ):
            site = _site(_folder(place, "mail"), within, settings)
            with site.instance.running():
                yield Judged(site, postfix)


def _folder(place: Path, name: str) -> Path:
    folder = place / name
    folder.mkdir()
    return folder


@contextmanager
def _running_opendkim(folder: Path, key: bytes) -> Iterator[None]:
    (folder / "key.pem").write_bytes(key)
    (folder / "conf").write_text(_OPENDKIM.format(domains=",".join(SIGNED), folder=folder, port=MILTER_PORT))
    process = subprocess.Popen(["opendkim", "-f", "-x", str(folder / "conf")], stdin=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(STOP_S)


def _site(folder: Path, within: tuple[str, ...], settings: Sequence[tuple[str, str]]) -> Site:
    """Set up as the operator would, but that only one address is listened on, and first contacts do not wait."""
    words = (
        everyones_python(),
        str(readable_archive()),
        "quickstart",
        "-owncertificate",
        "-skipdial",
        "-hostname",
        HOST,
        PERSON,
        "nobody",
    )
    done = subprocess.run([*within, *words], cwd=folder, env=environment(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    config = folder / "config" / "mox.conf"
    internal, public = config.read_text().split("\tpublic:\n")
    public = public.replace("\t\t\t- 0.0.0.0\n", f"\t\t\t- {IPV4}\n").replace("\t\t\t- ::\n", "")
    public = public.replace("\t\tSMTP:\n", "\t\tSMTP:\n\t\t\tFirstTimeSenderDelay: 0s\n", 1)
    config.write_text(f"{internal}\tpublic:\n{public}")
    domains = config.with_name("domains.conf")
    text = domains.read_text()
    for old, new in settings:
        assert old in text, text
        text = text.replace(old, new)
    domains.write_text(text)
    instance = Instance(folder, IPV4, (25, 993), ("-config", str(config), "serve"), {}, within)
    return Site(DOMAIN, instance, config, done.stdout, "127.0.0.1")
