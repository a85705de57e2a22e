"""mox.conf from certificates in files to those that come by themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.config.live import Live
from app.errors import Refusal
from app.operations.automaticcertificates import DIRECTORY_URL, candidates, use_letsencrypt
from app.wire.smtp.address import parse_address
from tests.support.configuration import DOMAINS_CONF

JANE = parse_address("jane@example.com")
MOX_CONF = """DataDir: data
LogLevel: info
Hostname: mx.example.com
# Where it listens.
Listeners:
	public:
		IPs:
			- 198.51.100.7
		TLS:
			# Made by the set-up.
			KeyCerts:
				-
					CertFile: tls/self.crt
					KeyFile: tls/self.key
		SMTP:
			Enabled: true
	local:
		IPs:
			- 127.0.0.1
		TLS:
			KeyCerts:
				-
					CertFile: tls/local.crt
					KeyFile: tls/local.key
Postmaster:
	Account: jane
	Mailbox: Inbox
"""


def opened(directory: Path, text: str = MOX_CONF) -> Live:
    (directory / "mox.conf").write_text(text)
    (directory / "domains.conf").write_text(DOMAINS_CONF)
    return Live.open(directory / "mox.conf", files=False)


def test_public_listeners_change_and_keep_their_keys(tmp_path: Path) -> None:
    live = opened(tmp_path)
    assert candidates(live.static) == ["public"]
    use_letsencrypt(live, JANE)
    text = (tmp_path / "mox.conf").read_text()
    assert "# Where it listens." in text
    after = Live.open(tmp_path / "mox.conf", files=False).static
    tls = after.listeners["public"].tls
    assert tls is not None
    assert (tls.acme, tls.key_certs, tls.host_private_key_files) == ("letsencrypt", (), ("tls/self.key",))
    assert after.acme["letsencrypt"].directory_url == DIRECTORY_URL
    assert after.acme["letsencrypt"].contact_email == "jane@example.com"
    assert after.listeners["local"] == live.static.listeners["local"]
    assert live.static_file.needs_restart
    history = live.static_file.history
    assert MOX_CONF.encode() in [history.text(one.number) for one in history.list()]


def test_with_nothing_to_change_the_file_stays(tmp_path: Path) -> None:
    text = MOX_CONF.replace("198.51.100.7", "127.0.0.2")
    live = opened(tmp_path, text)
    with pytest.raises(Refusal, match="no listener"):
        use_letsencrypt(live, JANE)
    assert (tmp_path / "mox.conf").read_text() == text
