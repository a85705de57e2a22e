"""Asking clients for a certificate in the handshake, and taking any: whose it is, is told by its key (RFC 8446 §4.3.2).

Python's ssl lets a handshake fail when nobody it knows has issued the client's certificate, and ours are self-signed.
So OpenSSL is given a function of ours in place of its verification of chains, through ctypes, with the pointer that
stands behind the object header of a context. That the client has the private key is proven by the handshake itself.
The layout is known for the Pythons that `libssl` knows; on others, and when the self-test (a handshake in memory with a
certificate of nobody, and one without any) fails, no certificates are asked for, and there are no client keys.
"""

from __future__ import annotations

import ctypes
import ssl
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from app.net.channelbinding import throwaway_certificate
from app.net.libssl import is_known, libssl

_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)


def ask(context: ssl.SSLContext) -> bool:
    """Ask every client of a server context for a certificate, and take any or none; False when it cannot be done."""
    if not works():
        return False
    _ask(context)
    return True


def given(ssl_object: Any) -> bytes:  # noqa: ANN401  # the type of transport.get_extra_info("ssl_object")
    """The certificate that the client showed, DER; b"" for none."""
    if not ssl_object.server_side:
        return b""
    return ssl_object.getpeercert(True) or b""


@cache
def works() -> bool:
    """Whether it can be done in this process; tested once."""
    if not is_known():
        return False
    try:
        return _self_test()
    except (AttributeError, ImportError, OSError, ValueError, TypeError):
        return False


def _take_any(store: int | None, argument: int | None) -> int:
    return 1


_TAKE_ANY = _CALLBACK(_take_any)  # OpenSSL keeps the pointer; this keeps what it points to


def _ask(context: ssl.SSLContext) -> None:
    context.verify_mode = ssl.CERT_OPTIONAL
    # struct PySSLContext { PyObject_HEAD; SSL_CTX *ctx; ... }
    pointer = ctypes.c_void_p.from_address(id(context) + object.__basicsize__)
    _library().SSL_CTX_set_cert_verify_callback(pointer, _TAKE_ANY, None)


@cache
def _library() -> Any:  # noqa: ANN401  # ctypes has no better type
    """OpenSSL with the type of the function that is needed."""
    library = libssl()
    function = library.SSL_CTX_set_cert_verify_callback
    function.argtypes = [ctypes.c_void_p, _CALLBACK, ctypes.c_void_p]
    function.restype = None
    return library


def _self_test() -> bool:
    server, shows, hides = (ssl.SSLContext(kind) for kind in (ssl.PROTOCOL_TLS_SERVER, *[ssl.PROTOCOL_TLS_CLIENT] * 2))
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "self-test.pem"
        path.write_bytes(throwaway_certificate())
        server.load_cert_chain(path)
        shows.load_cert_chain(path)
    mode = ctypes.c_void_p.from_address(id(server) + object.__basicsize__)
    get_mode = _library().SSL_CTX_get_verify_mode
    get_mode.argtypes, get_mode.restype = [ctypes.c_void_p], ctypes.c_int
    before = get_mode(mode)
    server.verify_mode = ssl.CERT_OPTIONAL
    if (before, get_mode(mode)) != (0, 1):  # the pointer is none of a context
        return False
    _ask(server)
    return bool(_certificate(server, shows)) and _certificate(server, hides) == b""


def _certificate(server_context: ssl.SSLContext, client_context: ssl.SSLContext) -> bytes:
    """What a server learns in a handshake in memory; raises ssl.SSLError."""
    client_context.check_hostname = False
    client_context.verify_mode = ssl.CERT_NONE
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    server, client = server_context.wrap_bio(up, down, server_side=True), client_context.wrap_bio(down, up)
    for side in (client, server, client, server):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    if server.version() is None:
        raise OSError("no handshake")
    return given(server)
