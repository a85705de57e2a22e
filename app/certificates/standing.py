"""Whether the hosts of this server have their certificates yet, as files tell: for the running server and set-up."""

from __future__ import annotations

from app.certificates.files import CertificateFiles
from app.certificates.names import wanted
from app.config.live import Live


def hosts_are_certified(live: Live, now: float) -> bool | None:
    """For host names whose certificates come by themselves; None without any. Reads files: not for the event loop."""
    hosts = [one for one in wanted(live.static, live.dynamic) if one.is_host]
    if not hosts:
        return None
    files = CertificateFiles(live.data_dir)
    kept = [files.find(one.authority, one.name) for one in hosts]
    return all(one is not None and one.ends > now for one in kept)
