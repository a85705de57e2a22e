"""The files and directories that a configuration names, for who has to know what belongs to a server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from app.config.dynamic import Dynamic
from app.config.static import Static


def named_outside(static: Static, dynamic: Dynamic, directory: Path) -> list[str]:
    """Those outside of the directory of mox.conf, as the settings have them; each once."""
    roots = [one.web_static.root for one in dynamic.web_handlers if one.web_static is not None]
    found = [name for name in _files(static, dynamic) if not _is_within(directory, directory / name)]
    return [*dict.fromkeys((*found, *(root for root in roots if not _is_within(directory, Path(root)))))]


def _is_within(directory: Path, path: Path) -> bool:
    """By its name, and past no folder that is a link; a file that is a link counts as what it leads to."""
    top, place = Path(os.path.abspath(directory)), Path(os.path.abspath(path))
    return place.is_relative_to(top) and not any(
        parent.is_symlink() for parent in place.parents if parent != top and parent.is_relative_to(top)
    )


def _files(static: Static, dynamic: Dynamic) -> Iterator[str]:
    """Relative to mox.conf."""
    if static.admin_password_file:
        yield static.admin_password_file
    if static.tls is not None and static.tls.ca is not None:
        yield from static.tls.ca.cert_files
    for acme in static.acme.values():
        if acme.external_account_binding is not None:
            yield acme.external_account_binding.key_file
    for listener in static.listeners.values():
        if listener.tls is not None:
            yield from listener.tls.host_private_key_files
            for pair in listener.tls.key_certs:
                yield pair.cert_file
                yield pair.key_file
    for domain in dynamic.domains.values():
        if domain.dkim is not None:
            yield from (one.private_key_file for one in domain.dkim.selectors.values())
