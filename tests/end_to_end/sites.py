"""A server for one domain with one person, run from mox.pyz as `serve` is in earnest: as root, on the real ports."""

from __future__ import annotations

import imaplib
import smtplib
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from tests.end_to_end.conftest import own_ip
from tests.end_to_end.reading import any_certificate, new_message, wait_for
from tests.support.built import Instance, mox
from tests.support.certificates import write_pair

PASSWORD = "correct horse"
MOX_CONF = """\
DataDir: ../data
User: nobody
LogLevel: debug
Hostname: mx.{domain}
Listeners:
	public:
		IPs:
			- {ip}
		Hostname: mx.{domain}
		TLS:
			KeyCerts:
				-
					CertFile: mx.{domain}-ecdsa.pem
					KeyFile: mx.{domain}-ecdsa-key.pem
		SMTP:
			Enabled: true
		Submission:
			Enabled: true
		IMAP:
			Enabled: true
Postmaster:
	Account: person
	Mailbox: Postmaster
"""
DOMAINS_CONF = """\
Domains:
	{domain}:
		LocalpartCatchallSeparator: +
Accounts:
	person:
		Domain: {domain}
		Destinations:
			person@{domain}: nil
		NoFirstTimeSenderDelay: true
"""


@dataclass(frozen=True, slots=True)
class Site:
    """One domain, its server and its only person."""

    domain: str
    instance: Instance
    config: Path

    @property
    def person(self) -> str:
        return f"person@{self.domain}"

    def command(self, *words: str, given: str = "") -> str:
        return mox("-config", str(self.config), *words, given=given, **self.instance.settings)

    def submit(self, subject: str, to: str) -> None:
        with smtplib.SMTP(self.instance.ip, 587, timeout=30) as client:
            client.starttls(context=any_certificate())
            client.login(self.person, PASSWORD)
            client.send_message(new_message(subject, author=self.person), from_addr=self.person, to_addrs=[to])

    def messages(self, *criteria: str) -> list[EmailMessage]:
        """What is in the person's inbox."""
        with imaplib.IMAP4(self.instance.ip, 143, timeout=30) as client:
            client.starttls(any_certificate())
            client.login(self.person, PASSWORD)
            client.select("INBOX")
            numbers = client.search(None, *criteria)[1][0].split()
            raw = [client.fetch(number.decode(), "(BODY.PEEK[])")[1][0][1] for number in numbers]
        parsed = [message_from_bytes(one, policy=policy.default) for one in raw]
        return [one for one in parsed if isinstance(one, EmailMessage)]

    def received(self, subject: str) -> EmailMessage:
        """The message with this subject, once it came; it must have come once."""
        (found,) = wait_for(lambda: self.messages("SUBJECT", f'"{subject}"'), self.instance.log)
        return found


def make_site(folder: Path, domain: str, number: int, resolver: str) -> Site:
    ip = own_ip(number)
    config = folder / "config"
    config.mkdir(parents=True)
    (config / "mox.conf").write_text(MOX_CONF.format(domain=domain, ip=ip))
    (config / "domains.conf").write_text(DOMAINS_CONF.format(domain=domain))
    write_pair(config, f"mx.{domain}")
    command = ("-config", str(config / "mox.conf"), "serve")
    instance = Instance(folder, ip, (25, 587, 143), command, {"MOX_RESOLVER": resolver})
    return Site(domain, instance, config / "mox.conf")
