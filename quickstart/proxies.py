"""What to put into the configuration of a web server that has ports 80 and 443 already: pure text with the real names.

The names `mta-sts` and `autoconfig` of the domain go to the port for files, whole, over HTTP and HTTPS, with the
client's address in X-Forwarded-For and Host as it came. The pages of account and administrator stay on this machine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.wire.domain import Domain
from quickstart.generate import PROXIED_FILES_PORT, Answers

FILES = f"127.0.0.1:{PROXIED_FILES_PORT}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Snippet:
    """What one web server needs."""

    key: str
    program: str
    place: str  # where it goes, and what to run then
    text: str


@dataclass(frozen=True, slots=True)
class Names:
    """The host names that the web server answers for us."""

    hostname: str
    files: Sequence[str]


def names_of(answers: Answers) -> Names:
    """Of a set-up."""
    domain: Domain = answers.address.domain
    return Names(answers.hostname.ascii, tuple(f"{label}.{domain.ascii}" for label in ("mta-sts", "autoconfig")))


def snippets(names: Names) -> list[Snippet]:
    """For each web server that we know."""
    return [
        Snippet(key=key, program=program, place=place, text=write(names)) for key, program, place, write in _PROGRAMS
    ]


def _nginx(names: Names) -> str:
    return f"""\
server {{
    listen 80;
    listen [::]:80;
    listen 443 ssl;
    listen [::]:443 ssl;
    server_name {" ".join(names.files)};
    ssl_certificate     /etc/letsencrypt/live/{names.files[0]}/fullchain.pem;
    ssl_certificate_key /etc/letsencrypt/live/{names.files[0]}/privkey.pem;
    location / {{
        proxy_pass http://{FILES};
        proxy_set_header Host $host;
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header X-Forwarded-Proto $scheme;
    }}
}}
"""


def _caddy(names: Names) -> str:
    return f"""\
{", ".join(names.files)} {{
    reverse_proxy {FILES}
}}
"""


def _apache(names: Names) -> str:
    first, *others = names.files
    inside = f"""\
    ServerName {first}
    ServerAlias {" ".join(others)}
    ProxyPreserveHost On
    ProxyPass / http://{FILES}/
    ProxyPassReverse / http://{FILES}/
    RequestHeader set X-Forwarded-Proto expr=%{{REQUEST_SCHEME}}
"""
    return f"""\
<VirtualHost *:80>
{inside}</VirtualHost>
<VirtualHost *:443>
{inside}    SSLEngine on
    SSLCertificateFile /etc/letsencrypt/live/{first}/fullchain.pem
    SSLCertificateKeyFile /etc/letsencrypt/live/{first}/privkey.pem
</VirtualHost>
"""


def _traefik(names: Names) -> str:
    rule = " || ".join(f"Host(`{name}`)" for name in names.files)
    return f"""\
http:
  routers:
    mox:
      rule: "{rule}"
      entryPoints: [websecure]
      service: mox
      tls:
        certResolver: letsencrypt
    mox-plain:
      rule: "{rule}"
      entryPoints: [web]
      service: mox
  services:
    mox:
      loadBalancer:
        servers:
          - url: "http://{FILES}"
"""


def _haproxy(names: Names) -> str:
    hosts = " ".join(names.files)
    return f"""\
# in the frontends of ports 80 and 443, before other use_backend lines:
    acl is_mox hdr(host),field(1,:) -i {hosts}
    use_backend mox if is_mox

backend mox
    mode http
    option forwardfor
    http-request set-header X-Forwarded-Proto http
    http-request set-header X-Forwarded-Proto https if {{ ssl_fc }}
    server mox {FILES}
"""


_PROGRAMS: tuple[tuple[str, str, str, Callable[[Names], str]], ...] = (
    (
        "nginx",
        "nginx",
        "A new file, /etc/nginx/conf.d/mox.conf; then: nginx -t && systemctl reload nginx. The certificate has to be "
        "there first: certbot certonly --nginx, with -d for each of the names, once DNS has them.",
        _nginx,
    ),
    (
        "caddy",
        "Caddy",
        "At the end of /etc/caddy/Caddyfile; then: systemctl reload caddy. It gets the certificates by itself once DNS "
        "has the names, and sends plain HTTP on to HTTPS, which is fine.",
        _caddy,
    ),
    (
        "apache",
        "Apache",
        "A new file, /etc/apache2/sites-available/mox.conf; then: a2enmod proxy proxy_http ssl headers && "
        "a2ensite mox && systemctl reload apache2. The certificate has to be there first: certbot certonly --apache, "
        "with -d for each of the names, once DNS has them.",
        _apache,
    ),
    (
        "traefik",
        "Traefik",
        "A file of the dynamic configuration; put the names of your own entry points and resolver in. In a container, "
        "127.0.0.1 is the container: use the host's network.",
        _traefik,
    ),
    (
        "haproxy",
        "HAProxy",
        "In /etc/haproxy/haproxy.cfg; then: haproxy -c -f /etc/haproxy/haproxy.cfg && systemctl reload haproxy. The "
        "certificate of the frontend of port 443 needs both names.",
        _haproxy,
    ),
)
