"""Versions of the configuration: each state is kept, with who made it, and can be returned to."""

from __future__ import annotations

import dataclasses
import stat
from pathlib import Path

import pytest

from app.config import history as history_module
from app.config.dynamic import Account, Destination, Dynamic
from app.config.history import BY_HAND, NoSuchVersion, signed
from app.config.live import Live
from app.config.masking import MASK
from app.errors import ConfigError, Conflict
from tests.support.clock import SetClock

GOOD = Path(__file__).resolve().parent.parent / "data" / "config" / "good"


@pytest.fixture
def live(tmp_path: Path) -> Live:
    for name in ("mox.conf", "domains.conf"):
        (tmp_path / name).write_bytes((GOOD / name).read_bytes())
    return Live.open(tmp_path / "mox.conf", files=False, clock=SetClock())


def with_account(name: str):
    def edit(dynamic: Dynamic) -> Dynamic:
        account = Account(domain="example.org", destinations={f"{name}@example.org": Destination()})
        return dataclasses.replace(dynamic, accounts={**dynamic.accounts, name: account})

    return edit


def facts(live: Live) -> list[tuple[int, str, str]]:
    return [(one.number, one.by, one.what) for one in live.history.list()]


def test_every_state_is_kept_with_its_author(live):
    assert facts(live) == []
    original = live.domains_path.read_bytes()
    live.change(with_account("zoe"), by="admin page from 192.0.2.1")
    with signed("command line"):
        live.change(with_account("yan"), what="for the new colleague")
    assert facts(live) == [
        (3, "command line", "for the new colleague"),
        (2, "admin page from 192.0.2.1", "account zoe added"),
        (1, "", history_module.FIRST),
    ]
    assert live.history.text(1) == original
    assert live.history.text(3) == live.domains_path.read_bytes()
    assert live.history.list()[0].time == 1_800_000_000.0
    assert "+\tzoe:" in live.history.changes(2)
    assert "+\tyan:" in live.history.diff(2, live.domains_path.read_bytes())


def test_the_summary_names_what_changed(live):
    def edit(dynamic: Dynamic) -> Dynamic:
        jane = dataclasses.replace(dynamic.accounts["jane"], full_name="Jane", login_disabled="on leave")
        return dataclasses.replace(dynamic, accounts={**dynamic.accounts, "jane": jane})

    live.change(edit)
    assert live.history.list()[0].what == "account jane changed (LoginDisabled, FullName)"


def test_a_state_that_was_made_by_hand_is_kept_too(live):
    live.change(with_account("zoe"))
    by_hand = live.domains_path.read_bytes() + b"# my note\n"
    live.domains_path.write_bytes(by_hand)
    live.change(with_account("yan"))
    assert [what for _, _, what in facts(live)][:2] == ["account yan added", BY_HAND]
    assert live.history.text(3) == by_hand


def test_an_earlier_version_is_restored_byte_for_byte_and_used(live):
    original = live.domains_path.read_bytes()
    live.change(with_account("zoe"))
    live.restore(1, live.shown().digest, by="admin page from 192.0.2.1")
    assert live.domains_path.read_bytes() == original
    assert "zoe" not in live.dynamic.accounts
    assert facts(live)[0] == (3, "admin page from 192.0.2.1", "version 1 restored")


def test_a_version_that_would_be_wrong_now_is_not_restored(live):
    live.change(with_account("zoe"))
    path = live.config_dir / "history" / "domains.conf.000001"
    path.write_bytes(path.read_bytes() + b"Unknown: 1\n")
    before = live.domains_path.read_bytes()
    with pytest.raises(ConfigError):
        live.restore(1, live.shown().digest)
    with pytest.raises(NoSuchVersion):
        live.restore(77, live.shown().digest)
    assert live.domains_path.read_bytes() == before


def test_only_so_many_versions_are_kept_and_numbers_go_on(live, monkeypatch):
    monkeypatch.setattr(history_module, "MAX_VERSIONS", 4)
    for name in "abcdefgh":
        live.change(with_account(name))
    assert [number for number, _, _ in facts(live)] == [9, 8, 7, 6]
    assert len(list((live.config_dir / "history").iterdir())) == 4


def test_versions_are_as_private_as_the_file(live):
    live.domains_path.chmod(0o640)
    live.change(with_account("zoe"))
    directory = live.config_dir / "history"
    assert stat.S_IMODE(directory.stat().st_mode) == 0o750
    assert {stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()} == {0o640}


def test_a_change_works_without_a_place_for_history(live):
    (live.config_dir / "history").write_text("not a directory")
    live.change(with_account("zoe"))
    assert "zoe" in live.dynamic.accounts


def test_a_first_line_that_somebody_edited_hides_only_the_facts(live):
    live.change(with_account("zoe"))
    path = live.config_dir / "history" / "domains.conf.000002"
    path.write_bytes(b"# version: {\n" + path.read_bytes().split(b"\n", 1)[1])
    assert facts(live)[0] == (2, "", "")
    assert live.history.text(2) == live.domains_path.read_bytes()


def test_a_text_is_taken_whole_and_with_the_line_ends_of_a_form(live):
    shown = live.shown()
    text = shown.text.rstrip("\n").replace("\n", "\r\n").replace("\tjane:\r\n", "\t# first\r\n\tjane:\r\n")
    live.replace_text(text.encode(), shown.digest, by="admin page from 192.0.2.1")
    assert live.domains_path.read_bytes() == (GOOD / "domains.conf").read_bytes().replace(
        b"\tjane:\n", b"\t# first\n\tjane:\n"
    )


def test_a_wrong_text_is_refused_with_every_line(live):
    shown = live.shown()
    text = "Unknown: 1\n" + shown.text + "Other: 2\n"
    with pytest.raises(ConfigError) as raised:
        live.replace_text(text.encode(), shown.digest)
    lines = [problem.line for problem in raised.value.problems]
    assert lines == [1, text.count("\n")]
    assert [problem.line for problem in live.plan_text(text.encode()).problems] == lines
    assert live.domains_path.read_bytes() == (GOOD / "domains.conf").read_bytes()


def test_the_second_of_two_editors_is_shown_the_present_text(live):
    first = second = live.shown()
    live.replace_text(first.text.encode() + b"# one\n", first.digest)
    with pytest.raises(Conflict) as raised:
        live.replace_text(second.text.encode() + b"# two\n", second.digest)
    assert raised.value.present == first.text + "# one\n"
    live.replace_text(raised.value.present.encode() + b"# two\n", raised.value.digest)
    assert live.domains_path.read_text().endswith("# one\n# two\n")


def test_a_text_mends_a_file_that_is_wrong(live):
    live.domains_path.write_bytes(b"Nonsense\n")
    live.replace_text((GOOD / "domains.conf").read_bytes(), live.shown().digest)
    assert live.domains_path.read_bytes() == (GOOD / "domains.conf").read_bytes()


def test_a_plan_writes_nothing(live):
    plan = live.plan(with_account("zoe"))
    assert "+\tzoe:" in plan.diff
    assert live.plan_text(live.shown().text.encode() + b"# more\n").diff[-1] == "+# more"
    assert live.domains_path.read_bytes() == (GOOD / "domains.conf").read_bytes()


def test_mox_conf_is_changed_for_the_next_start_only(live):
    file = live.static_file
    assert not file.needs_restart
    shown = file.shown()
    assert MASK in shown.text
    text = shown.text.replace("LogLevel: info", "LogLevel: debug")
    assert "+LogLevel: debug" in file.plan_text(text.encode()).diff
    file.replace_text(text.encode(), shown.digest, by="admin page from 192.0.2.1", what="more in the log")
    assert file.needs_restart
    assert "+LogLevel: debug" in file.waiting()
    assert file.history.list()[0].what == "more in the log"
    expected = (GOOD / "mox.conf").read_bytes().replace(b"LogLevel: info", b"LogLevel: debug")
    assert live.path.read_bytes() == expected
    assert Live.open(live.path, files=False).static.log_level.name == "DEBUG"
    file.restore(1, file.shown().digest)
    assert not file.needs_restart


@pytest.mark.parametrize(
    ("old", "new"), [("Hostname: ", "Hostname: -"), ("\tAccount: jane", "\tAccount: nobody"), ("DataDir", "Data")]
)
def test_a_mox_conf_that_could_not_start_is_refused(live, old, new):
    file = live.static_file
    text = file.shown().text
    assert old in text
    assert file.plan_text(text.replace(old, new).encode()).problems
    with pytest.raises(ConfigError):
        file.replace_text(text.replace(old, new).encode(), file.shown().digest)
    with pytest.raises(Conflict):
        file.replace_text(text.encode(), "seen something else")
    assert not file.needs_restart
