"""The file that the sendmail stand-in submits by, moxsubmit.conf: where to, as whom, and what becomes of local mail.

The form and the names are those of the Go server's file, so that one file serves both programs.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from pathlib import Path

from app.config import reading
from app.config.reading import Reading
from app.config.schema import optional, optional_secret, required, settings
from app.errors import ConfigError, WireError
from app.wire.domain import parse_domain
from app.wire.sasl.servers import find_mechanism
from app.wire.smtp.address import parse_address

SUBMIT_FILE = Path("/etc/moxsubmit.conf")
SEED_BYTES = 32


@settings
class Submit:
    """The whole of moxsubmit.conf."""

    local_hostname: str = required("Name of this machine, for the greeting and for Message-Ids.")
    host: str = required("Name or IP address of the mail server.")
    port: int = required("Port of the server: 465 with TLS, 587 with STARTTLS.")
    tls: bool = required("TLS from the first byte on, as on port 465.", name="TLS")
    starttls: bool = required("Demand STARTTLS, as on port 587.", name="STARTTLS")
    tls_insecure_skip_verify: bool = optional(
        "Accept any certificate of the server. Whoever sits between can then read the mail and the password.",
        default=False,
        name="TLSInsecureSkipVerify",
    )
    username: str = required("Name to sign in with: an address of the account.")
    password: str = optional_secret("Password to sign in with. Give this, or one of the two client keys.", default="")
    client_auth_ed25519_private_key: str = optional_secret(
        "Client key to sign in with: the 32 bytes of an Ed25519 key in URL-safe base64 without padding.", default=""
    )
    client_auth_cert_private_key_pem_file: str = optional(
        "File with a client certificate and its private key, as PEM, to sign in with.",
        default="",
        name="ClientAuthCertPrivateKeyPEMFile",
    )
    auth_method: str = required("SASL mechanism to sign in with; empty for the strongest that both sides know.")
    from_: str = required("Address that mail is sent from; it must be one of the account.", name="From")
    default_destination: str = optional(
        "Address that gets mail for names without a domain, and for those at localhost, such as root.", default=""
    )
    require_tls: str = optional(
        "yes: the whole way must be protected by TLS (RFC 8689), or the mail comes back. no: mail may pass where the "
        "recipient's own policy demands better TLS than there is.",
        default="",
        name="RequireTLS",
    )


def load_submit(path: Path) -> Submit:
    """The settings; raises ConfigError with everything that is wrong, and OSError."""
    found = reading.read(path.read_bytes(), str(path), Submit)
    if not found.problems:
        _check(found)
    if found.problems:
        raise ConfigError(found.problems)
    return found.value


def seed(text: str) -> bytes:
    """The bytes of an Ed25519 private key; raises ValueError."""
    try:
        found = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        found = b""
    if len(found) != SEED_BYTES:
        raise ValueError(f"this is not {SEED_BYTES} bytes in URL-safe base64")
    return found


def _check(found: Reading[Submit]) -> None:
    value, places = found.value, found.places

    def complain(setting: str, text: str) -> None:
        places.complain((setting,), text, places.lines.get((setting,), 0))

    _check_server(value, complain)
    secrets = (value.password, value.client_auth_ed25519_private_key, value.client_auth_cert_private_key_pem_file)
    if sum(map(bool, secrets)) != 1:
        complain("Username", "give one of Password, ClientAuthEd25519PrivateKey, ClientAuthCertPrivateKeyPEMFile")
    if value.client_auth_ed25519_private_key:
        try:
            seed(value.client_auth_ed25519_private_key)
        except ValueError as error:
            complain("ClientAuthEd25519PrivateKey", str(error))
    if value.auth_method and find_mechanism(value.auth_method) is None:
        complain("AuthMethod", "there is no such mechanism; leave it empty for the strongest")
    for setting, text in (("From", value.from_), ("DefaultDestination", value.default_destination)):
        try:
            if text or setting == "From":
                parse_address(text)
        except WireError as error:
            complain(setting, f"this is not a mail address: {error}")
    if value.require_tls not in ("", "yes", "no"):
        complain("RequireTLS", "say yes or no, or leave it out")


def _check_server(value: Submit, complain: Callable[[str, str], None]) -> None:
    if value.tls and value.starttls:
        complain("STARTTLS", "TLS and STARTTLS exclude each other")
    if not 0 < value.port < 65536:
        complain("Port", "ports are 1 to 65535")
    if not value.host:
        complain("Host", "give the name or the IP address of the mail server")
    try:
        parse_domain(value.local_hostname)
    except WireError as error:
        complain("LocalHostname", f"this is not a host name: {error}")
