"""Experiments with a junk filter in a file, on the forms in which people keep mail."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from app.cli.main import main
from app.store.corpus import read_samples

WANTED = "meeting report lunch budget review minutes agenda draft notes plan".split()
JUNK = "pills winner casino cheap viagra lottery prize offer unsubscribe click".split()


def text(words: list[str], number: int) -> bytes:
    said = " ".join(random.Random(number).choices(words, k=40))
    return f"From: a@example.org\nDate: Sun, 22 Nov 2026 10:{number % 60:02}:00 +0000\n\n{said}\n".encode()


@pytest.fixture
def mail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Wanted mail in a Maildir, junk in a mailbox file."""
    monkeypatch.chdir(tmp_path)
    for name in ("cur", "new", "tmp"):
        (tmp_path / "wanted" / name).mkdir(parents=True)
    for number in range(40):
        folder = "cur" if number % 2 else "new"
        (tmp_path / "wanted" / folder / f"{number:02}").write_bytes(text(WANTED, number))
    junk = b"".join(b"From a@example.org Sun Nov 22\n" + text(JUNK, number) + b"\n" for number in range(40))
    (tmp_path / "junk.mbox").write_bytes(junk)
    (tmp_path / "one.eml").write_bytes(text(JUNK, 99))
    return tmp_path


def test_a_filter_is_trained_and_then_tells_junk_from_wanted_mail(
    mail: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["junk", "train", "wanted", "junk.mbox"]) == 0
    assert "40 wanted and 40 junk" in capsys.readouterr().out
    assert main(["junk", "check", "one.eml"]) == 0
    first, word, *_ = capsys.readouterr().out.splitlines()
    assert float(first.split()[0]) > 0.95
    assert "junk, 0 wanted" in word
    assert main(["junk", "test", "-spam-threshold", "0.5", "wanted", "junk.mbox"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "wanted: 0 of 40 messages (0.00 %) called junk",
        "junk:   0 of 40 messages (0.00 %) missed",
    ]


def test_analyze_and_play_write_no_file_and_name_what_is_wrong(mail: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(mail.iterdir())
    assert main(["junk", "analyze", "-train-ratio", "0.75", "-seed", "3", "wanted", "junk.mbox"]) == 0
    assert "trained on 60 messages, tested on 20" in capsys.readouterr().out
    assert main(["junk", "play", "-wrong", "wanted", "junk.mbox"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any("junk.mbox:1" in line for line in lines), "the first junk comes before anything is learnt"
    assert sorted(mail.iterdir()) == before


def test_what_cannot_be_used_is_said(mail: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["junk", "check", "one.eml"]) == 1
    assert "junk train" in capsys.readouterr().err
    assert main(["junk", "analyze", "wanted", "nothing"]) == 1
    assert "nothing: No such file" in capsys.readouterr().err
    assert main(["junk", "play", "-spam-threshold", "x", "wanted", "junk.mbox"]) == 2
    (mail / "text.db").write_text("no database" * 100)
    assert main(["junk", "train", "-dbpath", "text.db", "wanted", "junk.mbox"]) == 1


def test_mailbox_files_lose_one_quote_and_keep_their_messages_apart(tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(b"From x\nA: 1\n\n>From here\n>>From there\n> no\n\nFrom y\nA: 2\n")
    samples = list(read_samples(tmp_path / "m"))
    assert [sample.data for sample in samples] == [b"A: 1\n\nFrom here\n>From there\n> no\n\n", b"A: 2\n"]
    assert [sample.place[-2:] for sample in samples] == [":1", ":2"]
