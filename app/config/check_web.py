"""What cannot be in WebHandlers and WebDomainRedirects of domains.conf."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from app.config.dynamic import Dynamic
from app.config.reading import Path
from app.config.static import Static
from app.config.webhandlers import WebHandler, WebInternal, WebRedirect
from app.wire.domain import Domain

if TYPE_CHECKING:
    from app.config.check_dynamic import DynamicChecks

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 §5.1
_FRAMING = frozenset(
    ("connection", "content-length", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "date")
)
_NO_REDIRECTS = frozenset((304, 305, 306))
_ACTIONS = ("web_static", "web_redirect", "web_forward", "web_internal")


class WebChecks:
    """The checks of everything for the web server, and of the addresses of webhooks."""

    def __init__(self, checks: DynamicChecks, static: Static, dynamic: Dynamic) -> None:
        self.checks = checks
        self.static = static
        self.dynamic = dynamic

    def run(self) -> None:
        """Complain about everything."""
        for index, handler in enumerate(self.dynamic.web_handlers):
            self._handler(("WebHandlers", f"[{index}]"), handler)
        for source, target in self.dynamic.web_domain_redirects.items():
            if source == target:
                self.checks.complain(("WebDomainRedirects", source.unicode), "redirects to itself")
            elif self._leads_back(source, target):
                self.checks.complain(("WebDomainRedirects", source.unicode), f"{target} leads back to it")
        self._webserver()
        for name, account in self.dynamic.accounts.items():
            if account.outgoing_webhook:
                self._url(("Accounts", name, "OutgoingWebhook", "URL"), account.outgoing_webhook.url)
            if account.incoming_webhook:
                self._url(("Accounts", name, "IncomingWebhook", "URL"), account.incoming_webhook.url)

    def _leads_back(self, source: Domain, target: Domain) -> bool:
        redirects, seen = self.dynamic.web_domain_redirects, {source}
        found: Domain | None = target
        while found is not None and found not in seen:
            seen.add(found)
            found = redirects.get(found)
        return found == source

    def _webserver(self) -> None:
        if not self.dynamic.web_handlers and not self.dynamic.web_domain_redirects:
            return
        for listener in self.static.listeners.values():
            if any(web and web.enabled for web in (listener.webserver_http, listener.webserver_https)):
                return
        section = "WebHandlers" if self.dynamic.web_handlers else "WebDomainRedirects"
        self.checks.complain((section,), "no listener in mox.conf has WebserverHTTP or WebserverHTTPS enabled")

    def _handler(self, path: Path, handler: WebHandler) -> None:
        actions = [action for action in _ACTIONS if getattr(handler, action)]
        if len(actions) != 1:
            text = "give exactly one of WebStatic, WebRedirect, WebForward and WebInternal"
            self.checks.complain(path, text)
        if not handler.path_regexp.text.startswith("^"):
            self.checks.complain((*path, "PathRegexp"), f"must start with ^: write '^{handler.path_regexp.text}'")
        if static := handler.web_static:
            if static.strip_prefix and not static.strip_prefix.startswith("/"):
                self.checks.complain((*path, "WebStatic", "StripPrefix"), "a path starts with a slash")
            if not static.root:
                self.checks.complain((*path, "WebStatic", "Root"), "give a directory")
            self._headers((*path, "WebStatic", "ResponseHeaders"), dict(static.response_headers))
        if handler.web_redirect:
            self._redirect((*path, "WebRedirect"), handler.web_redirect)
        if forward := handler.web_forward:
            url = self._url((*path, "WebForward", "URL"), forward.url)
            if url and (url.username is not None or url.fragment):
                text = "leave out user, password and what follows #: they do not go to the program behind"
                self.checks.complain((*path, "WebForward", "URL"), text)
            self._headers((*path, "WebForward", "ResponseHeaders"), dict(forward.response_headers))
        if handler.web_internal:
            self._internal((*path, "WebInternal"), handler.web_internal)

    def _redirect(self, path: Path, redirect: WebRedirect) -> None:
        if not (redirect.base_url or redirect.orig_path_regexp or redirect.replace_path):
            self.checks.complain(path, "give BaseURL, or OrigPathRegexp and ReplacePath")
        if redirect.base_url:
            url = self._url((*path, "BaseURL"), redirect.base_url)
            if url and url.path not in {"", "/"}:
                self.checks.complain((*path, "BaseURL"), "leave out the path; the path of the request is used")
        if redirect.orig_path_regexp and not redirect.replace_path:
            self.checks.complain((*path, "OrigPathRegexp"), "needs ReplacePath, the path to redirect to")
        if redirect.replace_path and not redirect.orig_path_regexp:
            self.checks.complain((*path, "ReplacePath"), "needs OrigPathRegexp, the paths to redirect")
        if "://" in redirect.replace_path:
            self.checks.complain((*path, "ReplacePath"), "give a path; BaseURL is for another server")
        if not 300 <= redirect.status_code <= 399 or redirect.status_code in _NO_REDIRECTS:
            text = "a redirect has a status of 300 to 399, but for 304 to 306; 308 is usual"
            self.checks.complain((*path, "StatusCode"), text)

    def _internal(self, path: Path, internal: WebInternal) -> None:
        if not (internal.base_path.startswith("/") and internal.base_path.endswith("/")):
            self.checks.complain((*path, "BasePath"), "must start and end with a slash")

    def _headers(self, path: Path, headers: dict[str, str]) -> None:
        for name, value in headers.items():
            if not _HEADER_NAME.fullmatch(name):
                self.checks.complain((*path, name), f"{name!r} is not the name of a header field")
            if name.lower() in _FRAMING:
                self.checks.complain((*path, name), "this field is the server's own: it says how the answer is sent")
            if any(character < " " or character == "\x7f" for character in value):
                self.checks.complain((*path, name), "control characters are not possible in a header field")
            elif any(character > "\xff" for character in value):
                self.checks.complain((*path, name), "use Latin letters: others are not possible in a header field")

    def _url(self, path: Path, text: str) -> SplitResult | None:
        try:
            url = urlsplit(text)
            _ = url.port
        except ValueError as err:
            self.checks.complain(path, f"not an address of a server: {err}")
            return None
        if url.scheme not in {"http", "https"} or not url.hostname:
            self.checks.complain(path, "write an address that starts with https:// or http:// and a host name")
            return None
        return url
