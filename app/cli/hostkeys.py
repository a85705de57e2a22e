"""The command that gives host names keys which stay when their certificates are renewed."""

from __future__ import annotations

from app.cli.command import Command, Invocation


def _ensure(invocation: Invocation) -> int:
    from app.certificates.files import CertificateFiles
    from app.clock import SYSTEM
    from app.config.live import Live
    from app.operations.hostkeys import ensure_host_keys

    invocation.expect(0)
    live = Live.open(invocation.config_path)
    files = CertificateFiles(live.data_dir)

    def certificate_key(authority: str, name: str) -> bytes | None:
        kept = files.find(authority, name)
        return kept.key if kept is not None else None

    made = ensure_host_keys(live, certificate_key, SYSTEM.now())
    for key in made:
        print(f"{key.hostname}: {key.path} ({'the key of its present certificate' if key.is_kept else 'new'})")
    if made:
        print("mox.conf names them. Start the server again, then see 'mox config dnsrecords DOMAIN' for TLSA records.")
    else:
        print("nothing to do: every host name with certificates from an authority has both keys")
    return 0


COMMANDS = (
    Command(
        words="config ensureacmehostprivatekeys",
        help="""Make keys for the certificates of host names that ACME renews.

With HostPrivateKeyFiles a renewed certificate has the same key, so that TLSA records in DNS (DANE) stay true. Set-up
makes one; configurations that are older, or that were written by hand, may have none. For each host name the RSA and
the ECDSA key that is missing is written below config/hostkeys/, the key of its present certificate taken over, and
mox.conf changed.

    mox config ensureacmehostprivatekeys
""",
        run=_ensure,
    ),
)
