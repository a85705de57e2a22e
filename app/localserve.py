"""The configuration of `localserve`: a whole server on high ports for developers, made at the first start.

Everything is in one directory: both files, a certificate for localhost, a DKIM key, and the data. The account is mox
with mox@localhost; its password and the rest of the behaviour (every recipient is taken, nothing leaves the machine)
are the business of `serve.py`. What is there is used again and never changed, so a developer may edit it.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import os
import sys
from pathlib import Path

from app.clock import SYSTEM, Clock
from app.config.dynamic import ConfigDomain, Destination, Dynamic
from app.config.listener import (
    Imap,
    Imaps,
    KeyCert,
    Listener,
    ListenerTls,
    Metrics,
    Smtp,
    Submission,
    Submissions,
    WebserverHttp,
    WebserverHttps,
    WebService,
    WellKnown,
)
from app.config.live import Live
from app.config.regexp import Regexp
from app.config.schema import IPAddress, Seconds
from app.config.static import DEFAULT_SPECIAL_USE, InitialMailboxes, Postmaster, Static
from app.config.webhandlers import WebHandler, WebStatic
from app.config.writing import FORMAT_NOTE, write
from app.errors import Refusal
from app.log import Level
from app.net.selfsigned import make_self_signed
from app.operations.accounts import new_account
from app.operations.adminpassword import hash_password
from app.operations.dkimkeys import DkimKey, dkim_settings, key_files, make_ed25519_key
from app.operations.newfiles import PRIVATE, NewFile, write_new_files
from app.wire.domain import Domain

LOCALHOST = Domain("localhost")
ACCOUNT = "mox"
ADDRESS = "mox@localhost"
PASSWORD = "moxmoxmox"  # known to everyone; the server answers on loopback addresses only, unless -ip says otherwise
ADMIN_PASSWORD = "moxadmin"
SELECTOR = "localserve"
RETIRED_PERIOD = Seconds(72 * 3600.0)
LOOPBACK: tuple[IPAddress, ...] = (ipaddress.IPv4Address("127.0.0.1"), ipaddress.IPv6Address("::1"))

_NOTE = FORMAT_NOTE + "\nMade by localserve, for developing and testing on this machine."


def default_dir() -> Path:
    """mox-localserve in the user's configuration directory."""
    if sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return base / "mox-localserve"


def prepare(directory: Path, ip: IPAddress | None = None, clock: Clock = SYSTEM) -> Path:
    """The path of mox.conf in `directory`, which is made when absent; `ip` counts only then.

    Raises Refusal when parts of it are there or it listens elsewhere, Temporary when it cannot be written.
    """
    path = directory / "mox.conf"
    if path.exists():
        _expect_address(path, ip)
        return path
    if directory.exists() and any(directory.iterdir()):
        raise Refusal(f"{directory} has files but no mox.conf; give an empty or new directory with -dir")
    write_new_files(_files(directory, (ip,) if ip else LOOPBACK, clock.now()))
    return path


def _expect_address(path: Path, ip: IPAddress | None) -> None:
    """Refuse a wish for another address than the one in the file, which is never changed."""
    if ip is None:
        return
    present = {str(one) for listener in Live.open(path).static.listeners.values() for one in listener.ips}
    if present != {str(ip)}:
        raise Refusal(
            f"{path} listens on {' and '.join(sorted(present))}; edit it there, or give a new directory with -dir"
        )


def _files(directory: Path, ips: tuple[IPAddress, ...], now: float) -> list[NewFile]:
    key = make_ed25519_key(LOCALHOST, SELECTOR, now)
    pair = make_self_signed(["localhost", *(str(ip) for ip in ips if not ip.is_unspecified)], now)
    return [
        NewFile(directory / "domains.conf", write(_dynamic(key), note=_NOTE)),
        NewFile(directory / "adminpasswd", hash_password(ADMIN_PASSWORD).encode(), PRIVATE),
        NewFile(directory / "localhost.crt", pair.certificate),
        NewFile(directory / "localhost.key", pair.key, PRIVATE),
        *key_files([key], directory),
        NewFile(directory / "mox.conf", write(_static(ips), note=_NOTE)),
    ]


def _static(ips: tuple[IPAddress, ...]) -> Static:
    return Static(
        data_dir=".",
        log_level=Level.TRACEAUTH,
        hostname=LOCALHOST,
        pedantic=True,
        admin_password_file="adminpasswd",
        listeners={"local": _listener(ips)},
        postmaster=Postmaster(account=ACCOUNT, mailbox="Postmaster"),
        initial_mailboxes=InitialMailboxes(special_use=DEFAULT_SPECIAL_USE),
    )


def _listener(ips: tuple[IPAddress, ...]) -> Listener:
    return Listener(
        ips=ips,
        tls=ListenerTls(key_certs=(KeyCert(cert_file="localhost.crt", key_file="localhost.key"),)),
        smtp=Smtp(enabled=True, port=1025),
        submission=Submission(enabled=True, port=1587, no_require_starttls=True),
        submissions=Submissions(enabled=True, port=1465),
        imap=Imap(enabled=True, port=1143, no_require_starttls=True),
        imaps=Imaps(enabled=True, port=1993),
        account_http=WebService(enabled=True, port=1080, path="/account/"),
        account_https=WebService(enabled=True, port=1443, path="/account/"),
        admin_http=WebService(enabled=True, port=1080),
        admin_https=WebService(enabled=True, port=1443),
        webmail_http=WebService(enabled=True, port=1080),
        webmail_https=WebService(enabled=True, port=1443),
        webapi_http=WebService(enabled=True, port=1080),
        webapi_https=WebService(enabled=True, port=1443),
        metrics_http=Metrics(enabled=True, port=1081),
        autoconfig_https=WellKnown(enabled=True, port=1443),
        webserver_http=WebserverHttp(enabled=True, port=1080),
        webserver_https=WebserverHttps(enabled=True, port=1443),
    )


def _dynamic(key: DkimKey) -> Dynamic:
    account = dataclasses.replace(
        new_account(LOCALHOST, {ADDRESS: Destination()}),
        subject_pass=None,
        no_custom_password=False,
        no_first_time_sender_delay=True,
        keep_retired_message_period=RETIRED_PERIOD,
        keep_retired_webhook_period=RETIRED_PERIOD,
    )
    files = WebHandler(
        log_name="workdir",
        domain=LOCALHOST,
        path_regexp=Regexp("^/workdir/"),
        dont_redirect_plain_http=True,
        web_static=WebStatic(strip_prefix="/workdir/", root=".", list_files=True),
    )
    return Dynamic(
        domains={LOCALHOST: ConfigDomain(localpart_catchall_separator="+", dkim=dkim_settings([key]))},
        accounts={ACCOUNT: account},
        web_handlers=(files,),
    )
