"""Folders of other servers become mailboxes of ours."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.net.imapclient import Folders
from app.operations.imapimport.folders import plan
from app.wire.imap.mailboxname import canonical
from app.wire.imap.reading import Listed, Namespace, Namespaces

OWN = {use: use.removeprefix("\\") for use in ("\\Sent", "\\Drafts", "\\Archive", "\\Junk", "\\Trash")}


def listed(text: str, separator: str = "/") -> Listed:
    """A folder from its attributes and name."""
    *attributes, name = text.split(" ; ")
    raw = name.encode("utf-8", "surrogatepass")
    return Listed(raw=raw, name=name, separator=separator, attributes=frozenset(attributes))


def targets(*texts: str, separator: str = "/", spaces: Namespaces | None = None, gmail: bool = False) -> list[str]:
    """Where the folders go, in their order; those left out in parentheses."""
    found = Folders(tuple(listed(text, separator) for text in texts), spaces or Namespaces())
    planned = plan(found, OWN, is_gmail=gmail)
    return [f"{one.name} > {one.mailbox}" if not one.reason else f"({one.name})" for one in planned]


@pytest.mark.parametrize(
    ("folders", "separator", "expected"),
    [
        (["Work", "INBOX"], "/", ["INBOX > Inbox", "Work > Work"]),
        (["INBOX", "INBOX.Work.A/B", "INBOX.Sent"], ".", "INBOX > Inbox|INBOX.Work.A/B > Work/A_B|INBOX.Sent > Sent"),
        (["INBOX", "INBOX.Work", "Other"], ".", "INBOX > Inbox|INBOX.Work > Inbox/Work|Other > Other"),
        (["\\sent ; Envoyés", "Sent"], "/", ["Sent > Sent", "Envoyés > Sent"]),
        (["Sent Items", "Sent Items/2019"], "/", "Sent Items/2019 > Sent/2019|Sent Items > Sent"),
        (["Deleted Items", "SPAM", "Entwürfe"], "/", "Entwürfe > Drafts|SPAM > Junk|Deleted Items > Trash"),
        (["a//b", "/", "..", "#news", "x\x00y"], "/", "#news > _news|.. > _|/ > _|a//b > a/b|x y > x y"),
        (["\\noselect ; Top", "Top/Leaf"], "/", ["Top/Leaf > Top/Leaf"]),
        (["\\all ; Everything", "\\flagged ; Starred"], "/", ["(Starred)", "(Everything)"]),
        (["x" * 2000], "/", ["x" * 200 + " > Imported 1"]),
    ],
)
def test_folders_become_mailboxes(folders: list[str], separator: str, expected: list[str] | str) -> None:
    wanted = expected.split("|") if isinstance(expected, str) else expected
    assert sorted(targets(*folders, separator=separator)) == sorted(wanted)


def test_prefix_of_the_namespace_goes_and_mail_of_others_is_left_out() -> None:
    spaces = Namespaces((Namespace("INBOX.", "."),), (Namespace("user.", "."),))
    found = targets("INBOX", "INBOX.Work", "user.bob.Work", separator=".", spaces=spaces)
    assert found == ["INBOX > Inbox", "Work > Work".replace("Work >", "INBOX.Work >"), "(user.bob.Work)"]


def test_labels_of_gmail_come_before_all_mail_and_views_not_at_all() -> None:
    folders = (
        *("\\all ; [Gmail]/All Mail", "\\sent ; [Gmail]/Sent Mail", "\\flagged ; [Gmail]/Starred", "Receipts", "INBOX"),
        *("\\important ; [Gmail]/Important", "\\noselect ; [Gmail]", "\\junk ; [Gmail]/Spam"),
    )
    taken = [one for one in targets(*folders, gmail=True) if not one.startswith("(")]
    assert taken == [
        "INBOX > Inbox",
        "Receipts > Receipts",
        "[Gmail]/Sent Mail > Sent",
        "[Gmail]/Spam > Junk",
        "[Gmail]/All Mail > Archive",
    ]


@given(st.lists(st.text(max_size=40), max_size=8), st.sampled_from(["/", ".", "", "\\"]))
def test_any_name_becomes_a_name_that_we_may_have(names: list[str], separator: str) -> None:
    found = Folders(tuple(listed("x ; " + name.replace(" ; ", ""), separator) for name in names), Namespaces())
    for one in plan(found, OWN):
        assert canonical(one.mailbox) == one.mailbox
