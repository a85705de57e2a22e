"""The account's addresses, aliases and names."""

from __future__ import annotations

import html
from pathlib import Path

import pytest

from app.config.dynamic import Destination, Ruleset
from app.config.regexp import Regexp
from app.operations.accountsettings import set_full_name
from app.operations.destinations import AddressOf, set_rulesets
from app.web.account.addresses import memberships
from tests.support.configuration import DOMAINS_CONF
from tests.web.world import World

ADDRESS = "jane@example.com"
SAVE = "/account/addresses/one/settings"
SCRIPT = "<script>alert(1)</script>"
ALIASES = """\t\tAliases:
\t\t\tteam:
\t\t\t\tAddresses:
\t\t\t\t\t- jane@example.com
\t\t\t\t\t- locked@example.com
\t\t\tsecret:
\t\t\t\tAddresses:
\t\t\t\t\t- locked@example.com
Accounts:
"""
WITH_MORE = DOMAINS_CONF.replace("Accounts:\n", ALIASES, 1).replace(
    "\t\t\té@example.com: nil\n", "\t\t\té@example.com: nil\n\t\t\t@example.com:\n\t\t\t\tMailbox: Rest\n"
)


def destination(world: World) -> Destination:
    return world.live.dynamic.accounts["jane"].destinations[ADDRESS]


def test_every_address_says_where_its_mail_goes_a_catchall_in_words(tmp_path: Path) -> None:
    with World(tmp_path, domains_conf=WITH_MORE) as world:
        page = world.account().get("/account/addresses").text
        assert "everything else at example.com" in page
        assert '<td data-label="Goes to">Rest</td>' in page
        assert "team@example.com" in page
        assert "secret@example.com" not in page
        assert "locked@example.com" not in page, "members see each other only where the alias says so"


def test_members_of_an_alias_are_seen_where_it_says_so(tmp_path: Path) -> None:
    conf = WITH_MORE.replace("\t\t\tteam:\n", "\t\t\tteam:\n\t\t\t\tListMembers: true\n")
    with World(tmp_path, domains_conf=conf) as world:
        dynamic = world.live.dynamic
        (found,) = memberships(dynamic, dynamic.accounts["jane"])
        assert (found.alias, found.address, found.may_send) == ("team@example.com", ADDRESS, False)
        assert found.members == (ADDRESS, "locked@example.com")
        assert "members: jane@example.com, locked@example.com" in world.account().get("/account/addresses").text


def test_settings_of_an_address_are_saved_and_its_rules_stay(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        rule = Ruleset(msg_from_regexp=Regexp("x"), mailbox="X")
        set_rulesets(world.live, AddressOf("jane", ADDRESS), [rule])
        jane = world.account()
        assert (
            jane.post(
                SAVE, {"address": ADDRESS, "mailbox": "inbox/Jane", "full_name": "J", "auth_error": "no"}
            ).status_code
            == 303
        )
        assert destination(world).message_auth_required_smtp_error == "no"
        assert (destination(world).mailbox, destination(world).full_name) == ("Inbox/Jane", "J")
        assert destination(world).rulesets == (rule,)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"mailbox": "a//b"}, "mailbox"),
        ({"mailbox": "x" * 1001}, "mailbox"),
        ({"full_name": "x" * 201}, "full_name"),
        ({"full_name": "a\x07b"}, "full_name"),
        ({"smtp_error": "go away"}, "smtp_error"),
        ({"smtp_error": "550 gone", "mailbox": "Lists"}, "smtp_error"),
        ({"auth_error": "größer"}, "auth_error"),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_what_was_typed_stays(
    tmp_path: Path, change: dict[str, str], field: str
) -> None:
    with World(tmp_path) as world:
        before = world.live.domains_path.read_bytes()
        fields = {"address": ADDRESS, "mailbox": "Typed", "full_name": 'Typed "too" <b>', **change}
        page = world.account().post(SAVE, fields)
        assert page.status_code == 422
        assert f'id="{field}-error"' in page.text
        for name in ("mailbox", "full_name"):
            assert html.escape(fields[name]).replace("&quot;", "&#34;") in page.text
        assert world.live.domains_path.read_bytes() == before


def test_the_second_of_two_browsers_is_shown_what_changed(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        jane = world.account()
        set_full_name(world.live, "jane", "Theirs")
        page = jane.post("/account/addresses/all/name", {"full_name": "Mine", "was.full_name": ""})
        assert page.status_code == 409
        assert "“Theirs”" in page.text
        fields = {"full_name": "Mine", "was.full_name": "Theirs"}
        assert jane.post("/account/addresses/all/name", fields).status_code == 303
        assert world.live.dynamic.accounts["jane"].full_name == "Mine"


@pytest.mark.parametrize("address", ["locked@example.com", "nobody@example.com", "@example.com", SCRIPT, ""])
def test_addresses_of_others_cannot_be_reached(tmp_path: Path, address: str) -> None:
    with World(tmp_path) as world:
        jane, before = world.account(), world.live.domains_path.read_bytes()
        page = jane.get(f"/account/addresses/one?address={address}")
        assert page.status_code == 404
        assert SCRIPT not in page.text
        assert jane.post(SAVE, {"address": address, "mailbox": "Mine"}).status_code == 404
        assert world.live.domains_path.read_bytes() == before


def test_faults_elsewhere_in_the_file_are_not_told_to_the_holder(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        jane = world.account()
        text = world.live.domains_path.read_text()
        world.live.domains_path.write_text(text.replace("\tlocked:\n", "\tlocked:\n\t\tSecretNonsense: x\n"))
        page = jane.post("/account/addresses/all/name", {"full_name": "Mine", "was.full_name": ""})
        assert page.status_code == 422
        assert "tell its administrator" in page.text
        assert "Nonsense" not in page.text


def test_names_of_mailboxes_are_text(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        jane = world.account()
        jane.post(SAVE, {"address": ADDRESS, "mailbox": SCRIPT})
        assert destination(world).mailbox == SCRIPT
        for path in ("addresses", f"addresses/one?address={ADDRESS}", f"addresses/rules?address={ADDRESS}"):
            page = jane.get(f"/account/{path}")
            assert (page.status_code, SCRIPT in page.text) == (200, False)
            assert html.escape(SCRIPT) in page.text
