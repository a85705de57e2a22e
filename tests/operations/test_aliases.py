"""Aliases: each verb, what it refuses, and that members are found by what their address means."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.config.dynamic import Alias
from app.config.live import Live
from app.errors import Refusal
from app.operations import accounts, aliases
from app.operations.aliases import AliasFlags
from tests.support.operating import DOMAINS_CONF, open_live, text

TEAM = "team@example.org"


@pytest.fixture
def live(tmp_path: Path) -> Live:
    return open_live(tmp_path)


def members(live: Live, address: str = TEAM) -> tuple[str, ...]:
    return aliases.find_alias(live.dynamic, address).alias.addresses


def test_an_alias_comes_and_goes_and_leaves_the_file_as_it_was(live: Live) -> None:
    aliases.add_alias(live, "All@example.org", Alias(addresses=("JANE@example.org",), post_public=True))
    assert members(live, "all@EXAMPLE.org") == ("jane@example.org",)
    aliases.remove_alias(live, "all@example.org")
    assert text(live) == DOMAINS_CONF


@pytest.mark.parametrize(
    ("address", "typed", "reason"),
    [
        ("jane@example.org", ("joe@example.org",), "address of the account 'jane'"),
        ("TEAM@example.org", ("joe@example.org",), "an alias already"),
        ("new@example.net", ("joe@example.org",), "no domain example.net"),
        ("@example.org", ("joe@example.org",), "has a localpart"),
        ("new@example.org", (), "at least one member"),
        ("new@example.org", ("team@example.org",), "not an address of an account"),
        ("new@example.org", ("joe@example.org", "Joe@example.org"), "given twice"),
        ("new@example.org", ("<script>",), "not an address"),
    ],
)
def test_a_bad_alias_is_refused(live: Live, address: str, typed: tuple[str, ...], reason: str) -> None:
    with pytest.raises(Refusal, match=reason):
        aliases.add_alias(live, address, Alias(addresses=typed))
    assert text(live) == DOMAINS_CONF


def test_members_come_and_go(live: Live) -> None:
    accounts.add_address(live, "zoe@example.org", "joe")
    aliases.add_members(live, TEAM, ["ZOE@example.org"])
    assert members(live) == ("joe@example.org", "jane@example.org", "zoe@example.org")
    aliases.remove_members(live, TEAM, ["Jane@example.org", "zoe@example.org"])
    assert members(live) == ("joe@example.org",)
    with pytest.raises(Refusal, match="last member"):
        aliases.remove_members(live, TEAM, ["joe@example.org"])
    with pytest.raises(Refusal, match="not a member"):
        aliases.remove_members(live, TEAM, ["jane@example.org"])
    with pytest.raises(Refusal, match="a member already"):
        aliases.add_members(live, TEAM, ["joe@example.org"])


def test_only_the_flags_that_are_given_change(live: Live) -> None:
    aliases.update_alias(live, TEAM, AliasFlags(post_public=True))
    aliases.update_alias(live, TEAM, AliasFlags(list_members=True))
    found = aliases.find_alias(live.dynamic, TEAM).alias
    assert (found.post_public, found.list_members, found.allow_msg_from) == (True, True, False)
    aliases.update_alias(live, TEAM, AliasFlags(post_public=False, list_members=False))
    assert text(live) == DOMAINS_CONF


def test_an_alias_that_is_not_there_is_said_so(live: Live) -> None:
    with pytest.raises(Refusal, match=r"there is no alias jane@example\.org"):
        aliases.remove_alias(live, "jane@example.org")


def test_a_member_in_another_spelling_leaves_with_its_address(live: Live) -> None:
    live.domains_path.write_text(DOMAINS_CONF.replace("- joe@", "- JOE@"))
    accounts.remove_address(live, "joe@example.org")
    assert members(live) == ("jane@example.org",)
