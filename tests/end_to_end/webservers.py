"""Web servers that have ports 80 and 443 of a machine in disguise, each with a site of its own: real nginx and Caddy.

They read snippets as the set-up's page shows them, from the files that it names. nginx finds certificates where the
snippet says; Caddy makes its own, from an authority within it instead of one on the internet.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import signal
import socket
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

from tests.end_to_end.reading import wait_for
from tests.support.built import STOP_S, environment
from tests.support.certificates import write_pair
from tests.support.closednet import DOMAIN, HOST, IPV4, World

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
CADDY = shutil.which("caddy")
OWN_SITE = "a site of its own"

_NGINX_MAIN = """
daemon off;
pid {folder}/nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    include /etc/nginx/conf.d/*.conf;
    server {{
        listen 80 default_server;
        listen [::]:80 default_server;
        listen 443 ssl default_server reuseport;
        listen [::]:443 ssl default_server reuseport;
        ssl_certificate /etc/nginx/own.pem;
        ssl_certificate_key /etc/nginx/own-key.pem;
        return 200 "{own_site}";
    }}
}}
"""
_NGINX_PAGES = """
server {{
    listen 443 ssl;
    server_name {names};
    ssl_certificate /etc/nginx/own.pem;
    ssl_certificate_key /etc/nginx/own-key.pem;
    location / {{
        proxy_pass http://127.0.0.1:1080;
        proxy_set_header Host $host;
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header X-Forwarded-Proto $scheme;
    }}
}}
"""
_CADDY_MAIN = """
{{
    local_certs
    skip_install_trust
    storage file_system {folder}/caddy
}}
http://, https://{own_name} {{
    respond "{own_site}"
}}
"""
_CADDY_PAGES = """
{names} {{
    reverse_proxy 127.0.0.1:1080
}}
"""


class WebServer(ABC):
    """A program on the machine in disguise."""

    name: str

    def __init__(self, world: World, folder: Path) -> None:
        self.world = world
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None
        self.etc = world.disguise.etc / self.name
        shutil.rmtree(self.etc, ignore_errors=True)
        self.etc.mkdir()

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """From when it has its ports until it has ended."""
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self._disguised(*self._command()), env=self._env(), stdout=log, stderr=log)
        try:
            wait_for(lambda: is_taken(80) and is_taken(443), self.log)
            yield
        finally:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(STOP_S)

    @property
    def log_path(self) -> Path:
        """What it says."""
        return self.folder / f"{self.name}.log"

    def log(self) -> str:
        """What it has said."""
        return self.log_path.read_text(errors="replace")

    @abstractmethod
    def take(self, snippet: str) -> None:
        """Put a snippet where the page says, and load it."""

    @abstractmethod
    def take_pages(self, *names: str) -> None:
        """Pass these names on to the pages of the server, as its owner might."""

    @abstractmethod
    def _command(self) -> list[str]: ...

    def _env(self) -> dict[str, str]:
        return {**environment(), "HOME": str(self.folder)}

    def _disguised(self, *words: str) -> list[str]:
        return self.world.disguise.words(*words)

    def _run(self, *words: str) -> None:
        done = subprocess.run(self._disguised(*words), env=self._env(), capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


class Nginx(WebServer):
    """nginx."""

    name = "nginx"

    def __init__(self, world: World, folder: Path) -> None:
        super().__init__(world, folder)
        (self.etc / "conf.d").mkdir()
        (self.etc / "nginx.conf").write_text(_NGINX_MAIN.format(folder=folder, own_site=OWN_SITE))
        self._put_certificate(HOST, self.etc / "own.pem", self.etc / "own-key.pem")

    def take(self, snippet: str) -> None:
        """Into a file of its own, with the certificate that it names."""
        for name in re.findall(r"/etc/letsencrypt/live/([^/]+)/fullchain\.pem", snippet):
            live = self.world.disguise.etc / "letsencrypt" / "live" / name
            live.mkdir(parents=True, exist_ok=True)
            self._put_certificate(name, live / "fullchain.pem", live / "privkey.pem")
        self._load("mox.conf", snippet)

    def take_pages(self, *names: str) -> None:
        """As a further server."""
        self._load("pages.conf", _NGINX_PAGES.format(names=" ".join(names)))

    def _load(self, file: str, text: str) -> None:
        (self.etc / "conf.d" / file).write_text(text)
        self._run(*self._command(), "-t")
        assert self.process is not None
        self.process.send_signal(signal.SIGHUP)

    def _command(self) -> list[str]:
        return [str(NGINX), "-p", str(self.folder), "-c", "/etc/nginx/nginx.conf"]

    def _put_certificate(self, name: str, certificate: Path, key: Path) -> None:
        for made, place in zip(write_pair(self.folder, name), (certificate, key), strict=True):
            shutil.copyfile(made, place)


class Caddy(WebServer):
    """Caddy."""

    name = "caddy"

    def __init__(self, world: World, folder: Path) -> None:
        super().__init__(world, folder)
        self._parts = {"main": _CADDY_MAIN.format(folder=folder, own_site=OWN_SITE, own_name=DOMAIN)}
        self._write()

    def take(self, snippet: str) -> None:
        """At the end of its file."""
        self._load("mox", snippet)

    def take_pages(self, *names: str) -> None:
        """At the end of its file."""
        self._load("pages", _CADDY_PAGES.format(names=", ".join(names)))

    def _load(self, part: str, text: str) -> None:
        self._parts[part] = text
        self._write()
        self._run(str(CADDY), "reload", "--config", "/etc/caddy/Caddyfile", "--force")

    def _write(self) -> None:
        (self.etc / "Caddyfile").write_text("\n".join(self._parts.values()))

    def _command(self) -> list[str]:
        return [str(CADDY), "run", "--config", "/etc/caddy/Caddyfile"]


def is_taken(port: int) -> bool:
    """Whether somebody answers on a port of the machine."""
    with contextlib.suppress(OSError):
        socket.create_connection((IPV4, port), timeout=5).close()
        return True
    return False
