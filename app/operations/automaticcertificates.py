"""Has mox.conf ask for certificates at Let's Encrypt, in place of those that the set-up has signed itself.

The keys of the present files stay in use for the host name (HostPrivateKeyFiles), so that TLSA records which are
published already go on being true. It takes effect at the next start; the earlier mox.conf is in the history.
"""

from __future__ import annotations

import dataclasses

from app.config.listener import Listener, ListenerTls
from app.config.live import Live
from app.config.static import Acme, Static
from app.errors import Refusal
from app.wire.smtp.address import Address

NAME = "letsencrypt"
DIRECTORY_URL = "https://acme-v02.api.letsencrypt.org/directory"
MAX_HOST_KEYS = 2  # RSA and ECDSA


def candidates(static: Static) -> list[str]:
    """The listeners that the world reaches and whose certificates are files."""
    return [name for name, one in static.listeners.items() if _is_candidate(one)]


def _is_candidate(listener: Listener) -> bool:
    has_files = listener.tls is not None and bool(listener.tls.key_certs)
    return has_files and not all(ip.is_loopback for ip in listener.ips)


def letsencrypt(contact: Address) -> Acme:
    """The authority, as it stands in mox.conf."""
    return Acme(directory_url=DIRECTORY_URL, contact_email=str(contact))


def use_letsencrypt(live: Live, contact: Address, *, by: str = "") -> None:
    """Change mox.conf; raises Refusal when there is nothing to change, ConfigError, Temporary."""

    def edit(static: Static) -> Static:
        wanted = candidates(static)
        if not wanted:
            raise Refusal("no listener that the world reaches has certificates in files")
        changed = {name: _automatic(static.listeners[name]) for name in wanted}
        acme = {**static.acme, NAME: letsencrypt(contact)}
        return dataclasses.replace(static, acme=acme, listeners={**static.listeners, **changed})

    live.static_file.change(edit, by, "certificates come from Let's Encrypt")


def _automatic(listener: Listener) -> Listener:
    assert listener.tls is not None
    keys = dict.fromkeys((*listener.tls.host_private_key_files, *(pair.key_file for pair in listener.tls.key_certs)))
    tls: ListenerTls = dataclasses.replace(
        listener.tls, acme=NAME, key_certs=(), host_private_key_files=tuple(keys)[:MAX_HOST_KEYS]
    )
    return dataclasses.replace(listener, tls=tls)
