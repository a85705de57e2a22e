"""How much each part of the running server writes to its log: looked at and changed without a restart.

Nothing of it is kept: the next start goes by LogLevel and PackageLogLevels of mox.conf again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.log import SETTINGS, Level

PACKAGES: Mapping[str, str] = {
    "certificates": "certificates that come by themselves",
    "config": "reading and changing the configuration",
    "connection": "connections of mail servers and programs",
    "ctl": "commands to the running server",
    "export": "mail that is taken out",
    "http": "pages and web sites",
    "httpaccess": "a line for each request to pages and web sites, at debug",
    "imapserver": "mail programs that read mail",
    "import": "mail that is brought from elsewhere",
    "junk": "learning what is junk",
    "operations": "what the server does by itself for its operators",
    "queue": "mail on its way out",
    "reports": "reports to other domains",
    "serve": "start and stop",
    "smtpclient": "talking to other mail servers",
    "smtpserver": "mail that comes in, and from mail programs",
    "store": "accounts, messages, passwords",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """What is in effect."""

    default: Level
    packages: Mapping[str, Level]  # those that differ, by name

    @property
    def most(self) -> Level:
        """The level that tells the most, in effect anywhere."""
        return min([self.default, *self.packages.values()])


def levels() -> Levels:
    """The levels now."""
    return Levels(default=SETTINGS.default, packages=dict(sorted(SETTINGS.packages.items())))


def set_level(package: str, level: Level) -> None:
    """For a package, or for all without a level of their own when the name is empty."""
    if package:
        SETTINGS.packages[package] = level
    else:
        SETTINGS.default = level


def clear_level(package: str) -> None:
    """The package has the default level again."""
    SETTINGS.packages.pop(package, None)
