"""A closed DNS made from the zone data of the published test suite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.trust.lookup import Answer, LookupFailed, Mx
from app.wire.smtp.address import IPAddress
from tests.support.machines import ips

Entries = Mapping[str, Sequence[Any]]


class SuiteZone:
    """Answers as the suite means it: SPF stands for TXT where there is no TXT, and TIMEOUT for no reply."""

    def __init__(self, entries: Entries) -> None:
        self._entries = {name.lower(): list(found) for name, found in entries.items()}
        self.asked: list[tuple[str, str]] = []

    def _find(self, name: str, kind: str) -> Answer[Any]:
        name = name.lower()
        self.asked.append((name, kind))
        entries = self._entries.get(name)
        if entries is None:
            return Answer((), name, exists=False)
        pairs = [next(iter(entry.items())) if isinstance(entry, dict) else (entry, None) for entry in entries]
        kinds = {pair[0] for pair in pairs}
        wanted = "SPF" if kind == "TXT" and "TXT" not in kinds else kind
        if "CNAME" in kinds:
            return self._find(next(value for key, value in pairs if key == "CNAME"), kind)
        found = [value for key, value in pairs if key == wanted and value != "NONE"]
        if "TIMEOUT" in found or ("TIMEOUT" in kinds and not found):
            raise LookupFailed(name, kind, "no reply")
        return Answer(tuple(found), name)

    async def txt(self, name: str) -> Answer[bytes]:
        answer = self._find(name, "TXT")
        joined = ["".join(value) if isinstance(value, list) else str(value) for value in answer.records]
        return Answer(tuple(text.encode() for text in joined), name, exists=answer.exists)

    async def mx(self, name: str) -> Answer[Mx]:
        answer = self._find(name, "MX")
        return Answer(tuple(Mx(number, host) for number, host in answer.records), name, exists=answer.exists)

    async def ipv4(self, name: str) -> Answer[IPAddress]:
        answer = self._find(name, "A")
        return Answer(ips(*answer.records), name, exists=answer.exists)

    async def ipv6(self, name: str) -> Answer[IPAddress]:
        answer = self._find(name, "AAAA")
        return Answer(ips(*answer.records), name, exists=answer.exists)

    async def ptr(self, ip: IPAddress) -> Answer[str]:
        return self._find(ip.reverse_pointer, "PTR")

    async def addresses(self, name: str) -> Answer[IPAddress]:
        raise NotImplementedError

    async def ns(self, name: str) -> Answer[str]:
        raise NotImplementedError

    async def tlsa(self, name: str) -> Answer[Any]:
        raise NotImplementedError
