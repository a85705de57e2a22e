"""A whole Dovecot: sign-in, TLS, folders below a prefix. For tests that move mail away from it."""

from __future__ import annotations

import contextlib
import imaplib
import os
import ssl
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.end_to_end.reading import wait_for
from tests.support.certificates import write_pair

PROGRAM = Path("/usr/sbin/dovecot")
NOBODY = 65534
HOST = "imap.example.org"
USER, PASSWORD = "jane@example.org", "old-secret"
SETTINGS = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap
listen = {ip}
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{key}
ssl_dh =
disable_plaintext_auth = yes
auth_mechanisms = {mechanisms}
mail_location = maildir:{folder}/mail
first_valid_uid = 0
mail_max_userip_connections = 50
namespace inbox {{
  inbox = yes
  prefix = INBOX.
  separator = .
  mailbox Gesendet {{
    special_use = \\Sent
  }}
}}
passdb {{
  driver = static
  args = password={{PLAIN}}{password}
}}
userdb {{
  driver = static
  args = uid=65534 gid=65534 home={folder}/home
}}
"""


@dataclass(frozen=True, slots=True)
class Dovecot:
    """A running one."""

    ip: str
    folder: Path
    certificate: Path

    def trust(self) -> ssl.SSLContext:
        """Of its certificate alone."""
        return ssl.create_default_context(cafile=str(self.certificate))

    @contextlib.contextmanager
    def client(self) -> Iterator[imaplib.IMAP4]:
        """Signed in by the standard library's client."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with imaplib.IMAP4_SSL(self.ip, 993, ssl_context=context, timeout=20) as client:
            client.login(USER, PASSWORD)
            yield client


@contextlib.contextmanager
def whole_dovecot(ip: str, mechanisms: str = "plain login") -> Iterator[Dovecot]:
    """On ports 143 and 993 of an address of this machine; the test is skipped where that cannot be."""
    if not PROGRAM.exists():
        pytest.skip("dovecot-imapd is not installed; see tests/packages.txt")
    if os.getuid() != 0:
        pytest.skip("only root can use ports 143 and 993")
    # Not a directory of pytest: those cannot be entered by another user.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        for part in ("mail", "home"):
            (folder / part).mkdir()
            os.chown(folder / part, NOBODY, NOBODY)
        certificate, key = write_pair(folder, HOST)
        settings = folder / "dovecot.conf"
        values = {"folder": folder, "ip": ip, "certificate": certificate, "key": key}
        settings.write_text(SETTINGS.format(**values, mechanisms=mechanisms, password=PASSWORD))
        with subprocess.Popen([PROGRAM, "-F", "-c", settings]) as process:
            try:
                running = Dovecot(ip, folder, certificate)
                wait_for(lambda: _answers(running), lambda: _log(folder))
                yield running
            finally:
                process.terminate()


def _answers(running: Dovecot) -> bool:
    try:
        with running.client():
            return True
    except (OSError, imaplib.IMAP4.error):
        return False


def _log(folder: Path) -> str:
    log = folder / "log"
    return log.read_text() if log.exists() else "no log"
