"""WebRedirect: where a request is sent, or that the rule passes because it would lead back to the same place. Pure.

BaseURL gives scheme, host and further query; ReplacePath is the new path, where $1 or ${1} stands for what the first
group of OrigPathRegexp matched, ${name} for a named one and $$ for a dollar sign, as Go's Expand has it. What
OrigPathRegexp does not match is not found.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from app.config.webhandlers import WebRedirect
from app.wire.regexp.matcher import Matcher
from app.wire.regexp.tracer import Found

_PATH_SAFE = "/:@!$&'()*+,;=~-._"
_REFERENCE = re.compile(r"\$(?:\$|\{([0-9A-Za-z_]{1,40})\}|([0-9A-Za-z_]{1,40}))")
MAX_LOOKS = 150_000  # at characters of one path: less than half a second in the worst case
MAX_TARGET = 8192  # characters; a replacement can make much of little


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedUrl:
    """What a request is for."""

    scheme: str
    host: str  # with its port, as in the Host field
    path: str  # clean
    query: str = ""


class NotFound(Exception):
    """The rule says that there is nothing at this path."""


def redirect_target(rule: WebRedirect, asked: AskedUrl) -> str | None:
    """The URL to send the client to; None when that is where it is. Raises NotFound."""
    path = _path(rule, asked.path)
    base = urlsplit(rule.base_url) if rule.base_url else None
    scheme, host = (base.scheme, base.netloc) if base is not None else (asked.scheme, asked.host)
    if (scheme, _usual(scheme, host), path) == (asked.scheme, _usual(asked.scheme, asked.host), asked.path):
        return None
    query = "&".join(part for part in (base.query if base is not None else "", asked.query) if part)
    fragment = base.fragment if base is not None else ""
    target = f"{scheme}://{host}{quote(path, safe=_PATH_SAFE)}"
    return target + (f"?{query}" if query else "") + (f"#{fragment}" if fragment else "")


def _usual(scheme: str, host: str) -> str:
    """Without the port that is meant anyway."""
    return host.lower().removesuffix(":443" if scheme == "https" else ":80")


def _path(rule: WebRedirect, path: str) -> str:
    if rule.orig_path_regexp is None:
        return path
    matcher = rule.orig_path_regexp.matcher
    parts: list[str] = []
    end = looked_at = 0
    for found in matcher.find_all(path):
        looked_at += (
            len(path) - found.start
        )  # each may look at all that follows, and there may be one at each character
        if looked_at > MAX_LOOKS:
            raise NotFound
        parts += [path[end : found.start], _expand(rule.replace_path, path, found, matcher)]
        end = found.end
    if not parts:
        raise NotFound
    replaced = "".join((*parts, path[end:]))[:MAX_TARGET]
    return "/" + replaced.lstrip("/")  # two slashes at the start would be a host name of somebody else


def _expand(template: str, path: str, found: Found, matcher: Matcher) -> str:
    def group(reference: re.Match[str]) -> str:
        name = reference[1] or reference[2]
        if name is None:
            return "$"
        number = int(name) if name.isdigit() else matcher.group_number(name)
        span = found.spans[number] if number is not None and number < len(found.spans) else None
        return path[span[0] : span[1]] if span is not None else ""

    return _REFERENCE.sub(group, template)
