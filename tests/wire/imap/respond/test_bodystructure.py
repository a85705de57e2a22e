from __future__ import annotations

from hypothesis import given

from app.wire.imap.respond.bodystructure import bodystructure
from app.wire.imap.respond.envelope import envelope
from app.wire.message.part import parse_message
from tests.support.sexp import check_body, check_envelope, read_sexp
from tests.wire.message.strategies import messages


@given(messages)
def test_structure_of_any_bytes_is_valid_imap(data):
    part = parse_message(data)
    check_body(read_sexp(bodystructure(data, part, extended=True)), extended=True)
    check_body(read_sexp(bodystructure(data, part, extended=False)), extended=False)
    check_envelope(read_sexp(envelope(data, part)))
