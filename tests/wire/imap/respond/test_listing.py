from app.wire.imap.parse.mailbox import StatusItem
from app.wire.imap.respond.listing import Listed, list_response, lsub_response, status_response


def test_a_name_is_modified_utf7_until_the_client_enables_utf8():
    listed = Listed(name="Entwürfe", attributes=("\\HasNoChildren", "\\Drafts"))
    assert list_response(listed, utf8=False) == b'* LIST (\\HasNoChildren \\Drafts) "/" Entw&APw-rfe\r\n'
    assert list_response(listed, utf8=True) == '* LIST (\\HasNoChildren \\Drafts) "/" "Entwürfe"\r\n'.encode()
    assert lsub_response("a b", utf8=False) == b'* LSUB () "/" "a b"\r\n'


def test_extended_data_stand_in_one_list():
    listed = Listed(name="new", childinfo=("SUBSCRIBED",), old_name="old")
    assert list_response(listed, utf8=True).endswith(b'new ("CHILDINFO" ("SUBSCRIBED") "OLDNAME" (old))\r\n')


def test_status_keeps_the_order_and_writes_an_absent_limit_as_nil():
    values = {StatusItem.UIDNEXT: 4, StatusItem.APPENDLIMIT: None, StatusItem.MAILBOXID: "m1"}
    assert (
        status_response('q"', values, utf8=False) == b'* STATUS "q\\"" (UIDNEXT 4 APPENDLIMIT NIL MAILBOXID (m1))\r\n'
    )
