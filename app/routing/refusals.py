"""What the refusals of large providers and block lists mean, and what to do about them.

    explain("gmail-smtp-in.l.google.com", "550 5.7.26 This mail is unauthenticated ...")
      -> Explanation(whose="Gmail", cause="Gmail could not verify ...", advice="...", link="https://...")

Providers refuse in words and codes of their own, which say little to those who meet them for the first time. The rows
are in `app/data/refusals.tsv`, from what the providers publish and from replies that were seen. Each names what is
typical of one refusal: a code of the provider's, or a few words that it does not change. A row counts only for servers
of its provider, by their host names; those of block lists count anywhere, as any server may ask them. The first that
fits is taken, special ones stand before general ones.

Links are ours and never those of the reply: what another server says is no advice. A text is looked at up to MAX_TEXT
characters. A reply that no row knows stays as it is.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

from app.assets import read_text
from app.wire.smtp.reply import Reply

MAX_TEXT = 2000

_BLANKS = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a refusal means. `link` is a page of the provider about it, or ""."""

    whose: str
    cause: str
    advice: str
    link: str = ""

    @property
    def what_next(self) -> str:
        """The advice, with the page."""
        return f"{self.advice} See {self.link}" if self.link else self.advice


@dataclass(frozen=True, slots=True)
class Row:
    """One refusal that is known, and the ends of the host names of those who say it; none means anybody."""

    hosts: tuple[str, ...]
    pattern: re.Pattern[str]
    explanation: Explanation

    def fits(self, host: str, text: str) -> bool:
        """Whether this server has said this; both in lower case."""
        is_theirs = not self.hosts or any(host == one or host.endswith(f".{one}") for one in self.hosts)
        return is_theirs and self.pattern.search(text) is not None


def explain(host: str, reply: Reply | str) -> Explanation | None:
    """What a refusal by the server `host` means; None when it is not known. A string has the whole reply in it."""
    text = _BLANKS.sub(" ", str(reply)[:MAX_TEXT]).lower()
    name = host.lower().rstrip(".")
    return next((row.explanation for row in known_refusals() if row.fits(name, text)), None)


@functools.cache
def known_refusals() -> tuple[Row, ...]:
    """The rows of the table, read at the first refusal."""
    advices: dict[str, str] = {}
    rows: list[Row] = []
    whose, hosts = "", ""
    for line in read_text("app/data/refusals.tsv").splitlines():
        columns = line.split("\t") + [""] * 3
        if line.startswith("="):
            advices[columns[0]] = columns[1]
        elif line.startswith("!"):
            whose, hosts = columns[0][1:], columns[1]
        elif not line.startswith("#"):
            pattern, cause, advice, link = columns[:4]
            told = Explanation(whose, cause, advices.get(advice, advice), link)
            rows.append(Row(tuple(hosts.split()), re.compile(pattern), told))
    return tuple(rows)
