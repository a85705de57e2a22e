"""`queue suppress`: what an operator says to a running server, and what it says back."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.cli.main import main
from app.store.suppressions import base_of
from app.wire.smtp.address import parse_address
from tests.support.control import ControlWorld


@pytest.mark.parametrize(
    ("address", "base"),
    [
        ("Joe.Doe+shop@Example.ORG", "joedoe@example.org"),
        ("joe-news@example.org", "joe@example.org"),
        ("+x@example.org", "+x@example.org"),
        ("-@example.org", "-@example.org"),
        ('"."@example.org', ".@example.org"),
        ("é.e@bücher.example", "ée@xn--bcher-kva.example"),
    ],
)
def test_addresses_are_compared_in_their_base_form(address: str, base: str) -> None:
    assert base_of(parse_address(address)) == base


def test_address_is_suppressed_listed_looked_up_and_removed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world = ControlWorld(tmp_path)
    suppress = ["-config", str(world.live.path), "queue", "suppress"]

    def said(*words: str, code: int = 0) -> str:
        assert main([*suppress, *words]) == code
        told = capsys.readouterr()
        return told.out + told.err

    def work() -> None:
        assert said("list") == "no suppressed addresses\n"
        assert said("add", "-reason", "left", "jane", "Joe.Doe@example.org") == ""
        assert "suppressed already" in said("add", "jane", "joedoe+x@example.org", code=1)
        assert "there is no account" in said("add", "nobody", "joe@example.org", code=1)
        assert "is no address" in said("add", "jane", "joe", code=1)
        assert said("list", "-account", "locked") == "no suppressed addresses\n"
        assert said("lookup", "joedoe@example.org").startswith("jane Joe.Doe@example.org since 20")
        assert said("lookup", "else@example.org") == "not suppressed\n"
        assert said("remove", "jane", "joedoe@example.org") == ""
        assert "has not suppressed" in said("remove", "jane", "joedoe@example.org", code=1)

    world.run(work)
