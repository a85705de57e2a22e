"""Commands that change domains.conf, with a server and without one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.cli.main import main
from app.config.live import Live
from app.store.datalock import DataLock
from tests.support.control import ControlWorld

CHANGES = (
    "config account add zoe zoe@example.com",
    "config address add @example.com zoe",
    "config alias add team@example.com jane@example.com ZOE@example.com",
    "config alias update -postpublic false -listmembers true team@example.com",
    "config alias addaddr team@example.com locked@example.com",
    "config alias rmaddr team@example.com jane@example.com",
    "config account disable zoe moved",
    "config domain add -disabled example.net new info",
)
QUESTIONS = {
    "config account list": "jane\nlocked\t(disabled)\nnew\nzoe\t(disabled)\n",
    "config account addresses zoe": "zoe@example.com\n@example.com\n",
    "config address account @example.com": "zoe\n",
    "config alias list example.com": "team@example.com\n",
    "config alias print team@example.com": "team@example.com\npostpublic false\nlistmembers true\nallowmsgfrom false\n"
    "member zoe@example.com\nmember locked@example.com\n",
    "config domain list": "example.com\nexample.net\t(disabled)\n",
}
UNDOING = (
    "config domain enable example.net",
    "config domain disable example.net",
    "config account enable zoe",
    "config alias rm team@example.com",
    "config address rm @example.com",
    "config account rm zoe",
)


@pytest.fixture(params=["running", "at rest"])
def run(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[Callable[[], None]], None]]:
    world = ControlWorld(tmp_path)
    monkeypatch.setenv("MOXCONF", str(world.live.path))
    yield world.run if request.param == "running" else lambda work: work()
    world.accounts.close()


def typed(words: str) -> int:
    return main(words.split())


def test_every_command_does_what_it_says(
    run: Callable[[Callable[[], None]], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = Live.open(tmp_path / "config" / "mox.conf").dynamic

    def work() -> None:
        for change in CHANGES:
            assert typed(change) == 0, capsys.readouterr().err
        for question, answer in QUESTIONS.items():
            capsys.readouterr()
            assert typed(question) == 0
            assert capsys.readouterr().out == answer, question
        for change in UNDOING:
            assert typed(change) == 0, capsys.readouterr().err

    run(work)
    live = Live.open(tmp_path / "config" / "mox.conf")
    assert {name: live.dynamic.accounts[name] for name in before.accounts} == before.accounts
    assert not live.dynamic.domains[next(iter(before.domains))].aliases
    assert {version.by for version in live.history.list() if version.by} == {"command line"}
    assert live.history.list()[0].what == "account zoe removed"


def test_a_removed_account_is_listed_brought_back_and_erased(
    run: Callable[[Callable[[], None]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    def work() -> None:
        assert typed("config account rm locked") == 0
        number = capsys.readouterr().out.split()[-1]
        assert typed("config account removed") == 0
        assert capsys.readouterr().out.startswith(f"{number}\t20")
        assert typed(f"config account restore {number}") == 0
        assert typed("config account addresses locked") == 0
        assert capsys.readouterr().out.endswith("\nlocked@example.com\n")
        assert typed("config account rm locked") == 0
        number = capsys.readouterr().out.split()[-1]
        assert typed(f"config account erase {number}") == 1
        assert "nothing was changed. To do it, add -yes" in capsys.readouterr().err
        assert typed(f"config account erase -yes {number}") == 0
        assert typed(f"config account restore {number}") == 1
        assert "no removed account" in capsys.readouterr().err

    run(work)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("config account add jane x@example.com", "there is an account 'jane' already"),
        ("config account add a/b x@example.com", "letters and digits"),
        ("config account rm jane", "Postmaster in mox.conf needs this account"),
        ("config address add JANE+x@example.com locked", "an address of the account 'jane' already"),
        ("config address add <script> locked", "'<script>' is not an address"),
        ("config alias add new@example.com nobody@example.com", "not an address of an account here"),
        ("config domain add example.com jane", "there is a domain example.com already"),
        ("config domain rm a..b", "'a..b' is not a domain"),
        ("config domain disable example.net", "there is no domain example.net"),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    run: Callable[[Callable[[], None]], None],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: str,
    reason: str,
) -> None:
    path = tmp_path / "config" / "domains.conf"
    before = path.read_text()
    codes: list[int] = []
    run(lambda: codes.append(typed(words)))
    assert codes == [1]
    assert reason in capsys.readouterr().err
    assert path.read_text() == before


def test_a_server_that_cannot_be_asked_is_not_written_past(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world = ControlWorld(tmp_path)
    monkeypatch.setenv("MOXCONF", str(world.live.path))
    before = world.live.domains_path.read_text()
    with DataLock(world.live.data_dir):
        assert typed("config account add zoe zoe@example.com") == 1
    assert "and answers no questions" in capsys.readouterr().err
    assert world.live.domains_path.read_text() == before
    world.queue.close()
    world.accounts.close()
