"""Example configurations: parts of mox.conf and domains.conf for one purpose, with words that say why.

They are the files in app/data/examples. Each begins with a comment, whose first line says what it is for, followed by
one part or two: what comes after the line `# In mox.conf:` belongs there, and what comes after `# In domains.conf:`
there. A test checks every one of them as the server checks its own files.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from app.assets import read_text
from app.config.dynamic import Dynamic
from app.config.loading import DOMAINS_CONF
from app.config.pending import without_effect
from app.config.reading import read
from app.config.static import Static
from app.errors import Problem, Refusal

NAMES = (
    "acme",
    "webhandlers",
    "reverseproxy",
    "behind-webserver",
    "nat",
    "proxy-protocol",
    "transport",
    "rulesets",
    "addresses",
)
MOX_CONF = "mox.conf"
_STATIC_PART, _DYNAMIC_PART = f"# In {MOX_CONF}:\n", f"# In {DOMAINS_CONF}:\n"


@dataclass(frozen=True, slots=True)
class Example:
    """An example as it is printed."""

    name: str
    text: str

    @property
    def summary(self) -> str:
        """What it is for, in a sentence."""
        return self.text.partition("\n")[0].removeprefix("# ")

    @property
    def static_part(self) -> str:
        """What belongs into mox.conf; "" for nothing."""
        return self.text.partition(_STATIC_PART)[2].partition(_DYNAMIC_PART)[0]

    @property
    def dynamic_part(self) -> str:
        """What belongs into domains.conf; "" for nothing."""
        return self.text.partition(_DYNAMIC_PART)[2]

    def without_effect(self) -> list[Problem]:
        """What this version reads but does nothing with."""
        static = read(self.static_part.encode(), MOX_CONF, Static)
        return without_effect(static, read(self.dynamic_part.encode(), DOMAINS_CONF, Dynamic))


def example(name: str) -> Example:
    """One by its name; raises Refusal with the names that there are."""
    if name not in NAMES:
        near = difflib.get_close_matches(name, NAMES, 1)
        meant = f"did you mean {near[0]}? " if near else ""
        raise Refusal(f"there is no example {name!r}; {meant}there are: {', '.join(NAMES)}")
    return Example(name, read_text(f"app/data/examples/{name}.conf"))


def examples() -> list[Example]:
    """All, in the order in which they are listed."""
    return [example(name) for name in NAMES]
