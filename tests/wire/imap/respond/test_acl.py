from app.wire.imap.respond.acl import acl_response, listrights_response, myrights_response
from app.wire.imap.rights import ALL, NONE, Right


def test_who_has_which_rights():
    rights_of = {"jane": ALL, "anyone": Right.LOOKUP, "my friend": Right.LOOKUP | Right.DELETE_MESSAGES, "x": NONE}
    assert (
        acl_response("Entwürfe", rights_of, utf8=False)
        == b'* ACL Entw&APw-rfe jane lrswipkxteacd anyone l "my friend" ltd x ""\r\n'
    )
    assert acl_response("x", {}, utf8=True) == b"* ACL x\r\n"


def test_the_owner_has_every_right_and_others_can_be_given_each():
    assert listrights_response("x", "jane", is_owner=True, utf8=True) == b"* LISTRIGHTS x jane lrswipkxteacd\r\n"
    assert (
        listrights_response("x", "anyone", is_owner=False, utf8=True)
        == b'* LISTRIGHTS x anyone "" l r s w i p k x t e a c d\r\n'
    )


def test_a_name_that_is_not_ascii_goes_as_a_literal_that_every_client_reads():
    assert listrights_response("x", "jürgen", is_owner=True, utf8=True).startswith(
        "* LISTRIGHTS x {7}\r\njürgen ".encode()
    )


def test_rights_of_the_client():
    assert myrights_response("a b", Right.LOOKUP | Right.READ, utf8=False) == b'* MYRIGHTS "a b" lr\r\n'
