"""Commands that only print: settings of mail programs, licences, examples."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.cli.main import main
from tests.support.configuration import DOMAINS_CONF, MOX_CONF, small_live, write_configuration

WITHOUT_TLS = "\t\t\tEnabled: true\n\t\t\tNoRequireSTARTTLS: true\n"
WAYS = MOX_CONF.replace("Postmaster:\n", f"\t\tIMAP:\n{WITHOUT_TLS}\t\tSubmission:\n{WITHOUT_TLS}Postmaster:\n")


def test_ways_to_reach_the_server_are_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_configuration(tmp_path, WAYS, DOMAINS_CONF)
    assert main(["-config", str(path), "clientconfig", "example.com"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines[:2]] == [
        ["protocol", "host", "port", "security", "listener", "note"],
        ["IMAP", "mx.example.com", "143", "none", "local"],
    ]
    assert lines[2].startswith("Submission (SMTP)")
    assert "587" in lines[2]


def test_unknown_domain_and_a_server_without_mail_programs_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = ["-config", str(small_live(tmp_path).path)]
    assert main([*config, "clientconfig", "else.example"]) == 1
    assert "is not in domains.conf" in capsys.readouterr().err
    assert main([*config, "clientconfig", "example.com"]) == 1
    assert "nobody can use a mail program" in capsys.readouterr().err


def test_licences_and_examples_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["licenses"]) == 0
    assert "MIT License" in capsys.readouterr().out
    assert main(["example", "transport"]) == 0
    assert "Transports:" in capsys.readouterr().out
