"""A short message that shows whether mail from here arrives elsewhere: signed and queued like any other.

It goes out once and is not tried for days: a test that takes that long has failed. Raises Refusal for an address that
cannot be, or one of our own, as mail to ourselves proves nothing.
"""

from __future__ import annotations

from app.config.live import Live
from app.errors import Refusal, WireError
from app.operations.servermail import Letter, Post, send
from app.wire.smtp.address import Address, parse_address

SUBJECT = "Mail from your new server"
MAX_ATTEMPTS = 4
KEEP_RESULT_S = 7 * 86400.0
_TEXT = """\
Hello,

this message was sent by your new mail server {host} in the name of {sender}. You read it, so mail from there arrives
here.

Was it among the junk? Then mark it as "not junk", and look at the DNS records and the reverse name of the server: its
set-up page and its administrator pages say which are missing.
"""


async def send_test(post: Post, sender: Address, recipient: str) -> str:
    """Queue the message; its Message-ID. `sender` is an address of ours."""
    letter = Letter(
        account=_account_of(post.live, sender),
        sender=sender,
        to=_recipient(post.live, recipient),
        subject=SUBJECT,
        text=_TEXT.format(host=post.live.static.hostname.ascii, sender=sender),
        reverse_path=sender,
        max_attempts=MAX_ATTEMPTS,
        keep_result_s=KEEP_RESULT_S,
    )
    return await send(post, letter)


def _recipient(live: Live, typed: str) -> Address:
    try:
        to = parse_address(typed)
    except WireError as error:
        raise Refusal(f"{typed!r} is not a mail address: {error.message}") from None
    if to.domain in live.dynamic.domains:
        raise Refusal("this address is on this server; give one that you have elsewhere")
    return to


def _account_of(live: Live, sender: Address) -> str:
    for name in live.dynamic.accounts:
        if live.directory.may_send_as(name, sender):
            return name
    raise Refusal(f"{sender} is not an address of this server")
