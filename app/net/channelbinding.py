"""Channel bindings: what ties a SCRAM exchange to its TLS connection (RFC 5056, RFC 5929 §3, RFC 9266).

tls-unique is for TLS 1.2, where Python gives it. tls-exporter is for TLS 1.3; Python's ssl has no call for it, so it
is asked of the very OpenSSL that the `_ssl` extension uses, through ctypes, with the SSL pointer that stands behind
the object header and one pointer in `_ssl._SSLSocket`. That layout is known for the Pythons of `libssl`; on others,
and when the self-test (both ends of a handshake in memory must agree, and disagree with another handshake) fails,
there is no tls-exporter and TLS 1.3 connections offer no -PLUS mechanism.
"""

from __future__ import annotations

import ctypes
import datetime
import ssl
import tempfile
import threading
from functools import cache
from pathlib import Path
from typing import Any

from app.net.libssl import is_known, libssl

_LABEL = b"EXPORTER-Channel-Binding"  # RFC 9266 §2, with an empty context
_SIZE = 32
_LOCK = threading.Lock()


def types_for(version: str) -> tuple[str, ...]:
    """The binding types that exist on a connection of this TLS version."""
    if version == "TLSv1.3":
        return ("tls-exporter",) if exporter_works() else ()
    return ("tls-unique",) if version == "TLSv1.2" else ()


def data(ssl_object: ssl.SSLObject, binding_type: str) -> bytes | None:
    """The binding data of a finished handshake; the type must be one of `types_for` its version."""
    if binding_type == "tls-exporter":
        return _export(_library(), ssl_object)
    return ssl_object.get_channel_binding(binding_type)


def exporter_works() -> bool:
    """Whether tls-exporter can be had in this process; tested once."""
    with _LOCK:
        return _self_test()


@cache
def _self_test() -> bool:
    if not is_known():
        return False
    try:
        library = _library()
        server, client = _handshake()
        other, _ = _handshake()
        found = [_export(library, side) for side in (server, client, other)]
    except (AttributeError, ImportError, OSError, ValueError, TypeError):
        return False
    return found[0] is not None and found[0] == found[1] != found[2] and found[0] != bytes(_SIZE)


@cache
def _library() -> Any:  # noqa: ANN401  # ctypes has no better type
    """OpenSSL with the type of the function that is needed."""
    library = libssl()
    export = library.SSL_export_keying_material
    size, text = ctypes.c_size_t, ctypes.c_char_p
    export.argtypes = [ctypes.c_void_p, text, size, text, size, text, size, ctypes.c_int]
    export.restype = ctypes.c_int
    return library


def _export(library: Any, ssl_object: ssl.SSLObject) -> bytes | None:  # noqa: ANN401
    inner = ssl_object._sslobj  # type: ignore[attr-defined]
    if type(inner).__name__ != "_SSLSocket" or ssl_object.version() is None:
        return None
    # struct PySSLSocket { PyObject_HEAD; PyObject *Socket; SSL *ssl; ... }
    offset = object.__basicsize__ + ctypes.sizeof(ctypes.c_void_p)
    pointer = ctypes.c_void_p.from_address(id(inner) + offset)
    out = ctypes.create_string_buffer(_SIZE)
    done = library.SSL_export_keying_material(pointer, out, _SIZE, _LABEL, len(_LABEL), b"", 0, 1)
    return out.raw if done == 1 else None


def _handshake() -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """Both ends of a finished TLS 1.3 handshake in memory."""
    context, client_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client_context.check_hostname = False
    client_context.verify_mode = ssl.CERT_NONE
    client_context.minimum_version = ssl.TLSVersion.TLSv1_3
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "self-test.pem"
        path.write_bytes(throwaway_certificate())
        context.load_cert_chain(path)
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    server, client = context.wrap_bio(up, down, server_side=True), client_context.wrap_bio(down, up)
    for side in (client, server, client, server):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    return server, client


def throwaway_certificate() -> bytes:
    """A certificate and key for the self-test only, PEM."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([])
    start = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, start, start + datetime.timedelta(days=36500))
    certificate = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return certificate + key.private_bytes(*form)
