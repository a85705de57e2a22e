from app.wire.imap import response
from app.wire.imap.response import Status


def test_status_lines():
    assert response.tagged("a1", Status.OK, "done") == b"a1 OK done\r\n"
    assert response.untagged(Status.BYE, "see you", response.ALERT) == b"* BYE [ALERT] see you\r\n"
    assert response.continuation() == b"+ go on\r\n"


def test_text_cannot_forge_a_second_response():
    line = response.tagged("a", Status.NO, "x\r\n* OK forged\x00" + "y" * 5000)
    assert line.count(b"\n") == 1
    assert line.startswith(b"a NO x * OK forged yyy")
    assert len(line) < 1000


def test_an_empty_text_still_is_a_text():
    assert response.tagged("a", Status.OK, "") == b"a OK -\r\n"


def test_response_codes():
    codes = [
        response.appenduid(7, [4, 5]),
        response.copyuid(7, [1, 2, 4], [8, 9, 10]),
        response.modified([3, 4, 9]),
        response.permanentflags(is_read_only=True),
    ]
    assert [code.text for code in codes] == [
        "APPENDUID 7 4:5",
        "COPYUID 7 1:2,4 8:10",
        "MODIFIED 3:4,9",
        "PERMANENTFLAGS ()",
    ]
    assert response.permanentflags("work").text.endswith(" $MDNSent work \\*)")
