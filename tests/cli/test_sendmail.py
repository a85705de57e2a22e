"""The sendmail stand-in, where it does not come as far as a server."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from app.cli.main import main

MESSAGE = b"Subject: x\n\nkeep me \xff\n"


@pytest.mark.parametrize(
    ("config", "said"),
    [(None, "describe-sendmail"), ("Host\n", "sendmail.conf:1"), ("Host: localhost\n", "LocalHostname")],
    ids=["missing", "no setting", "incomplete"],
)
def test_without_a_configuration_the_message_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], config: str | None, said: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(MESSAGE)))
    path = tmp_path / "sendmail.conf"
    if config is not None:
        path.write_text(config)
    assert main(["sendmail", f"-C{path}", "root"]) == 78
    [kept] = (tmp_path / "moxsubmit.failures").iterdir()
    assert kept.read_bytes() == MESSAGE
    error = capsys.readouterr().err
    assert said in error
    assert str(kept) in error
