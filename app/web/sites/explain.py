"""Which rule answers a URL, and why: the way of a request through the rules, in sentences for a person.

It asks what `site.py` asks, in the same order; of files it looks whether they are there and may be read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from app.config.webhandlers import WebHandler, WebStatic
from app.errors import Refusal, WireError
from app.web.sites.openfile import Kind, Missing, Unreadable, open_below
from app.web.sites.pathrules import clean_path
from app.web.sites.redirect import AskedUrl, NotFound, redirect_target
from app.web.sites.rules import Match, Rules
from app.web.sites.staticplaces import Does, find_place
from app.wire.domain import Domain, parse_domain


@dataclass(frozen=True, slots=True)
class Step:
    """One rule that was asked."""

    rule: str
    finding: str
    answers: bool = False


def explain(rules: Rules, url: str) -> list[Step]:
    """The rules that a request for a URL meets, up to the one that answers; raises Refusal for what is no URL."""
    domain, asked = _read(url)
    if (target := rules.redirects.get(domain)) is not None:
        return [Step(f"Redirect of {domain}", f"sends it to https://{target.ascii} with the same path", True)]
    steps = list(_until_answered(_steps(rules, domain, asked)))
    if not any(step.answers for step in steps):
        missing = "no rule is for this name" if not rules.is_site(domain) else "no rule answers"
        steps.append(
            Step("This server itself", f"{missing}: pages of this server, if the name is one of its own, or 404")
        )
    return steps


def _read(url: str) -> tuple[Domain, AskedUrl]:
    try:
        parts = urlsplit(url.strip())
        domain = parse_domain(parts.hostname or "")
    except (ValueError, WireError):
        raise Refusal("give a whole URL, such as https://www.example.org/path") from None
    if parts.scheme not in ("http", "https"):
        raise Refusal("give a URL that begins with https:// or http://")
    path = clean_path(unquote(parts.path) or "/")
    return domain, AskedUrl(scheme=parts.scheme, host=parts.netloc, path=path, query=parts.query)


def _until_answered(steps: Iterator[Step]) -> Iterator[Step]:
    for step in steps:
        yield step
        if step.answers:
            return


def _steps(rules: Rules, domain: Domain, asked: AskedUrl) -> Iterator[Step]:
    for index, handler in rules.handlers(domain):
        name = f"Handler {index + 1}" + (f", {handler.log_name}" if handler.log_name else "")
        if not handler.path_regexp.search(asked.path):
            yield Step(name, f"passes: {asked.path} does not match {handler.path_regexp.text}")
        elif asked.scheme == "http" and not handler.dont_redirect_plain_http:
            yield Step(name, "matches, and sends it to https first", True)
        else:
            yield Step(name, *_action(Match(index, handler, asked.path), handler, asked))


def _action(match: Match, handler: WebHandler, asked: AskedUrl) -> tuple[str, bool]:
    """What the handler does, and whether that is an answer."""
    if handler.web_static is not None:
        return _files(handler.web_static, asked.path)
    if handler.web_forward is not None:
        path = match.rest if handler.web_forward.strip_path else asked.path
        return f"passes it on to {handler.web_forward.url.rstrip('/')}{path}", True
    if handler.web_internal is not None:
        return f"shows the {handler.web_internal.service.value} pages of this server", True
    assert handler.web_redirect is not None  # one of the four is there
    try:
        target = redirect_target(handler.web_redirect, asked)
    except NotFound:
        return "answers 404: OrigPathRegexp does not match the path", True
    if target is None:
        return "passes: it would redirect to the same place", False
    return f"redirects to {target} ({handler.web_redirect.status_code})", True


def _files(setting: WebStatic, path: str) -> tuple[str, bool]:
    passes = setting.continue_not_found
    otherwise = "passes" if passes else "answers 404"
    if not path.startswith(setting.strip_prefix):
        return f"{otherwise}: the path does not begin with {setting.strip_prefix}", not passes
    root = os.path.abspath(setting.root)
    try:
        place = find_place(setting, root, path)
        if place.does is Does.FILE:
            os.close(open_below(root, place.path, Kind.FILE))
            return f"sends the file {place.path}", True
        if place.does is Does.REDIRECT:
            return f"sends it to {path}/, as {place.path} is a directory", True
        if place.does is Does.LIST:
            os.close(open_below(root, place.path, Kind.DIRECTORY))
            return f"shows what is in the directory {place.path}", True
        otherwise = "passes" if passes else "answers 403"
        return f"{otherwise}: {place.path} has no index.html and may not be listed", not passes
    except (Missing, Unreadable, OSError):
        file = os.path.join(root, path[len(setting.strip_prefix) :].strip("/"))
        return f"{otherwise}: there is no file {file} to be read", not passes
