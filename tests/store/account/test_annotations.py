"""Annotations: all or none, and bounded over the whole account."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.errors import AnnotationTooLarge, TooManyAnnotations
from app.store.account import mailboxes
from app.store.account.annotations import (
    ACCOUNT,
    MAX_BYTES,
    MAX_COUNT,
    MAX_VALUE_BYTES,
    annotate,
    annotations_named,
    annotations_of,
)
from tests.support.accounts import temporary_account


@pytest.fixture
def account(tmp_path: Path):
    with temporary_account(tmp_path) as account:
        yield account


def kept(account, mailbox_id=ACCOUNT):
    return account.read_now(lambda db: annotations_of(db, mailbox_id))


def test_only_what_differs_takes_a_modseq(account):
    first = account.write_now(lambda tx: annotate(tx, ACCOUNT, {"/private/a": b"1", "/private/b": b""}))
    assert first > 0
    assert account.write_now(lambda tx: annotate(tx, ACCOUNT, {"/private/a": b"1", "/private/c": None})) == 0
    assert account.write_now(lambda tx: annotate(tx, ACCOUNT, {"/private/a": None})) > first
    assert kept(account) == {"/private/b": b""}


def test_modseq_of_a_mailbox_grows_with_its_annotations(account):
    inbox = account.read_now(lambda db: mailboxes.get(db, "Inbox"))
    modseq = account.write_now(lambda tx: annotate(tx, inbox.id, {"/private/a": b"1"}))
    assert account.read_now(lambda db: mailboxes.get(db, "Inbox")).modseq == modseq > inbox.modseq


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"/private/a": b"x" * (MAX_VALUE_BYTES + 1)}, AnnotationTooLarge),
        ({f"/private/{n}": b"" for n in range(MAX_COUNT)}, TooManyAnnotations),
        (
            {f"/private/{n}": b"x" * MAX_VALUE_BYTES for n in range(MAX_BYTES // MAX_VALUE_BYTES + 1)},
            TooManyAnnotations,
        ),
    ],
    ids=["value", "count", "bytes"],
)
def test_nothing_is_kept_of_what_passes_a_bound(account, values, error):
    account.write_now(lambda tx: annotate(tx, ACCOUNT, {"/private/first": b"1"}))
    with pytest.raises(error):
        account.write_now(lambda tx: annotate(tx, ACCOUNT, values))
    assert kept(account) == {"/private/first": b"1"}


def test_renaming_the_inbox_again_and_again_stays_within_the_bounds(account):
    inbox = account.read_now(lambda db: mailboxes.get(db, "Inbox"))
    half = {f"/private/{n}": b"x" * MAX_VALUE_BYTES for n in range(MAX_BYTES // MAX_VALUE_BYTES // 2)}
    account.write_now(lambda tx: annotate(tx, inbox.id, half))
    account.write_now(lambda tx: mailboxes.rename(tx, "Inbox", "first"))
    with pytest.raises(TooManyAnnotations):
        account.write_now(lambda tx: mailboxes.rename(tx, "Inbox", "second"))
    assert account.read_now(lambda db: mailboxes.find(db, "second")) is None


def test_every_one_of_many_mailboxes_can_have_ten(account):
    values = {f"/shared/vendor/x/{n}": b"#b71c1c" for n in range(10)}

    def annotate_all(tx) -> None:
        for number in range(300):
            annotate(tx, mailboxes.create(tx, f"box{number}")[-1].id, values)
        assert annotations_named(tx.db, ["/shared/vendor/x/3", "/private/none"]).keys() >= set(range(10, 300))

    account.write_now(annotate_all)
