"""The administrator's pages about the queue: filters, pages, what can be done, and what strangers wrote."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from app.store.queuedb import QueueDb
from app.store.queuelisting import Order
from app.store.queuerecords import Attempt, Ending, Finished, NewMessage, NewRecipient, Queued, QueueFilter
from app.store.spool import Body
from app.wire.smtp.address import NULL_PATH, parse_address, parse_path_address
from tests.support.configuration import MOX_CONF
from tests.web.world import Visitor, World

SCRIPT = "<script>alert(1)</script>"
EVERYTHING = QueueFilter()


def new(*recipients: str, sender: str = "jane@example.com", account: str = "jane") -> NewMessage:
    return NewMessage(
        sender_account=account,
        reverse_path=parse_address(sender) if sender else NULL_PATH,
        recipients=tuple(NewRecipient(path=parse_path_address(to)) for to in recipients),
        body=Body.of(b"Subject: x\r\n\r\nhello\r\n"),
        message_id=f"<{SCRIPT}>",
    )


async def _refuse(queue: QueueDb, ids: Sequence[int], error: str) -> None:
    for row in await queue.begin(ids, lambda attempts: 3600.0):
        done = Attempt(
            started=row.last_attempt, duration_s=1.5, success=False, code=450, enhanced="4.2.0", error=error, host=error
        )
        finished = Finished(id=row.id, ending=Ending.DEFERRED, attempt=done, dialogue=f"   0.00 S: 450 {error}\n")
        await queue.finish([finished])


def put(world: World, *recipients: str, sender: str = "jane@example.com", error: str = "") -> list[int]:
    """Queue a message; with an error, after one attempt."""
    client = world._client
    assert client.portal is not None
    ids: list[int] = client.portal.call(world.queue.add, new(*recipients, sender=sender))
    if error:
        client.portal.call(_refuse, world.queue, ids, error)
    return ids


def rows(world: World, which: QueueFilter = EVERYTHING) -> list[Queued]:
    client = world._client
    assert client.portal is not None
    found: list[Queued] = client.portal.call(world.queue.find, which)
    return found


def shown(admin: Visitor, query: str) -> set[str]:
    page = admin.get(f"/admin/queue?{query}")
    assert page.status_code == 200
    return {word for word in ("a@one.example", "b@one.example", "c@two.example") if f">{word}</a>" in page.text}


def test_an_empty_queue_says_that_there_is_nothing_to_do(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        assert "The queue is empty" in world.admin().get("/admin/queue").text


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"a", "b", "c"}),
        ("to=a@one.example", {"a"}),
        ("to=one.example", {"a", "b"}),
        ("to=@ONE.example", {"a", "b"}),
        ("to=e.example", set()),
        ("to=one.example&from=example.com", {"a", "b"}),
        ("to=one.example&from=other.example", set()),
        ("state=held", {"b"}),
        ("state=waiting", {"a", "c"}),
        ("account=jane", {"a", "b", "c"}),
        ("account=locked", set()),
        ("older=1h", set()),
    ],
)
def test_a_filter_compares_whole_addresses_and_domains_and_all_must_hold(
    tmp_path: Path, query: str, expected: set[str]
) -> None:
    with World(tmp_path) as world:
        put(world, "a@one.example")
        held = put(world, "b@one.example")
        put(world, "c@two.example")
        admin = world.admin()
        admin.post("/admin/queue/hold", {"id": [str(number) for number in held]})
        assert {name[0] for name in shown(admin, query)} == expected


@pytest.mark.parametrize("query", ["to=a%20b@x", "from=..", "state=odd", "account=nobody", "order=x"])
def test_a_wrong_filter_shows_nothing_and_does_nothing(tmp_path: Path, query: str) -> None:
    with World(tmp_path) as world:
        put(world, "a@one.example")
        admin = world.admin()
        page = admin.get(f"/admin/queue?{query}")
        assert page.status_code == 422
        assert "a@one.example" not in page.text
        assert admin.post("/admin/queue/drop", {"scope": "all", "view": query, "sure": "yes"}).status_code == 409
        assert len(rows(world)) == 1


@pytest.mark.parametrize("order", list(Order))
def test_pages_of_a_hundred_hold_every_recipient_once_in_every_order(tmp_path: Path, order: Order) -> None:
    with World(tmp_path) as world:
        for number in range(5):  # recipients of a message are equal in all that is sorted by
            put(world, *(f"n{number}x{index}@many.example" for index in range(45)))
        admin, seen, path = world.admin(), [], f"/admin/queue?order={order.value}"
        while path:
            page = admin.get(path).text
            found = re.findall(r">(n\d+x\d+@many\.example)</a>", page)
            assert len(found) <= 100
            seen += found
            more = re.search(r'href="([^"]+)">Next 100', page)
            path = html.unescape(more[1]) if more else ""
        assert len(seen) == 225
        assert len(set(seen)) == 225


def test_what_servers_and_senders_wrote_is_shown_as_text(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        (number,) = put(world, '"<script>alert(1)</script>"@one.example', sender="", error=f"450 {SCRIPT}\x1b[31m")
        admin = world.admin()
        for path in ("/admin/queue", f"/admin/queue/{number}"):
            page = admin.get(path).text
            assert SCRIPT not in page
            assert "&lt;script&gt;" in page
        assert "450 4.2.0" in admin.get(f"/admin/queue/{number}").text


def test_selected_recipients_are_held_released_and_postponed(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        (first,), (second,) = put(world, "a@one.example"), put(world, "b@one.example")
        admin = world.admin()
        response = admin.post("/admin/queue/hold", {"id": str(first), "view": "to=one.example"})
        assert response.headers["location"] == "/admin/queue?to=one.example"
        assert "1 recipient on hold" in admin.get("/admin/queue").text
        assert [row.hold for row in rows(world)] == [True, False]
        admin.post("/admin/queue/release", {"scope": "all"})
        before = {row.id: row.next_attempt for row in rows(world)}
        admin.post("/admin/queue/postpone", {"id": [str(second)], "by": "3600"})
        after = {row.id: row.next_attempt for row in rows(world)}
        assert [after[one] - before[one] for one in (first, second)] == [0, pytest.approx(3600)]


@pytest.mark.parametrize("path", ["hold", "drop", "fail", "now"])
def test_nothing_selected_is_never_everything(tmp_path: Path, path: str) -> None:
    with World(tmp_path) as world:
        put(world, "a@one.example")
        before = rows(world)
        for fields in ({}, {"ids": ""}, {"id": "x"}, {"id": "-1"}, {"scope": "selected", "sure": "yes"}):
            response = world.admin().post(f"/admin/queue/{path}", fields)
            assert response.status_code == 409
            assert "nothing is selected" in response.text.lower()
        assert rows(world) == before


@pytest.mark.parametrize("word", ["drop", "fail"])
def test_removing_and_giving_up_ask_first(tmp_path: Path, word: str) -> None:
    with World(tmp_path) as world:
        (number,) = put(world, "a@one.example")
        put(world, "c@two.example")
        admin = world.admin()
        question = admin.post(f"/admin/queue/{word}", {"scope": "all", "view": "to=one.example"})
        assert question.status_code == 200
        assert "1 recipient" in question.text
        assert "cannot be undone" in question.text
        assert len(rows(world)) == 2
        assert not any(row.fail_now for row in rows(world))
        answer = admin.post(f"/admin/queue/{word}", {"scope": "all", "view": "to=one.example", "sure": "yes"})
        assert answer.status_code == 303
        left = {row.id: row.fail_now for row in rows(world)}
        assert left.pop(number, True), "it is gone, or is given up"
        assert list(left.values()) == [False]


def test_a_transport_is_pinned_only_when_it_exists(tmp_path: Path) -> None:
    conf = MOX_CONF + "Transports:\n\trelay:\n\t\tSubmissions:\n\t\t\tHost: relay.example\n"
    with World(tmp_path, mox_conf=conf) as world:
        (number,) = put(world, "a@one.example")
        admin = world.admin()
        assert admin.post("/admin/queue/transport", {"id": str(number), "pin": "nothing"}).status_code == 409
        assert admin.post("/admin/queue/transport", {"id": str(number), "pin": "relay"}).status_code == 303
        assert rows(world)[0].transport == "relay"
        assert shown(admin, "transport=relay") == {"a@one.example"}
        assert shown(admin, "transport=-") == set()


@pytest.mark.parametrize("number", ["999", "0", "-1", "x", "9" * 30, "%3Cscript%3E"])
def test_a_recipient_that_is_gone_is_explained(tmp_path: Path, number: str) -> None:
    with World(tmp_path) as world:
        response = world.admin().get(f"/admin/queue/{number}")
        assert response.status_code == 404
        assert "not in the queue any more" in response.text


def test_what_was_said_in_an_attempt_is_behind_a_link_and_is_text(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        (number,) = put(world, "a@one.example", error=SCRIPT)
        admin = world.admin()
        page = admin.get(f"/admin/queue/{number}").text
        link = re.search(rf'href="(/admin/queue/{number}/attempts/[0-9]+)"', page)
        assert link is not None
        said = admin.get(link[1]).text
        assert f"0.00 S: 450 {html.escape(SCRIPT)}" in said
        assert SCRIPT not in said
        for wrong in (f"{link[1]}9", f"/admin/queue/{number}9/attempts/1", f"/admin/queue/{number}/attempts/x"):
            assert admin.get(wrong).status_code == 404
