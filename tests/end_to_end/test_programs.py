"""`mox.pyz localserve` with programs from Debian: swaks, curl, and mbsync of isync."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.end_to_end.reading import ACCOUNT, PASSWORD, arrived, find, new_message, new_subject, signed_in
from tests.support.built import Instance, environment, everyones_python, readable_archive


def call(*command: str) -> str:
    """Runs a program that must succeed, and returns what it says."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed; see tests/packages.txt")
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5"])
def test_swaks_submits_with_starttls_and_each_mechanism(server: Instance, mechanism: str) -> None:
    subject = new_subject()
    sign_in = ["--auth", mechanism, "--auth-user", ACCOUNT, "--auth-password", PASSWORD]
    envelope = ["--from", ACCOUNT, "--to", "receiver@example.org", "--h-Subject", subject]
    said = call("swaks", "--server", server.ip, "--port", "1587", "--tls", *sign_in, *envelope)
    assert "TLS started" in said
    assert arrived(server, subject)["Subject"] == subject


def test_swaks_submits_over_implicit_tls(server: Instance) -> None:
    subject = new_subject()
    sign_in = ["--auth", "PLAIN", "--auth-user", ACCOUNT, "--auth-password", PASSWORD]
    envelope = ["--from", ACCOUNT, "--to", "receiver@example.org", "--h-Subject", subject]
    call("swaks", "--server", server.ip, "--port", "1465", "--tls-on-connect", *sign_in, *envelope)
    arrived(server, subject)


@pytest.mark.parametrize("options", [["--tls-optional"], ["--tls"], ["--pipeline"]])
def test_swaks_delivers_from_outside(server: Instance, options: list[str]) -> None:
    subject = new_subject()
    envelope = ["--from", "someone@example.com", "--to", ACCOUNT, "--h-Subject", subject]
    call("swaks", "--server", server.ip, "--port", "1025", *options, *envelope)
    arrived(server, subject)


@pytest.mark.parametrize("url", ["smtp://{ip}:1587", "smtps://{ip}:1465"])
def test_curl_submits(server: Instance, tmp_path: Path, url: str) -> None:
    subject = new_subject()
    (tmp_path / "message").write_bytes(new_message(subject, "sent by curl\r\n" * 5000).as_bytes())
    envelope = [
        "--mail-from",
        ACCOUNT,
        "--mail-rcpt",
        "receiver@example.org",
        "--upload-file",
        str(tmp_path / "message"),
    ]
    sign_in = ["--user", f"{ACCOUNT}:{PASSWORD}", "--insecure", "--ssl-reqd"]
    call("curl", "--silent", "--show-error", "--url", url.format(ip=server.ip), *sign_in, *envelope)
    assert arrived(server, subject).get_content().count("sent by curl") == 5000


@pytest.mark.parametrize("url", ["imap://{ip}:1143", "imaps://{ip}:1993"])
def test_curl_reads(server: Instance, url: str) -> None:
    subject = new_subject()
    with signed_in(server) as client:
        client.append("INBOX", None, None, new_message(subject, "read by curl\r\n").as_bytes())
        client.noop()
        (uid,) = find(client, subject)
    curl = ["curl", "--silent", "--show-error", "--insecure", "--user", f"{ACCOUNT}:{PASSWORD}"]
    base = url.format(ip=server.ip)
    assert "INBOX" in call(*curl, f"{base}/").upper()
    assert uid.decode() in call(*curl, f"{base}/INBOX", "--request", f'UID SEARCH SUBJECT "{subject}"')
    assert "read by curl" in call(*curl, f"{base}/INBOX;UID={uid.decode()}")
    assert subject in call(*curl, f"{base}/INBOX;UID={uid.decode()};SECTION=HEADER.FIELDS%20(SUBJECT)")


def test_curl_appends(server: Instance, tmp_path: Path) -> None:
    subject = new_subject()
    (tmp_path / "message").write_bytes(new_message(subject).as_bytes())
    sign_in = ["--user", f"{ACCOUNT}:{PASSWORD}"]
    call(
        "curl", "--silent", "--show-error", f"imap://{server.ip}:1143/Drafts", *sign_in, "-T", str(tmp_path / "message")
    )
    arrived(server, subject, "Drafts")


def over_network(server: Instance) -> str:
    """How mbsync reaches the server and signs in."""
    return f"Host {server.ip}\nPort 1143\nUser {ACCOUNT}\nPass {PASSWORD}\nSSLType None\nAuthMechs LOGIN\n"


def through_command(server: Instance) -> str:
    """As through ssh: a command that is started, and is signed in already."""
    words = [everyones_python(), str(readable_archive()), "-config", f"{server.directory}/mox.conf"]
    variables = [f"{name}={value}" for name, value in environment().items()]
    return f'Tunnel "{shlex.join(["env", "-i", *variables, *words, "admin", "imapserve", ACCOUNT])}"\n'


def synchronise(server: Instance, folder: Path, way: Callable[[Instance], str] = over_network) -> None:
    """Runs mbsync between the account's mailbox Sync and a Maildir."""
    settings = folder / "mbsyncrc"
    settings.write_text(
        f"""\
IMAPStore far
{way(server)}
MaildirStore near
Path {folder}/mail/
Inbox {folder}/mail/inbox
SubFolders Verbatim

Channel both
Far :far:
Near :near:
Pattern Sync
Create Both
Expunge Both
SyncState *
"""
    )
    (folder / "mail").mkdir(exist_ok=True)
    call("mbsync", "--config", str(settings), "--all")


def files(folder: Path) -> list[Path]:
    return [path for part in ("cur", "new") for path in (folder / "mail" / "Sync" / part).iterdir()]


@pytest.mark.parametrize("way", [over_network, through_command])
def test_mbsync_carries_messages_flags_and_deletions_both_ways(
    server: Instance, tmp_path: Path, way: Callable[[Instance], str]
) -> None:
    if shutil.which("mbsync") is None:
        pytest.skip("mbsync is not installed; see tests/packages.txt")
    first, second = new_subject(), new_subject()
    with signed_in(server) as client:
        client.delete("Sync")
        assert client.create("Sync")[0] == "OK"
        client.append("Sync", None, None, new_message(first).as_bytes())
        synchronise(server, tmp_path, way)
        (near,) = files(tmp_path)
        assert first in near.read_text()

        (tmp_path / "mail" / "Sync" / "cur" / "1.local:2,F").write_bytes(
            new_message(second).as_bytes().replace(b"\r\n", b"\n")
        )
        seen = near.parent.parent / "cur" / (near.name.split(":")[0] + ":2,S")
        near.rename(seen)
        synchronise(server, tmp_path, way)
        client.select("Sync")
        (uid,) = find(client, second)
        assert rb"\Flagged" in client.uid("FETCH", uid.decode(), "(FLAGS)")[1][0]
        (uid,) = find(client, first)
        assert rb"\Seen" in client.uid("FETCH", uid.decode(), "(FLAGS)")[1][0]

        client.uid("STORE", uid.decode(), "+FLAGS", r"(\Deleted)")
        client.expunge()
        synchronise(server, tmp_path, way)
        (left,) = files(tmp_path)
        assert second in left.read_text()
        left.unlink()
        synchronise(server, tmp_path, way)
        client.noop()
        assert find(client, second) == []
