"""The OpenSSL that Python's ssl module itself uses, by ctypes, for what the module has no names for.

Nothing here is certain on a Python that was never looked at: who uses it asks `is_known` first, tests itself once, and
does without when that fails.
"""

from __future__ import annotations

import ctypes
import ssl
import sys
from functools import cache
from typing import Any, Final

_KNOWN: Final = ((3, 11), (3, 12), (3, 13))  # whose structures were looked at


def is_known() -> bool:
    """Whether objects of this Python look as expected."""
    if sys.implementation.name != "cpython" or sys.version_info[:2] not in _KNOWN:
        return False
    # Debug and free-threaded builds have other headers of objects.
    return object.__basicsize__ == 2 * ctypes.sizeof(ctypes.c_void_p)


@cache
def libssl() -> Any:  # noqa: ANN401  # ctypes has no better type
    """The library of the `_ssl` extension; raises ImportError when it is not certainly the same one."""
    import _ssl

    library = ctypes.CDLL(getattr(_ssl, "__file__", None))
    version = library.OpenSSL_version_num
    version.restype = ctypes.c_ulong
    if version() != ssl.OPENSSL_VERSION_NUMBER:
        raise ImportError("another OpenSSL is in the way")
    return library
