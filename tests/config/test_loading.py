"""Files of Go mox load unchanged; broken files give all their complaints, each with its line.

`data/config/broken` has one folder for each case: its own mox.conf or domains.conf (the other comes from `good`), and
`expected.txt` with one `file:line: setting: words` for each complaint, in order.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from app.config.dynamic import Dynamic
from app.config.loading import DOMAINS_CONF, load
from app.config.reading import read
from app.config.static import Static, initial_mailboxes
from app.config.writing import write
from app.log import Level
from app.wire import sconf
from app.wire.domain import Domain

DATA = Path(__file__).resolve().parent.parent / "data" / "config"
GOOD = DATA / "good"
BROKEN = sorted(path.name for path in (DATA / "broken").iterdir())
FROM_GO = ("go-quickstart", "go-existing-webserver", "go-localserve")


@pytest.mark.parametrize("name", FROM_GO)
def test_files_of_go_mox_load_unchanged(name: str) -> None:
    loaded = load(DATA / name / "mox.conf", files=False)
    assert loaded.problems == []
    for reading in (loaded.static, loaded.dynamic):
        assert sconf.write(reading.document) == (DATA / name / reading.places.file).read_bytes()


@pytest.mark.parametrize("name", FROM_GO)
def test_written_in_our_form_they_mean_the_same(name: str) -> None:
    loaded = load(DATA / name / "mox.conf", files=False)
    for docs in (False, True):
        assert read(write(loaded.static.value, docs=docs), "mox.conf", Static).value == loaded.static.value
        assert read(write(loaded.dynamic.value, docs=docs), DOMAINS_CONF, Dynamic).value == loaded.dynamic.value


def test_localserve_of_go_mox_is_in_the_form_that_we_write() -> None:
    loaded = load(DATA / "go-localserve" / "mox.conf", files=False)
    assert write(loaded.static.value) == (DATA / "go-localserve" / "mox.conf").read_bytes()
    assert write(loaded.dynamic.value) == (DATA / "go-localserve" / DOMAINS_CONF).read_bytes()


def test_values_have_their_types_and_defaults() -> None:
    loaded = load(DATA / "go-quickstart" / "mox.conf", files=False)
    static, dynamic = loaded.static.value, loaded.dynamic.value
    public = static.listeners["public"]
    assert (static.hostname, static.log_level, static.user) == (Domain("mail.example.test"), Level.DEBUG, "mox")
    assert public.smtp is not None
    assert (public.smtp.port, public.smtp.first_time_sender_delay, public.smtp_max_message_size) == (
        25,
        15.0,
        104857600,
    )
    assert public.submission is None
    config = dynamic.domains[Domain("example.test")]
    assert config.mtasts is not None
    assert (config.mtasts.max_age, config.separators) == (86400.0, ("+",))
    account = dynamic.accounts["jane"]
    assert account.junk_filter is not None
    assert (account.junk_filter.threshold, account.max_outgoing_messages_per_day) == (0.95, 1000)
    assert account.destinations["jane@example.test"].rulesets == ()
    assert ("Drafts", "\\Drafts") in initial_mailboxes(static)


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_gives_all_its_complaints(name: str, tmp_path: Path) -> None:
    for file in ("mox.conf", DOMAINS_CONF):
        own = DATA / "broken" / name / file
        (tmp_path / file).write_bytes((own if own.exists() else GOOD / file).read_bytes())
    problems = [str(problem) for problem in load(tmp_path / "mox.conf", files=False).problems]
    assert problems == (DATA / "broken" / name / "expected.txt").read_text().splitlines()


def test_a_missing_file_is_one_problem(tmp_path: Path) -> None:
    (tmp_path / "mox.conf").write_bytes((GOOD / "mox.conf").read_bytes())
    problems = load(tmp_path / "mox.conf", files=False).problems
    assert [problem.text for problem in problems] == ["cannot be read: No such file or directory"]


def test_key_files_are_looked_at(tmp_path: Path) -> None:
    for file in ("mox.conf", DOMAINS_CONF):
        (tmp_path / file).write_bytes((DATA / "go-localserve" / file).read_bytes())
    (tmp_path / "localhost.crt").write_text("no certificate")
    (tmp_path / "localhost.key").write_text("no key")
    (tmp_path / "dkim").mkdir()
    key = "dkim/localserve._domainkey.localhost.20261122T164145.ed25519.privatekey.pkcs8.pem"
    (tmp_path / key).write_text("no key")
    problems = load(tmp_path / "mox.conf").problems
    assert [problem.path for problem in problems] == [
        "Listeners.local.TLS.KeyCerts[0]",
        "Domains.localhost.DKIM.Selectors.localserve.PrivateKeyFile",
    ]
