"""Regular expressions mean the same on every Python that we run on."""

from __future__ import annotations

import re

from tests.guards.source import modules

# Python 3.11.0 to 3.11.4 match a possessive group wrongly when something in it can backtrack (gh-106052); Debian 12 has
# 3.11.2. A possessive character class is fine, and a group whose alternatives begin differently needs no possession.
POSSESSIVE_GROUP = re.compile(r"(?<!\\)\)(?:[*+?]|\{\d+(?:,\d*)?\})\+|\(\?>")


def test_no_group_is_possessive() -> None:
    faults = []
    for module in modules():
        for number, line in enumerate(module.text.splitlines(), 1):
            if re.search(r"""r[bf]?["']|\\s|\[\^""", line) and POSSESSIVE_GROUP.search(line):
                faults.append(f"{module.place}:{number}")
    assert not faults, "make these groups plain, Python 3.11.2 matches them wrongly:\n" + "\n".join(faults)


def test_the_guard_sees_one() -> None:
    assert POSSESSIVE_GROUP.search(r'X = re.compile(r"(?:a|b)*+c")')
    assert not POSSESSIVE_GROUP.search(r'X = re.compile(r"[^\n]*+(?:x[^\n]*+)*")')
