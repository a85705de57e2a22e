from app.wire.imap.parse.search import Returns, SearchReturn
from app.wire.imap.respond.search import Found, esearch_response, search_response


def test_search_is_one_line_with_the_modseq_at_its_end():
    assert search_response([]) == b"* SEARCH\r\n"
    assert search_response([], modseq=7) == b"* SEARCH\r\n"
    assert search_response([2, 5], modseq=7) == b"* SEARCH 2 5 (MODSEQ 7)\r\n"
    assert search_response(range(1, 5000)).count(b"\r\n") == 1


def test_esearch_says_what_was_asked_and_leaves_out_what_is_not():
    every = Returns(frozenset(SearchReturn))
    found = Found(tag="a]", uid=True, numbers=[1, 2, 3, 9], modseq=8)
    assert esearch_response(found, every) == b'* ESEARCH (TAG "a]") UID MIN 1 MAX 9 COUNT 4 MODSEQ 8 ALL 1:3,9\r\n'
    nothing = Found(tag="a", uid=False, numbers=[], modseq=8)
    assert esearch_response(nothing, every) == b'* ESEARCH (TAG "a") COUNT 0\r\n'
