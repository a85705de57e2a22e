"""What an operator does with a running server: commands, edits of domains.conf, a look at its process and figures."""

from __future__ import annotations

import imaplib
import os
import re
import shutil
import smtplib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.end_to_end.conftest import own_ip
from tests.end_to_end.reading import any_certificate, new_message, new_subject, wait_for
from tests.end_to_end.sites import FRIENDS_PASSWORD, Site, make_site
from tests.support.built import IS_ROOT, NOBODY, STOP_S, mox, open_place, readable_archive

pytestmark = pytest.mark.skipif(not IS_ROOT, reason="needs root, for port 25 and to drop it")
NO_RESOLVER = "127.0.0.1:1"


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with open_place() as place:
        made = make_site(place / "one.test", "one.test", 21, NO_RESOLVER)
        with made.instance.running():
            yield made


@pytest.fixture
def domains_conf(site: Site) -> Iterator[Path]:
    """The file, which gets back its text of before after the test."""
    before = site.domains_conf.read_text()
    yield site.domains_conf
    site.domains_conf.write_text(before)


def signs_in(site: Site, address: str, password: str) -> bool:
    with imaplib.IMAP4_SSL(site.instance.ip, 993, ssl_context=any_certificate(), timeout=30) as client:
        try:
            return client.login(address, password)[0] == "OK"
        except imaplib.IMAP4.error:
            return False


def rcpt_code(site: Site, address: str) -> int:
    """What the person, who is signed in, is told of an address that mail should go to."""
    with smtplib.SMTP_SSL(site.instance.ip, 465, timeout=30, context=any_certificate()) as client:
        client.login(site.person, site.password(site.person))
        client.mail(site.person)
        return client.rcpt(address)[0]


def fails(command: Callable[[], str]) -> str:
    """What a command says that must end with another code than 0."""
    with pytest.raises(AssertionError) as caught:
        command()
    return str(caught.value)


def test_nothing_runs_as_root_once_the_server_listens(site: Site) -> None:
    process = site.instance.process
    assert process is not None
    assert signs_in(site, site.person, site.password(site.person))  # so that threads for hashing and databases run
    engine = int(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text())
    threads = [*Path(f"/proc/{process.pid}/task").iterdir(), *Path(f"/proc/{engine}/task").iterdir()]
    assert len(threads) > 2
    for thread in threads:
        status = (thread / "status").read_text()
        assert re.search(rf"^Uid:(\t{NOBODY}){{4}}$", status, re.MULTILINE)
        assert re.search(r"^Gid:(\t(?!0\b)\d+){4}$", status, re.MULTILINE)
        assert re.search(r"^Groups:\s*$", status, re.MULTILINE)
        for kind in ("Inh", "Prm", "Eff", "Amb"):
            assert f"Cap{kind}:\t0000000000000000" in status
        assert "NoNewPrivs:\t1" in status


def test_what_the_server_wrote_is_its_own_and_nobody_elses_to_read(site: Site) -> None:
    data = site.config.parent.parent / "data"
    for path in [data, *data.rglob("*")]:
        assert path.stat().st_uid == NOBODY, path
    assert data.stat().st_mode & 0o007 == 0


def test_setaccountpassword_replaces_the_password_at_once(site: Site) -> None:
    first = site.password(site.person)
    assert signs_in(site, site.person, first)
    with imaplib.IMAP4_SSL(site.instance.ip, 993, ssl_context=any_certificate(), timeout=30) as open_session:
        open_session.login(site.person, first)
        open_session.select()
        site.command("setaccountpassword", "person", given="another password\n")
        assert open_session.noop()[0] == "OK", "who had the password before keeps the session"
    assert signs_in(site, site.person, "another password")
    assert not signs_in(site, site.person, first)
    site.command("setaccountpassword", "person", given=f"{first}\n")
    assert signs_in(site, site.person, first)
    assert "8 characters" in fails(lambda: site.command("setaccountpassword", "person", given="short\n"))
    assert "no account 'nobody'" in fails(lambda: site.command("setaccountpassword", "nobody", given="long enough\n"))
    assert signs_in(site, site.person, first)


def test_loglevels_changes_what_the_running_server_logs(site: Site) -> None:
    assert site.command("loglevels") == "(default): debug\n"

    def traces_of_a_conversation() -> list[str]:
        start = len(site.instance.log())
        assert rcpt_code(site, site.person) == 250
        return re.findall(r"l=trace\b.*pkg=smtpserver", site.instance.log()[start:])

    assert traces_of_a_conversation() == []
    site.command("loglevels", "trace", "smtpserver")
    assert site.command("loglevels") == "(default): debug\nsmtpserver: trace\n"
    assert traces_of_a_conversation()
    site.command("loglevels", "", "smtpserver")
    assert site.command("loglevels") == "(default): debug\n"
    assert traces_of_a_conversation() == []


def test_config_test_approves_the_files_of_quickstart_and_names_what_is_wrong(site: Site, domains_conf: Path) -> None:
    assert site.command("config", "test").endswith("\nconfig OK\n")
    text = domains_conf.read_text()
    line = text.splitlines().index("\t\tDomain: one.test") + 1
    domains_conf.write_text(text.replace("\t\tDomain: one.test", "\t\tDomain: nowhere.test"))
    assert f"domains.conf:{line}: Accounts.person.Domain: " in fails(lambda: site.command("config", "test"))


def test_metrics_count_what_happens(site: Site) -> None:
    sample = 'mox_smtpserver_connection_total{kind="smtp"}'
    before = site.metric(sample)
    smtplib.SMTP(site.instance.ip, 25, timeout=30).close()
    assert site.metric(sample) == before + 1


def test_accounts_and_addresses_added_to_domains_conf_work_without_a_restart(site: Site, domains_conf: Path) -> None:
    assert rcpt_code(site, site.friend) == 550
    site.add_friend()
    text = domains_conf.read_text()
    assert text.count(f"{site.person}: nil\n") == 1
    domains_conf.write_text(text.replace(f"{site.person}: nil\n", f"{site.person}: nil\n\t\t\tinfo@one.test: nil\n"))
    wait_for(lambda: rcpt_code(site, site.friend) == 250, site.instance.log)
    assert rcpt_code(site, "info@one.test") == 250
    site.command("setaccountpassword", "friend", given=f"{FRIENDS_PASSWORD}\n")
    subject = new_subject()
    site.submit(subject, site.friend)
    site.received(subject, of=site.friend)


def test_broken_edit_of_domains_conf_is_refused_logged_and_changes_nothing(site: Site, domains_conf: Path) -> None:
    start = len(site.instance.log())
    text = domains_conf.read_text()
    domains_conf.write_text(
        text.replace(f"{site.person}: nil", "office@one.test: nil").replace("Accounts:", "Acounts:")
    )
    wait_for(
        lambda: rcpt_code(site, site.person) and "domains.conf changed but is wrong" in site.instance.log()[start:],
        site.instance.log,
    )
    assert rcpt_code(site, site.person) == 250
    assert rcpt_code(site, "office@one.test") == 550
    assert "Acounts" in site.instance.log()[start:]
    assert signs_in(site, site.person, site.password(site.person))


def test_stop_ends_the_server_orderly_and_mail_is_there_after_the_next_start(site: Site) -> None:
    subject = new_subject()
    with smtplib.SMTP(site.instance.ip, 25, timeout=30) as client:
        client.starttls(context=any_certificate())
        client.send_message(new_message(subject), from_addr="someone@elsewhere.test", to_addrs=[site.person])
    process = site.instance.process
    assert process is not None
    assert site.command("stop") == "mox stopped\n"
    assert process.wait(STOP_S) == 0
    assert "no server answers" in fails(lambda: site.command("stop"))
    site.instance.start()
    site.received(subject)


def test_server_that_would_not_reach_its_files_without_root_says_what_is_in_the_way(site: Site) -> None:
    with open_place() as place:
        closed = place / "closed"
        closed.mkdir(mode=0o700)
        shutil.copytree(site.config.parent, closed / "config")
        path = closed / "config" / "mox.conf"
        path.write_text(path.read_text().replace(site.instance.ip, own_ip(22)).replace(site.internal_ip, own_ip(24)))
        said = fails(lambda: mox("-config", str(path), "serve"))
        assert f"user 'nobody' cannot reach {path.parent}, as it may not enter {closed};" in said
        assert "Traceback" not in said


def test_quickstart_says_what_to_enter_in_mail_programs_and_how_to_go_on(site: Site) -> None:
    for line in (
        f"In mail programs, sign in as {site.person}, with:",
        "    IMAP               mail.one.test, port 993, TLS",
        "    Submission (SMTP)  mail.one.test, port 465, TLS",
        f"    python3 {readable_archive()} serve",
    ):
        assert line in site.printed.splitlines()
    unit = (site.config.parent.parent / "mox.service").read_text()
    assert f"\nExecStart=/usr/bin/env python3 {readable_archive()} serve\n" in unit
    assert f"\nWorkingDirectory={site.config.parent.parent}\n" in unit


def test_wrong_configuration_starts_no_server_and_names_the_line(site: Site) -> None:
    with open_place() as place:
        shutil.copytree(site.config.parent, place / "config")
        path = place / "config" / "mox.conf"
        text = path.read_text()
        line = text.splitlines().index("Hostname: mx.one.test") + 1
        path.write_text(text.replace("\nHostname: mx", "\nHostnome: mx", 1))
        before = sorted(os.listdir(place))
        assert f"mox.conf:{line}: " in fails(lambda: mox("-config", str(path), "serve"))
        assert sorted(os.listdir(place)) == before
