"""How far our clock is off, by asking a time server once (SNTP, RFC 5905 §14).

One datagram there and one back; a reply counts only when it repeats our random time stamp. None when there is no usable
reply in time.
"""

from __future__ import annotations

import asyncio
import secrets
import struct
import time

from app.wire.smtp.address import IPAddress

PORT = 123
_EPOCH = 2_208_988_800  # 1970 in seconds since 1900
_PACKET = struct.Struct(">BBbbII4s8s8sII8s")
_CLIENT_V4 = 0x23  # version 4, mode client
_SERVER = 4


async def offset(server: IPAddress, timeout_s: float, port: int = PORT) -> float | None:
    """Seconds that the server is ahead of us; half the way there and back is the error at most."""
    loop = asyncio.get_running_loop()
    nonce = secrets.token_bytes(8)
    reply: asyncio.Future[bytes] = loop.create_future()
    try:
        transport, _ = await loop.create_datagram_endpoint(lambda: _Reply(reply), remote_addr=(str(server), port))
    except OSError:
        return None
    try:
        sent = time.time()
        transport.sendto(bytes([_CLIENT_V4]) + bytes(39) + nonce)
        async with asyncio.timeout(timeout_s):
            data = await reply
        came = time.time()
    except (OSError, TimeoutError):
        return None
    finally:
        transport.close()
    theirs = server_time(data, nonce, came)
    return None if theirs is None else theirs - (sent + came) / 2


def server_time(data: bytes, nonce: bytes, near: float) -> float | None:
    """The middle of receiving and sending in a reply, as seconds since 1970; None unless it is a reply to us."""
    if len(data) < _PACKET.size:
        return None
    first, stratum, _, _, _, _, _, _, origin, seconds, fraction, sent = _PACKET.unpack_from(data)
    if first & 7 != _SERVER or first >> 6 == 3 or not 0 < stratum < 16 or origin != nonce:
        return None
    sent_seconds, sent_fraction = struct.unpack(">II", sent)
    middle: float = (seconds + fraction / 2**32 + sent_seconds + sent_fraction / 2**32) / 2 - _EPOCH
    # Seconds are counted modulo 2**32, which ends in 2036: take the round that is nearest to now.
    return middle + round((near - middle) / 2**32) * 2**32


class _Reply(asyncio.DatagramProtocol):
    """Gives the first datagram to a future."""

    def __init__(self, reply: asyncio.Future[bytes]) -> None:
        self._reply = reply

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        if not self._reply.done():
            self._reply.set_result(data)

    def error_received(self, exc: Exception) -> None:
        if not self._reply.done():
            self._reply.set_exception(exc)
