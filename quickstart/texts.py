"""Longer texts of the quickstart: the service unit, and what to say about certificates and a web server in front."""

from __future__ import annotations

CERTIFICATE_NOTE = """\
The certificate below is signed by this server itself: mail programs ask
whether to trust it. Certificates that come automatically (ACME) are for a later
version. To use one of your own, change both file names; the paths are relative to
this file."""

CERTIFICATES_LATER = (
    "TLS uses a certificate that this server signed itself (config/tls/), so mail programs will ask once whether to "
    "trust it. Automatic certificates come with a later version; until then you can put the file names of a "
    "certificate of your own in mox.conf, below TLS."
)

PROXY_NOTE = (
    "Your web server keeps ports 80 and 443. Let it pass on https://mta-sts.<domain>/ and https://autoconfig.<domain>/ "
    "to http://127.0.0.1:81, and the pages of account and administrator to http://127.0.0.1:1080, with the "
    "X-Forwarded-For and X-Forwarded-Proto fields. Put the file names of its certificate in mox.conf, then run: "
    "config test"
)

HOST_RECORDS = (
    "Whoever rents you the addresses can set their reverse (PTR) records: to {hostname}. Without them much of your "
    "mail is refused."
)
NO_ADDRESSES = (
    "{hostname} also needs an A and, if this machine has IPv6, an AAAA record with the addresses by which the world "
    "reaches it; give them with -natips to have them in the list above."
)

SERVICE_UNIT = """\
[Unit]
Description=mox mail server
After=network-online.target
Wants=network-online.target

[Service]
WorkingDirectory={directory}
ExecStart=/usr/bin/env python3 {archive} serve
ExecStop=/usr/bin/env python3 {archive} stop
Restart=always
RestartSec=5s
UMask=007
LimitNOFILE=65535
NoNewPrivileges=yes
PrivateDevices=yes
PrivateTmp=yes
ProtectSystem=strict
ProtectKernelTunables=yes
ProtectControlGroups=yes
ReadWritePaths={directory}/config {directory}/data
CacheDirectory=mox
Environment=XDG_CACHE_HOME=/var/cache/mox
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
LockPersonality=yes
CapabilityBoundingSet=CAP_SETUID CAP_SETGID CAP_NET_BIND_SERVICE CAP_CHOWN CAP_FSETID CAP_DAC_OVERRIDE \
CAP_DAC_READ_SEARCH CAP_FOWNER CAP_KILL
SystemCallArchitectures=native
SystemCallFilter=@system-service

[Install]
WantedBy=multi-user.target
"""
