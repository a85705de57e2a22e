"""Every example configuration is one that a server would start with, and can be printed."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.assets import asset_path
from app.cli.command import Command
from app.cli.config import COMMANDS
from app.cli.main import main
from app.config.examples import NAMES, Example, example
from app.config.loading import load
from app.wire import sconf

MOX_CONF = """DataDir: ../data
LogLevel: info
Hostname: mail.example.org
Listeners:
\tlocal:
\t\tIPs:
\t\t\t- 127.0.0.1
Postmaster:
\tAccount: jane
\tMailbox: Postmaster
"""
DOMAINS_CONF = """Domains:
\texample.org: nil
Accounts:
\tjane:
\t\tDomain: example.org
\t\tDestinations:
\t\t\tjane@example.org: nil
"""


def with_part(usual: str, part: str) -> str:
    """The usual file with its sections replaced by those of the part that have the same name."""
    names = {line.text for line in sconf.parse(part.encode()).lines}
    rest = [line for line in sconf.parse(usual.encode()).lines if line.text not in names]
    return sconf.write(sconf.Document(rest)).decode() + part


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_a_configuration_without_problems(name: str, tmp_path: Path) -> None:
    found = example(name)
    (tmp_path / "mox.conf").write_text(with_part(MOX_CONF, found.static_part))
    (tmp_path / "domains.conf").write_text(with_part(DOMAINS_CONF, found.dynamic_part))
    assert load(tmp_path / "mox.conf", files=False).problems == []
    assert found.static_part or found.dynamic_part
    assert found.summary.endswith(".")
    assert len(found.summary) < 65  # beside its name on one line of a terminal


def test_a_mistake_in_an_example_would_be_found(tmp_path: Path) -> None:
    wrong = Example("wrong", "# Words.\n# In domains.conf:\nRoutes:\n\t-\n\t\tTransport: missing\n")
    (tmp_path / "mox.conf").write_text(with_part(MOX_CONF, wrong.static_part))
    (tmp_path / "domains.conf").write_text(with_part(DOMAINS_CONF, wrong.dynamic_part))
    assert "missing" in str(load(tmp_path / "mox.conf", files=False).problems)


def test_no_example_is_left_out() -> None:
    assert {path.stem for path in asset_path("app/data/examples").glob("*.conf")} == set(NAMES)


def test_the_help_names_every_example() -> None:
    command: Command = next(one for one in COMMANDS if one.words == "config example")
    assert f"Names: {', '.join(NAMES)}." in command.help.replace("\n", " ")


def test_examples_are_listed_and_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "example"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(NAMES)
    assert main(["config", "example", "nat"]) == 0
    assert capsys.readouterr().out == asset_path("app/data/examples/nat.conf").read_text()


def test_an_unknown_example_is_refused_with_the_nearest_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "example", "transports"]) != 0
    assert "did you mean transport?" in capsys.readouterr().err
