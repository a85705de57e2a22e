"""TLS for servers: what a connection negotiated, and contexts for listeners."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsInfo:
    """What a TLS handshake led to."""

    version: str  # such as "TLSv1.3"
    cipher: str
    server_name: str | None  # what the client asked for (SNI), lower case
    ssl_object: ssl.SSLObject | None = field(default=None, repr=False, compare=False)


def tls_info(ssl_object: Any) -> TlsInfo:  # noqa: ANN401  # the type of transport.get_extra_info("ssl_object")
    """The facts of the handshake behind an SSL object."""
    cipher = ssl_object.cipher()
    return TlsInfo(
        version=ssl_object.version() or "",
        cipher=cipher[0] if cipher else "",
        server_name=getattr(ssl_object, "mox_server_name", None),
        ssl_object=ssl_object,
    )
