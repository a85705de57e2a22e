"""Certificate chains and keys that are not files, for OpenSSL, which takes them from files only.

The bytes go into anonymous memory (memfd_create), which has a name as long as its descriptor is open and never reaches
a disk.
"""

from __future__ import annotations

import os
import ssl

from app.net.tls import KeyCert


def load_chain(context: ssl.SSLContext, pem: bytes) -> None:
    """Use a chain and its key, one PEM after the other; raises ssl.SSLError."""
    descriptor = _in_memory(pem)
    try:
        context.load_cert_chain(_path(descriptor))
    finally:
        os.close(descriptor)


def memory_key_cert(pem: bytes) -> KeyCert:
    """The same as files for `ServerCertificates`; they stay in memory until the process ends."""
    path = _path(_in_memory(pem))
    return KeyCert(path, path)


def _in_memory(pem: bytes) -> int:
    descriptor = os.memfd_create("certificate", os.MFD_CLOEXEC)
    os.write(descriptor, pem)
    return descriptor


def _path(descriptor: int) -> str:
    return f"/proc/self/fd/{descriptor}"
