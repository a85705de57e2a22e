"""Mail that came in: why it is where it is, and taking back what was refused."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest

from app.store.account import mailboxes, messages, preferences, rejects
from app.store.account.messages import Incoming
from app.store.account.preferences import Preference
from app.store.account.prepare import prepare
from app.store.account.provenance import Kind, Provenance, Sign
from app.store.spool import Body
from app.wire.imap.flags import NOTJUNK
from tests.web.world import World

SCRIPT = "<script>alert(1)</script>"


def came(world: World, subject: str, *, is_reject: bool = False) -> None:
    text = f"From: {SCRIPT} <ann@sender.example>\r\nSubject: {subject}\r\n\r\nhello\r\n".encode()
    done = "Refused (junk-content)" if is_reject else "Delivered to Inbox (no-bad-signals)"
    incoming = Incoming(
        mailbox="Rejects" if is_reject else "Inbox",
        prepared=prepare(Body.of(text)),
        provenance=Provenance(
            destined="Inbox",
            signs=(Sign(Kind.ADDRESS, "ann@sender.example"),),
            is_reject=is_reject,
            reason="junk-content" if is_reject else "no-bad-signals",
            trace=f"SPF: pass.\n{done}: because of {SCRIPT}.",
        ),
    )
    if is_reject:
        world.jane.write_now(lambda tx: rejects.keep(tx, incoming, forever=True))
    else:
        world.jane.write_now(lambda tx: messages.deliver(tx, incoming))


def inbox_flags(world: World) -> list[int]:
    def read(db):
        found = mailboxes.get(db, "Inbox")
        return [messages.find(db, found.id, uid).flags for uid in messages.all_uids(db, found.id)]

    return world.jane.read_now(read)


def test_an_empty_list_says_so(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        assert "Nothing has come in yet" in world.account().get("/account/arrived").text


def test_each_message_tells_why(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        came(world, "one")
        came(world, "two", is_reject=True)
        jane = world.account()
        page = jane.get("/account/arrived").text
        assert page.index(">two<") < page.index(">one<")
        assert SCRIPT not in page
        assert "Delivered to Inbox (no-bad-signals)" in page
        refused = jane.get("/account/arrived?show=refused").text
        assert "/account/arrived/2" in refused
        assert "/account/arrived/1" not in refused
        one = jane.get("/account/arrived/2").text
        assert "<li>SPF: pass.</li>" in one
        assert SCRIPT not in one
        assert "Take it back" in one
        assert "Take it back" not in jane.get("/account/arrived/1").text


def test_a_refused_message_is_taken_back_and_its_sender_is_wanted(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        came(world, "two", is_reject=True)
        jane = world.account()
        assert jane.post("/account/arrived/1/take", {}).headers["location"] == "/account/arrived/1"
        page = jane.get("/account/arrived/1").text
        assert "The message is in Inbox now" in page
        assert "marked as wanted" in page
        assert "Take it back" not in page
        assert inbox_flags(world)[0] & NOTJUNK


def test_what_is_not_there_or_was_not_refused_cannot_be_taken(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        came(world, "one")
        jane = world.account()
        for path in ("1", "2", "x", "9" * 30):
            assert jane.post(f"/account/arrived/{path}/take", {}).status_code == 404
        for path in ("2", "x", "9" * 30):
            assert jane.get(f"/account/arrived/{path}").status_code == 404


def test_quarantine_is_the_holders_choice(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        jane = world.account()
        for choice, on in (("junk", True), ("refuse", False)):
            jane.post("/account/arrived/quarantine", {"quarantine": choice})
            assert world.jane.read_now(lambda db: preferences.is_on(db, Preference.QUARANTINE_TO_JUNK)) is on


def test_what_was_let_in_is_called_junk_and_its_sender_is_trusted_less(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        world.jane.write_now(lambda tx: mailboxes.create(tx, "Bulk", "\\Junk"))
        came(world, "one")
        came(world, "two", is_reject=True)
        jane = world.account()
        assert "This is junk" not in jane.get("/account/arrived/2").text
        for _ in range(2):  # a second press changes nothing
            assert jane.post("/account/arrived/1/junk", {}).status_code == 303
        page = jane.get("/account/arrived/1").text
        assert "The message is in Bulk now" in page
        assert "marked as junk" in page
        assert "This is junk" not in page
        assert inbox_flags(world) == []
        assert jane.post("/account/arrived/9/junk", {}).status_code == 404


def test_a_message_proposes_a_rule_for_its_author_that_is_not_saved(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        deliver(world, "From: Ann <ann@sender.example>", "dkim=pass header.d=sender.example")
        jane, before = world.account(), world.live.domains_path.read_bytes()
        page = jane.get("/account/addresses/rules?like=1").text
        for value in ("ann@sender.example", "sender.example", "jane@example.com"):
            assert f'value="{value}"' in page
        assert world.live.domains_path.read_bytes() == before


def test_a_message_of_a_list_proposes_a_rule_for_the_list(tmp_path: Path) -> None:
    header = "From: ann@sender.example\r\nList-Id: Devel <devel.lists.example.org>"
    with World(tmp_path) as world:
        deliver(world, header, "dkim=pass header.d=sender.example; dkim=pass header.d=example.org")
        page = world.account().get("/account/addresses/rules?like=1").text
        for value in ("&lt;devel.lists.example.org&gt;", "example.org", "Lists/devel"):
            assert f'value="{value}"' in page


@pytest.mark.parametrize("number", ["2", "x", "-1", "9" * 30, SCRIPT])
def test_no_rule_is_proposed_for_a_message_that_is_not_there(tmp_path: Path, number: str) -> None:
    with World(tmp_path) as world:
        came(world, "one")
        assert world.account().get(f"/account/addresses/rules?like={quote(number)}").status_code == 404


def deliver(world: World, header: str, results: str) -> None:
    prefix = f"Delivered-To: jane@example.com\r\nAuthentication-Results: mx.example; {results}\r\n".encode()
    incoming = Incoming(
        mailbox="Inbox",
        prepared=prepare(Body.of(f"{header}\r\n\r\nhello\r\n".encode())),
        prefix=prefix,
        provenance=Provenance(destined="Inbox", signs=()),
    )
    world.jane.write_now(lambda tx: messages.deliver(tx, incoming))
