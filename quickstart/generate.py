"""Answers to a configuration: mox.conf, domains.conf, keys, certificate, passwords, service unit and DNS records.

Pure but for random numbers: nothing is read, written or looked up. Two shapes: the server has ports 80 and 443 itself,
or it stands behind a web server that is there already (`existing_webserver`), which then passes some requests on.

What must not change while DNS records are being published (keys, certificate, the time in policy ids) is `Material`:
made once by `make_material` and kept. Everything else follows from answers and material, the same each time.

Certificates come from Let's Encrypt, unless another web server has the ports or `own_certificate` says that we sign one
ourselves; the file and `Generated.notes` say which. DKIM signs with RSA and Ed25519, relaxed; MTA-STS starts in testing
mode.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from app.config.dynamic import Destination, Dynamic
from app.config.listener import (
    Imaps,
    KeyCert,
    Listener,
    ListenerTls,
    Metrics,
    Smtp,
    Submissions,
    WebserverHttp,
    WebserverHttps,
    WebService,
    WellKnown,
)
from app.config.schema import IPAddress
from app.config.static import DEFAULT_SPECIAL_USE, HostTlsRpt, InitialMailboxes, Postmaster, Static
from app.config.writing import FORMAT_NOTE, write
from app.log import Level
from app.net.selfsigned import SelfSigned, make_self_signed
from app.operations.accounts import new_account
from app.operations.adminpassword import make_password
from app.operations.automaticcertificates import NAME, letsencrypt
from app.operations.dkimkeys import DkimKey, dkim_settings, make_keys
from app.operations.domains import (
    TLSRPT_LOCALPART,
    TLSRPT_MAILBOX,
    NewDomain,
    client_settings_domain,
    new_domain,
)
from app.wire.domain import Domain, parse_domain
from app.wire.smtp.address import Address
from quickstart import serviceunit
from quickstart.serviceunit import Place
from quickstart.texts import (
    AUTOMATIC,
    AUTOMATIC_COMMENT,
    OWN_CERTIFICATE,
    OWN_CERTIFICATE_COMMENT,
    PROXY_NOTE,
)

CERTIFICATE_FILE = "tls/selfsigned.crt.pem"
KEY_FILE = "tls/selfsigned.key.pem"
BLOCK_LISTS = ("sbl.spamhaus.org", "bl.spamcop.net")
PROXIED_PAGES_PORT, PROXIED_FILES_PORT = 1080, 81
LOOPBACK = (ipaddress.IPv4Address("127.0.0.1"), ipaddress.IPv6Address("::1"))
ALL = (ipaddress.IPv4Address(0), ipaddress.IPv6Address(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What is decided before anything is made."""

    address: Address  # of the first account, whose localpart becomes its name
    hostname: Domain
    ips: Sequence[IPAddress]  # to listen on; none for all
    nat_ips: Sequence[IPAddress] = ()  # by which the world reaches us, when others
    user: str = ""  # system user, when not mox
    existing_webserver: bool = False
    own_certificate: bool = False  # no authority is asked
    working_directory: str = ""  # for the service unit
    archive: str = ""  # mox.pyz, for the service unit; when it is not in the working directory


@dataclass(frozen=True, slots=True, kw_only=True)
class Generated:
    """Everything to write and to show."""

    static: Static
    dynamic: Dynamic
    account: str
    account_password: str = field(repr=False)  # random at each call, and stored only as its hash
    admin_password_file: bytes = field(repr=False)
    keys: Sequence[DkimKey]
    certificate: SelfSigned
    notes: Sequence[str]
    service_unit: str

    @property
    def mox_conf(self) -> bytes:
        """The text of mox.conf."""
        text = write(self.static, note=FORMAT_NOTE, docs=True).decode()
        note = AUTOMATIC_COMMENT if self.static.acme else OWN_CERTIFICATE_COMMENT
        return _with_note(text, "\t\tTLS:\n", note).encode()

    @property
    def domains_conf(self) -> bytes:
        """The text of domains.conf."""
        return write(self.dynamic, note=FORMAT_NOTE, docs=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What is made once: DNS records name it."""

    made: float
    domain: Domain  # whose keys these are
    keys: Sequence[DkimKey]
    names: Sequence[str]  # of the certificate
    certificate: SelfSigned


def make_material(answers: Answers, now: float) -> Material:
    """New keys and a certificate. Takes a few hundred milliseconds, most of it for the RSA key."""
    names = certificate_names(answers)
    return Material(
        made=now,
        domain=answers.address.domain,
        keys=make_keys(answers.address.domain, now),
        names=names,
        certificate=make_self_signed(names, now),
    )


def fitting_material(present: Material | None, answers: Answers, now: float) -> Material:
    """What is there, as far as it fits the answers; the rest is made anew."""
    if present is None or present.domain != answers.address.domain:
        return make_material(answers, now)
    names = certificate_names(answers)
    if list(present.names) == names:
        return present
    return replace(present, names=names, certificate=make_self_signed(names, now))


def generate(answers: Answers, material: Material, admin_password_file: bytes) -> Generated:
    """Make everything; only `apply` writes it. `admin_password_file` is what `hash_password` gives."""
    return Generated(
        static=_static(answers),
        dynamic=_dynamic(answers, material.keys, material.made),
        account=account_name(answers.address),
        account_password=make_password(),
        admin_password_file=admin_password_file,
        keys=material.keys,
        certificate=material.certificate,
        notes=_notes(answers),
        service_unit=service_unit(answers),
    )


def is_automatic(answers: Answers) -> bool:
    """Whether certificates come by themselves."""
    return not (answers.existing_webserver or answers.own_certificate)


def _notes(answers: Answers) -> Sequence[str]:
    if is_automatic(answers):
        return (AUTOMATIC,)
    return (OWN_CERTIFICATE, PROXY_NOTE) if answers.existing_webserver else (OWN_CERTIFICATE,)


def service_unit(answers: Answers) -> str:
    """The unit by which systemd runs the server."""
    directory = answers.working_directory or "/home/mox"
    archive = answers.archive or f"{directory}/mox.pyz"
    return serviceunit.service_unit(Place(directory=directory, archive=archive, user=answers.user or "mox"))


def account_name(address: Address) -> str:
    """The name of the first account."""
    return address.localpart.lower()


def certificate_names(answers: Answers) -> list[str]:
    """The host names that clients and servers connect to."""
    domain = answers.address.domain
    names = [answers.hostname, client_settings_domain(domain), parse_domain(f"autoconfig.{domain.ascii}")]
    return list(dict.fromkeys(name.ascii for name in [*names, parse_domain(f"mta-sts.{domain.ascii}")]))


def _static(answers: Answers) -> Static:
    name = account_name(answers.address)
    return Static(
        data_dir="../data",
        log_level=Level.DEBUG,
        user=answers.user or "mox",
        hostname=answers.hostname,
        acme={NAME: letsencrypt(answers.address)} if is_automatic(answers) else {},
        admin_password_file="adminpasswd",
        listeners={"internal": _internal(answers), "public": _public(answers)},
        postmaster=Postmaster(account=name, mailbox="Postmaster"),
        host_tlsrpt=HostTlsRpt(account=name, mailbox=TLSRPT_MAILBOX, localpart=TLSRPT_LOCALPART),
        initial_mailboxes=InitialMailboxes(special_use=DEFAULT_SPECIAL_USE),
    )


def _internal(answers: Answers) -> Listener:
    """For this machine only: pages, figures, and what a web server in front passes on."""
    proxied = answers.existing_webserver
    pages = WebService(enabled=True, port=pages_port(answers), forwarded=proxied)
    files = WellKnown(enabled=True, port=PROXIED_FILES_PORT, non_tls=True, forwarded=True) if proxied else None
    return Listener(
        ips=LOOPBACK,
        hostname=Domain("localhost"),
        account_http=pages,
        admin_http=pages,
        webmail_http=pages,
        webapi_http=pages,
        metrics_http=Metrics(enabled=True),
        autoconfig_https=files,
        mtasts_https=files,
        webserver_http=WebserverHttp(enabled=True, port=PROXIED_FILES_PORT) if proxied else None,
    )


def pages_port(answers: Answers) -> int:
    """The port of the pages on loopback; 0 for the usual one."""
    return PROXIED_PAGES_PORT if answers.existing_webserver else 0


def _public(answers: Answers) -> Listener:
    """For the world."""
    own_web = not answers.existing_webserver
    return Listener(
        ips=tuple(answers.ips) or ALL,
        nat_ips=tuple(answers.nat_ips),
        tls=_tls(answers),
        smtp=Smtp(enabled=True),
        submissions=Submissions(enabled=True),
        imaps=Imaps(enabled=True),
        autoconfig_https=WellKnown(enabled=True) if own_web else None,
        mtasts_https=WellKnown(enabled=True) if own_web else None,
        webserver_http=WebserverHttp(enabled=True) if own_web else None,
        webserver_https=WebserverHttps(enabled=True) if own_web else None,
    )


def _tls(answers: Answers) -> ListenerTls:
    if is_automatic(answers):
        return ListenerTls(acme=NAME, host_private_key_files=(KEY_FILE,))
    return ListenerTls(key_certs=(KeyCert(cert_file=CERTIFICATE_FILE, key_file=KEY_FILE),))


def _dynamic(answers: Answers, keys: Sequence[DkimKey], now: float) -> Dynamic:
    domain, name = answers.address.domain, account_name(answers.address)
    wanted = NewDomain(domain=domain, hostname=answers.hostname, account=name, serves_mtasts=True)
    return Dynamic(
        domains={domain: new_domain(wanted, dkim_settings(keys), now)},
        accounts={name: new_account(domain, {str(answers.address): Destination()})},
        monitor_dnsbls=tuple(Domain(zone) for zone in BLOCK_LISTS),
    )


def _with_note(text: str, before: str, note: str) -> str:
    """The text with a comment above a line, which stands under other comments already."""
    head, line, tail = text.partition(before)
    indent = line[: len(line) - len(line.lstrip("\t"))]
    rows = "".join(f"{indent}# {row}\n" for row in note.splitlines())
    return f"{head}{rows}{line}{tail}" if line else text
