"""Each capability that is announced, and the tests and dialogues that show it."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.wire.imap.capability import CAPABILITIES

TESTS = Path(__file__).parent.parent
SHOWN_BY = {
    "IMAP4rev2": "dialogs/imap/small_answers.imap dialogs/imap/search.imap",
    "IMAP4rev1": "dialogs/imap/first_look.imap",
    "STARTTLS": "dialogs/imap/sign_in.imap dialogs/imap/starttls_injection.imap",
    "SASL-IR": "imapserver/test_sign_in.py",
    "ENABLE": "dialogs/imap/small_answers.imap",
    "LITERAL+": "wire/imap/test_server.py",
    "ID": "dialogs/imap/small_answers.imap",
    "IDLE": "dialogs/imap/idle.imap",
    "NAMESPACE": "dialogs/imap/small_answers.imap",
    "BINARY": "dialogs/imap/binary.imap",
    "UNSELECT": "dialogs/imap/small_answers.imap",
    "UIDPLUS": "dialogs/imap/copy_move.imap",
    "ESEARCH": "dialogs/imap/search.imap",
    "MOVE": "dialogs/imap/copy_move.imap",
    "CONDSTORE": "dialogs/imap/condstore.imap",
    "QRESYNC": "dialogs/imap/qresync.imap imapserver/test_resync.py",
    "CHILDREN": "imapserver/commands/test_listing.py",
    "LIST-EXTENDED": "imapserver/commands/test_listing.py",
    "LIST-STATUS": "imapserver/commands/test_listing.py",
    "SPECIAL-USE": "imapserver/commands/test_mailbox.py",
    "CREATE-SPECIAL-USE": "imapserver/commands/test_mailbox.py",
    "STATUS=SIZE": "imapserver/commands/test_status.py",
    "SEARCHRES": "dialogs/imap/search_saved.imap dialogs/imap/dates_and_limits.imap",
    "WITHIN": "dialogs/imap/dates_and_limits.imap",
    "SAVEDATE": "dialogs/imap/dates_and_limits.imap",
    "MULTIAPPEND": "dialogs/imap/multiappend.imap",
    "CATENATE": "dialogs/imap/catenate.imap imapserver/commands/test_catenate.py wire/imap/parse/test_append.py",
    "URLAUTH": "dialogs/imap/urlauth.imap imapserver/commands/test_urlauth.py wire/imap/parse/test_urlauth.py",
    "URLAUTH=BINARY": "imapserver/commands/test_urlauth.py",
    "URL-PARTIAL": "dialogs/imap/urlauth.imap wire/imap/parse/test_url.py",
    "OBJECTID": "dialogs/imap/objectid.imap store/account/test_objectids.py",
    "UTF8=ACCEPT": "dialogs/imap/utf8.imap",
    "PREVIEW": "dialogs/imap/preview.imap imapserver/test_preview.py",
    "UIDONLY": "dialogs/imap/uidonly.imap",
    "SORT": "dialogs/imap/sort_thread.imap wire/imap/parse/test_sort.py",
    "SORT=DISPLAY": "dialogs/imap/sort_thread.imap",
    "ESORT": "dialogs/imap/sort_thread.imap",
    "CONTEXT=SEARCH": "dialogs/imap/contexts.imap imapserver/test_contexts.py",
    "CONTEXT=SORT": "dialogs/imap/contexts.imap imapserver/test_contexts.py imapserver/test_results.py",
    "MULTISEARCH": "dialogs/imap/multisearch.imap imapserver/commands/test_multisearch.py",
    "NOTIFY": "dialogs/imap/notify.imap imapserver/test_notify.py wire/imap/parse/test_notify.py",
    "PARTIAL": "dialogs/imap/partial.imap wire/imap/parse/test_search.py",
    "THREAD=ORDEREDSUBJECT": "dialogs/imap/sort_thread.imap wire/message/test_threading.py",
    "THREAD=REFERENCES": "dialogs/imap/sort_thread.imap wire/message/test_threading.py",
    "QUOTA": "imapserver/commands/test_quota.py",
    "QUOTA=RES-STORAGE": "imapserver/commands/test_quota.py imapserver/commands/test_status.py",
    "METADATA": "dialogs/imap/metadata.imap store/account/test_annotations.py",
    "LIST-METADATA": "dialogs/imap/metadata.imap",
    "INPROGRESS": "imapserver/commands/test_progress.py",
    "UIDBATCHES": "imapserver/commands/test_batches.py",
    "REPLACE": "dialogs/imap/replace.imap imapserver/commands/test_replace.py",
    "COMPRESS=DEFLATE": "imapserver/test_compress.py net/test_deflate.py",
    "UNAUTHENTICATE": "dialogs/imap/unauthenticate.imap imapserver/test_compress.py",
    "MESSAGELIMIT": "imapserver/test_messagelimit.py",
    "APPENDLIMIT": "dialogs/imap/dates_and_limits.imap",
}


def test_every_capability_has_its_row():
    assert set(SHOWN_BY) == {row.atom for row in CAPABILITIES}


@pytest.mark.parametrize("atom", SHOWN_BY)
def test_what_shows_a_capability_is_there(atom: str):
    assert all((TESTS / path).is_file() for path in SHOWN_BY[atom].split())
