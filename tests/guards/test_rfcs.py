"""Every standard that the code names is listed in app/data/rfcs.tsv with how far we carry it out."""

from __future__ import annotations

import re
from pathlib import Path

from tests.guards.source import ROOT, modules

TABLE = ROOT / "app" / "data" / "rfcs.tsv"
STATUSES = {"Yes", "Partial", "No", "Reference"}
CITATION = re.compile(r"RFC (\d{3,5})\b")


def rows() -> dict[str, str]:
    """Status by number."""
    return {line.split("\t")[0]: line.split("\t")[1] for line in TABLE.read_text().splitlines()}


def cited(text: str) -> set[str]:
    return set(CITATION.findall(text))


def test_table_is_sorted_and_whole() -> None:
    lines = [line.split("\t") for line in TABLE.read_text().splitlines()]
    assert all(len(line) == 4 and line[1] in STATUSES and line[2] for line in lines)
    assert [int(line[0]) for line in lines] == sorted({int(line[0]) for line in lines})


def test_every_cited_rfc_has_a_row() -> None:
    known = set(rows())
    faults = [f"{m.place}: RFC {number}" for m in modules() for number in sorted(cited(m.text) - known)]
    assert not faults, "add a row to app/data/rfcs.tsv for:\n" + "\n".join(faults)


def test_what_we_claim_is_in_the_code() -> None:
    in_code = set().union(*(cited(module.text) for module in modules()))
    claimed = {number for number, status in rows().items() if status in {"Yes", "Partial"}}
    assert not claimed - in_code, f"rows without code that cites them: {sorted(claimed - in_code)}"


def test_announced_capabilities_are_claimed() -> None:
    text = Path(ROOT / "app" / "wire" / "imap" / "capability.py").read_text()
    status = rows()
    for line in re.findall(r'Capability\("[^"]+", "([^"]+)"', text):
        for number in cited(line):
            assert status[number] in {"Yes", "Partial"}, f"RFC {number} is announced"
