"""URLs with tokens: who may fetch them, until when, in which forms, and that a refusal tells nothing (RFC 4467)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.config.live import Live
from app.imapserver.commands import urlauth
from app.store.account import mailboxes
from app.store.account.credentials import set_password
from app.store.account.urlkeys import make_token
from tests.imapserver import world as worlds
from tests.imapserver.world import PASSWORD, WEAK, World
from tests.support.accounts import add_now
from tests.support.configuration import DOMAINS_CONF, write_configuration

FRED = "\tfred:\n\t\tDomain: example.com\n\t\tDestinations:\n\t\t\tfred@example.com: nil\n"
PLACE = "imap://jane%40example.com@mx.example.com/Inbox/;UID=1"
MESSAGE = (
    b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Transfer-Encoding: base64\r\n\r\nYQBi\r\n"
    b"--x\r\nContent-Transfer-Encoding: odd\r\n\r\nc\r\n--x--\r\n"
)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Jane, and Fred, who signs in."""
    path = write_configuration(tmp_path, domains_conf=DOMAINS_CONF + FRED)
    monkeypatch.setattr(worlds, "small_live", lambda directory: Live.open(path, files=False))
    world = World(tmp_path)
    world.accounts.open_now("fred").write_now(lambda tx: set_password(tx, PASSWORD, WEAK))
    yield world
    world.close()


def as_fred(script: str) -> str:
    return f'connect\nS: /\\* OK .*/\nC: 0 LOGIN fred@example.com "{PASSWORD}"\nS: /0 OK .*/\n{script}'


def made(*rumps: str) -> str:
    """A script of Jane's that makes URLs; they are {U0}, {U1}... then."""
    answers = " ".join(f"(?P<U{number}>\\S+)" for number in range(len(rumps)))
    asked = " ".join(f'"{rump}" INTERNAL' for rump in rumps)
    return f"C: m GENURLAUTH {asked}\nS: /\\* GENURLAUTH {answers}/\nS: m OK done\n"


@pytest.mark.parametrize(
    ("access", "may_fetch"),
    [
        ("user+fred%40example.com", True),
        ("user+FRED%2Bx%40example.com", True),
        ("authuser", True),
        ("anonymous", True),
        ("user+jane%40example.com", False),
        ("user+nobody%40example.com", False),
        ("submit+fred%40example.com", False),
    ],
)
def test_another_user_fetches_what_is_meant_for_that_user(world: World, access: str, may_fetch: bool) -> None:
    add_now(world.jane, b"Subject: x\r\n\r\nbody\r\n")
    answer = (
        r"S: /\* URLFETCH \S+ \{6\}/" + "\nS: body\nS:\nS: b OK fetched" if may_fetch else r"S: /\* URLFETCH \S+ NIL/"
    )
    script = made(f"{PLACE}/;SECTION=TEXT;URLAUTH={access}") + as_fred("C: b URLFETCH {U0}\n" + answer)
    world.run(script, signed_in=True)


def test_a_right_token_tells_nothing_of_what_is_not_there(world: World) -> None:
    jane = world.jane
    add_now(jane, MESSAGE)
    rumps = [
        f"{PLACE.replace('UID=1', 'UID=2')};URLAUTH=anonymous",
        f"{PLACE}/;SECTION=3;URLAUTH=anonymous",
        f"{PLACE};EXPIRE=2026-01-01T00:00:00Z;URLAUTH=anonymous",
    ]
    fetch = "C: b URLFETCH {U0} {U1} {U2}\n" + "S: /\\* URLFETCH \\S+ NIL/\n" * 3 + "S: b OK fetched"
    world.run(made(*rumps) + fetch, signed_in=True)


def test_without_a_key_of_the_mailbox_no_token_is_right(world: World) -> None:
    add_now(world.jane, MESSAGE)
    url = f"{PLACE};URLAUTH=anonymous"
    token = make_token(bytes(32), url)
    elsewhere = url.replace("Inbox", "Nowhere"), url.replace("jane", "nobody"), url.replace("jane", "locked")
    urls = [f'"{one}:internal:{token}"' for one in (url, *elsewhere)]
    nothing = "S: /\\* URLFETCH \\S+ NIL/\n" * len(urls)
    world.run(as_fred(f"C: b URLFETCH {' '.join(urls)}\n{nothing}S: b OK fetched"))


def test_a_url_has_forms(world: World) -> None:
    add_now(world.jane, MESSAGE)
    world.run(
        made(*(f"{PLACE}/;SECTION={section};URLAUTH=authuser" for section in ("1", "2", "1.MIME", "3")))
        + """
        C: b URLFETCH ({U0} BINARY BODYPARTSTRUCTURE) ({U0}) ({U1} BINARY) ({U2} BODYPARTSTRUCTURE BODY) ({U3} BODY)
        S: /\\* URLFETCH \\S+ \\(BINARY ~\\{3\\}/
        S: /a.b\\) \\(BODYPARTSTRUCTURE \\("text" "plain" .* "base64" 4 0 NIL NIL NIL NIL\\)\\)/
        S: /\\* URLFETCH \\S+ \\(BODY \\{4\\}/
        S: YQBi)
        S: /\\* URLFETCH \\S+ \\(BINARY NIL\\)/
        S: /\\* URLFETCH \\S+ \\(BODY \\{37\\}/
        S: Content-Transfer-Encoding: base64
        S:
        S: )
        S: /\\* URLFETCH \\S+ NIL/
        S: b OK fetched
        """,
        signed_in=True,
    )


def test_large_data_comes_whole(world: World) -> None:
    lines = "\n".join(f"{'x' * 990}{number:08}" for number in range(600))
    add_now(world.jane, b"\r\n" + lines.replace("\n", "\r\n").encode() + b"\r\n")
    expected = "\n".join("S: " + line for line in lines.split("\n"))
    world.run(
        made(f"{PLACE}/;SECTION=TEXT;URLAUTH=authuser")
        + f"C: b URLFETCH {{U0}}\nS: /\\* URLFETCH \\S+ \\{{600000\\}}/\n{expected}\nS:\nS: b OK fetched",
        signed_in=True,
    )


def test_a_mailbox_keeps_its_key_under_another_name_and_takes_it_along(world: World) -> None:
    jane = world.jane
    jane.write_now(lambda tx: mailboxes.create(tx, "Box"))
    add_now(jane, b"\r\nbody", mailbox="Box")
    nothing = "S: /\\* URLFETCH \\S+ NIL/\n"
    url = PLACE.replace("Inbox", "Box")
    world.run(
        made(f"{url};URLAUTH=anonymous", f"{url.replace('Box', 'Inbox')};URLAUTH=anonymous")
        + f"""
        C: b RENAME Box Other
        S: /b OK .*/
        C: c URLFETCH {{U0}}
        {nothing}S: c OK fetched
        C: d RENAME Other Box
        S: /d OK .*/
        C: e URLFETCH {{U0}}
        S: /\\* URLFETCH \\S+ \\{{6\\}}/
        S:
        S: body
        S: e OK fetched
        C: f DELETE Box
        S: /f OK .*/
        C: g CREATE Box
        S: /\\* LIST .*/
        S: /g OK .*/
        C: h URLFETCH {{U0}} {{U1}}
        {nothing}{nothing}S: h OK fetched
        """,
        signed_in=True,
    )
    assert jane.read_now(lambda db: db.execute("SELECT count(*) FROM url_key").fetchone()) == (1,)


def test_one_command_reads_of_few_accounts(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(urlauth, "MAX_ACCOUNTS", 1)
    urls = " ".join(
        f'"imap://{user}%40example.com@mx.example.com/Inbox/;UID=1;URLAUTH=anonymous:internal:{"0" * 64}"'
        for user in ("jane", "fred")
    )
    world.run(as_fred(f"C: b URLFETCH {urls}\nS: /b NO \\[LIMIT\\] .*/"))
