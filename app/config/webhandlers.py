"""WebHandlers of domains.conf: what the web server does with requests for a domain and path.

The first handler that matches answers. Exactly one of WebStatic, WebRedirect, WebForward and WebInternal is given.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping

from app.config.regexp import Regexp
from app.config.schema import optional, required, settings
from app.wire.domain import Domain

DEFAULT_REDIRECT = 308


class InternalService(enum.Enum):
    """Pages of our own that a handler can show."""

    ADMIN = "admin"
    ACCOUNT = "account"
    WEBMAIL = "webmail"
    WEBAPI = "webapi"


@settings
class WebStatic:
    """Files of a directory."""

    strip_prefix: str = optional("Start of the path to leave out before looking for the file.", default="")
    root: str = required("Directory with the files, relative to the working directory of the server.")
    list_files: bool = optional("Show a list of files for a directory without index.html.", default=False)
    continue_not_found: bool = optional("Go on with the next handler when there is no such file.", default=False)
    response_headers: Mapping[str, str] = optional("Header fields to add to responses.", default={})


@settings
class WebRedirect:
    """Sends the browser elsewhere."""

    base_url: str = optional(
        "Scheme and host to redirect to, such as https://www.example.org, without a path.", default="", name="BaseURL"
    )
    orig_path_regexp: Regexp | None = optional("Paths to redirect; others are not found.", default=None)
    replace_path: str = optional("Path to redirect to; $1 stands for the first group of OrigPathRegexp.", default="")
    status_code: int = optional("Status to redirect with.", default=DEFAULT_REDIRECT)


@settings
class WebForward:
    """Passes the request on to another server."""

    strip_path: bool = optional("Leave out the part of the path that PathRegexp matched.", default=False)
    url: str = required("Address of the server; its path is put before the path of the request.", name="URL")
    response_headers: Mapping[str, str] = optional("Header fields to add to responses.", default={})


@settings
class WebInternal:
    """Shows pages of our own."""

    base_path: str = required("Path of the pages, starting and ending with a slash.")
    service: InternalService = required("Which pages: admin, account, webmail or webapi.")


@settings
class WebHandler:
    """What to do with some requests."""

    log_name: str = optional("Name of this handler in logs and metrics.", default="")
    domain: Domain = required("Host name that requests are for.")
    path_regexp: Regexp = required("Paths that this handler answers, starting with ^.")
    dont_redirect_plain_http: bool = optional(
        "Answer on HTTP too, instead of redirecting to HTTPS.", default=False, name="DontRedirectPlainHTTP"
    )
    compress: bool = optional("Compress what compresses well.", default=False)
    web_static: WebStatic | None = optional("Serve files.", default=None)
    web_redirect: WebRedirect | None = optional("Redirect.", default=None)
    web_forward: WebForward | None = optional("Pass on to another server.", default=None)
    web_internal: WebInternal | None = optional("Show our own pages.", default=None)
