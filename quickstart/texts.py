"""Longer texts of the quickstart: the service unit, and what to say about certificates and a web server in front."""

from __future__ import annotations

OWN_CERTIFICATE_COMMENT = """\
The certificate below is signed by this server itself: mail programs ask
whether to trust it. For certificates that come automatically (ACME), press
"Use Let's Encrypt" on the admin page Certificates. To use one of your own, change
both file names; the paths are relative to this file."""

AUTOMATIC_COMMENT = """\
Certificates come from Let's Encrypt (see ACME above), for the names that lead to
this machine, and are renewed in time. The key below is kept through renewals, so
that DANE records in DNS stay true. To use a certificate of your own, put KeyCerts in
the place of ACME."""

OWN_CERTIFICATE = (
    "TLS uses a certificate that this server signed itself (config/tls/), so mail programs will ask once whether to "
    "trust it. You can put the file names of a certificate of your own in mox.conf, below TLS, or have Let's Encrypt "
    "make one: the admin page Certificates does that."
)

AUTOMATIC = (
    "Certificates come from Let's Encrypt by themselves, once DNS has the records and this machine can be reached at "
    "port 443 or 80; until then TLS uses one that the server signs itself. With its use you accept the terms at "
    "https://letsencrypt.org/repository/. The admin page Certificates shows how it goes."
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
