from __future__ import annotations

from app.store.account import mailboxes
from app.store.account.urlkeys import drop_all_keys, ensure_key, is_token, key_of, make_token, reset_key
from tests.support.accounts import temporary_account

URL = "imap://jane@mx.example.com/Inbox/;UID=1;URLAUTH=anonymous"


def test_a_token_is_right_for_its_url_and_key_alone():
    token = make_token(b"k" * 32, URL)
    assert is_token(b"k" * 32, URL, token)
    assert not is_token(b"K" * 32, URL, token)
    assert not is_token(b"k" * 32, URL.replace("Inbox", "INBOX"), token)
    assert not is_token(b"k" * 32, URL, token[:-1])
    assert not is_token(None, URL, make_token(b"", URL))


def test_keys_are_made_once_and_go_when_told(tmp_path):
    with temporary_account(tmp_path) as account:
        one, two = account.read_now(lambda db: [box.id for box in mailboxes.all_mailboxes(db)[:2]])
        first = account.write_now(lambda tx: ensure_key(tx, one))
        assert account.write_now(lambda tx: ensure_key(tx, one)) == first
        assert account.write_now(lambda tx: ensure_key(tx, two)) != first
        account.write_now(lambda tx: reset_key(tx, one))
        assert account.read_now(lambda db: key_of(db, one)) not in (None, first)
        account.write_now(drop_all_keys)
        assert account.read_now(lambda db: [key_of(db, one), key_of(db, two)]) == [None, None]
