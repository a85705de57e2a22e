"""moxsubmit.conf: what is right, and what is said of what is wrong."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from app.config.describe import describe_submit
from app.config.submitfile import load_submit, seed
from app.errors import ConfigError

GOOD = {
    "LocalHostname": "web1.example.org",
    "Host": "mail.example.org",
    "Port": "465",
    "TLS": "true",
    "STARTTLS": "false",
    "Username": "web@example.org",
    "Password": "geheim 12",
    "AuthMethod": "",
    "From": "web@example.org",
}
KEY = base64.urlsafe_b64encode(bytes(32)).decode().rstrip("=")


def write(directory: Path, **changes: str | None) -> Path:
    path = directory / "moxsubmit.conf"
    lines = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    path.write_text("".join(f"{name}: {value}\n" for name, value in lines.items()))
    return path


def test_a_whole_file_is_read(tmp_path: Path) -> None:
    found = load_submit(
        write(tmp_path, DefaultDestination="admin@example.org", RequireTLS="no", TLSInsecureSkipVerify="true")
    )
    assert (found.host, found.port, found.tls, found.starttls) == ("mail.example.org", 465, True, False)
    assert (found.password, found.default_destination, found.require_tls) == ("geheim 12", "admin@example.org", "no")
    assert "geheim" not in repr(found)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"STARTTLS": "true"}, "exclude each other"),
        ({"Port": "0"}, "ports are 1 to 65535"),
        ({"Port": "70000"}, "ports are 1 to 65535"),
        ({"Host": ""}, "name or the IP address"),
        ({"LocalHostname": "a b"}, "not a host name"),
        ({"Password": None}, "give one of Password"),
        ({"ClientAuthEd25519PrivateKey": KEY}, "give one of Password"),
        ({"Password": None, "ClientAuthEd25519PrivateKey": KEY[:-2]}, "not 32 bytes"),
        ({"AuthMethod": "GUESS"}, "no such mechanism"),
        ({"From": "web"}, "not a mail address"),
        ({"From": None}, "From"),
        ({"DefaultDestination": "@"}, "not a mail address"),
        ({"RequireTLS": "perhaps"}, "yes or no"),
        ({"Nonsense": "1"}, "Nonsense"),
    ],
)
def test_what_is_wrong_is_named_by_file_and_line(tmp_path: Path, changes: dict[str, str | None], words: str) -> None:
    path = write(tmp_path, **changes)
    with pytest.raises(ConfigError) as caught:
        load_submit(path)
    text = "\n".join(map(str, caught.value.problems))
    assert words in text
    assert str(path) in text
    assert "geheim" not in text


def test_a_client_key_takes_the_place_of_a_password(tmp_path: Path) -> None:
    found = load_submit(write(tmp_path, Password=None, ClientAuthEd25519PrivateKey=KEY))
    assert seed(found.client_auth_ed25519_private_key) == bytes(32)


def test_the_annotated_file_names_every_setting_and_asks_for_a_secret(tmp_path: Path) -> None:
    text = describe_submit()
    assert all(f"\n{name}:" in text for name in (*GOOD, "RequireTLS", "ClientAuthCertPrivateKeyPEMFile"))
    path = tmp_path / "moxsubmit.conf"
    path.write_text(text)
    with pytest.raises(ConfigError):
        load_submit(path)
