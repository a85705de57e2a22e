"""A web handler as a sentence, as fields of a form, and as what was typed into them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.config.regexp import Regexp, parse_regexp
from app.config.webhandlers import (
    DEFAULT_REDIRECT,
    InternalService,
    WebForward,
    WebHandler,
    WebInternal,
    WebRedirect,
    WebStatic,
)
from app.errors import SconfSyntaxError
from app.web.forms import Form
from app.wire.domain import parse_domain

KINDS = {
    "static": "Files of a directory",
    "redirect": "A redirect",
    "forward": "Another web server behind this one",
    "internal": "Pages of this server",
}
SERVICES = {"account": "the account pages", "admin": "the administration"}
MAX_EXPRESSION = 1000
# Which field of the form a problem of domains.conf is about.
SETTINGS = {
    "Domain": "domain",
    "PathRegexp": "path",
    "Root": "root",
    "StripPrefix": "prefix",
    "ResponseHeaders": "headers",
    "BaseURL": "base",
    "OrigPathRegexp": "original",
    "ReplacePath": "replacement",
    "StatusCode": "status",
    "URL": "url",
    "BasePath": "below",
}


@dataclass(frozen=True, slots=True)
class HandlerWords:
    """What a handler is for, and what it does."""

    when: str
    does: str
    additions: tuple[str, ...]


def words_of(handler: WebHandler) -> HandlerWords:
    """A handler in words."""
    scheme = "" if handler.dont_redirect_plain_http else "over HTTPS"
    return HandlerWords(
        when=f"{handler.domain.unicode}, paths that match {handler.path_regexp.text}",
        does=_does(handler),
        additions=tuple(filter(None, (scheme, "compressed" if handler.compress else "", *_additions(handler)))),
    )


def _does(handler: WebHandler) -> str:
    if handler.web_static is not None:
        return f"files of {handler.web_static.root}"
    if handler.web_forward is not None:
        return f"passed on to {handler.web_forward.url}"
    if handler.web_internal is not None:
        return f"{handler.web_internal.service.value} pages at {handler.web_internal.base_path}"
    rule = handler.web_redirect
    if rule is None:
        return "nothing"
    path = f"{rule.orig_path_regexp.text} becomes {rule.replace_path}" if rule.orig_path_regexp else "the same path"
    return f"redirected to {rule.base_url or 'the same host'}, {path}, with status {rule.status_code}"


def _additions(handler: WebHandler) -> list[str]:
    if (static := handler.web_static) is not None:
        found = [f"without {static.strip_prefix} at the start of the path"] if static.strip_prefix else []
        found += ["with lists of files"] if static.list_files else []
        return found + (["the next handler is asked for what is not there"] if static.continue_not_found else [])
    if handler.web_forward is not None and handler.web_forward.strip_path:
        return ["without the part of the path that matched"]
    return []


def kind_of(handler: WebHandler) -> str:
    """Which of KINDS it is."""
    return next(kind for kind in KINDS if getattr(handler, f"web_{kind}") is not None)


def fields_of(handler: WebHandler) -> Mapping[str, str]:
    """The fields of the form for a handler."""
    static, redirect = handler.web_static, handler.web_redirect
    forward, internal = handler.web_forward, handler.web_internal
    fields = {
        "kind": kind_of(handler),
        "domain": handler.domain.unicode,
        "path": handler.path_regexp.text,
        "name": handler.log_name,
        "plain": "yes" if handler.dont_redirect_plain_http else "",
        "compress": "yes" if handler.compress else "",
    }
    if static is not None:
        fields |= {
            "root": static.root,
            "prefix": static.strip_prefix,
            "headers": _headers_text(static.response_headers),
        }
        fields |= {"list": "yes" if static.list_files else "", "pass": "yes" if static.continue_not_found else ""}
    if redirect is not None:
        original = redirect.orig_path_regexp.text if redirect.orig_path_regexp else ""
        fields |= {"base": redirect.base_url, "original": original, "replacement": redirect.replace_path}
        fields |= {"status": str(redirect.status_code)}
    if forward is not None:
        strip = "yes" if forward.strip_path else ""
        fields |= {"url": forward.url, "strip": strip, "headers": _headers_text(forward.response_headers)}
    if internal is not None:
        fields |= {"service": internal.service.value, "below": internal.base_path}
    return fields


def new_fields(kind: str) -> Mapping[str, str]:
    """The fields for a new handler."""
    return {"kind": kind, "path": "^/", "compress": "yes" if kind == "static" else "", "status": str(DEFAULT_REDIRECT)}


def read_handler(form: Form) -> WebHandler | None:
    """The handler that was typed; None, with sentences in the form, when something is wrong."""
    kind = form.choice("kind", KINDS)
    domain = form.parsed("domain", parse_domain)
    path = form.parsed("path", _expression)
    name = form.text("name", required=False, max_length=60)
    static = _read_static(form) if kind == "static" else None
    redirect = _read_redirect(form) if kind == "redirect" else None
    forward = _read_forward(form) if kind == "forward" else None
    internal = _read_internal(form) if kind == "internal" else None
    if not form.is_ok or domain is None or path is None:
        return None
    return WebHandler(
        log_name=name,
        domain=domain,
        path_regexp=path,
        dont_redirect_plain_http=form.flag("plain"),
        compress=form.flag("compress"),
        web_static=static,
        web_redirect=redirect,
        web_forward=forward,
        web_internal=internal,
    )


def _read_static(form: Form) -> WebStatic:
    return WebStatic(
        root=form.text("root"),
        strip_prefix=form.text("prefix", required=False),
        list_files=form.flag("list"),
        continue_not_found=form.flag("pass"),
        response_headers=_read_headers(form),
    )


def _read_redirect(form: Form) -> WebRedirect:
    return WebRedirect(
        base_url=form.text("base", required=False),
        orig_path_regexp=form.parsed("original", _expression, required=False),
        replace_path=form.text("replacement", required=False),
        status_code=form.number("status", 300, 399, default=DEFAULT_REDIRECT),
    )


def _read_forward(form: Form) -> WebForward:
    headers = _read_headers(form)
    return WebForward(url=form.text("url"), strip_path=form.flag("strip"), response_headers=headers)


def _read_internal(form: Form) -> WebInternal:
    service = form.choice("service", SERVICES)
    below = form.text("below")
    return WebInternal(service=InternalService(service if service in SERVICES else "account"), base_path=below)


def _read_headers(form: Form) -> Mapping[str, str]:
    headers: dict[str, str] = {}
    for line in form.lines("headers"):
        name, colon, value = line.partition(":")
        if not colon:
            form.fail("headers", f"“{line}” has no colon; write a field as Cache-Control: max-age=3600.")
        if name.strip().lower() in (known.lower() for known in headers):
            form.fail("headers", f"“{name.strip()}” is there twice; write its values into one line, with commas.")
        headers[name.strip()] = value.strip()
    return headers


def _headers_text(headers: Mapping[str, str]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in headers.items())


def _expression(text: str) -> Regexp:
    if len(text) > MAX_EXPRESSION:
        raise ValueError(f"at most {MAX_EXPRESSION} characters fit")
    try:
        return parse_regexp(text)
    except SconfSyntaxError as error:
        raise ValueError(error.message) from None
