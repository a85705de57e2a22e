"""A registry of domains on loopback, spoken to by RDAP."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from quickstart.probes.registration import Registration, RegistrationClient
from tests.support.certificates import self_signed

Pages = dict[str, Any]  # by path: an answer, a status, or a place to go to


class Registry:
    """An https server whose pages a test sets, until the block is left."""

    def __init__(self) -> None:
        self.pages: Pages = {}
        self.asked: list[str] = []
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                registry.asked.append(self.path)
                page = registry.pages.get(self.path, 404)
                status = page if isinstance(page, int) else 302 if isinstance(page, str) else 200
                body = page if isinstance(page, bytes) else json.dumps(page).encode()
                self.send_response(status)
                if isinstance(page, str):
                    self.send_header("Location", page)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        contexts = self_signed("localhost")
        self.server.socket = contexts.server.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://localhost:{self.server.server_address[1]}"
        self.client = RegistrationClient(f"{self.url}/dns.json", True, contexts.client)
        self.pages["/dns.json"] = {"services": [[["org"], ["http://plain.example/", f"{self.url}/rdap"]]]}
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self) -> Registry:
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def ask(self, domain: str = "example.org") -> Registration:
        """What the program finds out here."""
        return self.client.look_up(domain, 10)


def events(**dates: object) -> Pages:
    """What a registry tells of a domain."""
    return {"events": [{"eventAction": action, "eventDate": date} for action, date in dates.items()]}
