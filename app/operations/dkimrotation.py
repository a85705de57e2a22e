"""Replaces the DKIM keys of a domain without a message that cannot be verified.

    start      new keys are made and configured, but do not sign      WAITING    publish their records
    check      their records are seen in DNS                          SEEN       an hour later they sign by themselves
    switch     they sign, the old ones no longer                      RETIRING   old records stay for mail on its way
               ten days later                                         REMOVABLE  take the old records out of DNS
    finish     these are gone; the old keys leave the configuration   (over)

`undo` goes back: before the switch the new keys are taken away again; after it the old ones sign, and nothing goes on
by itself. domains.conf is what counts; the notes of `store/dkimrotations.py` say which keys belong together and when
what was seen, and `phase` reads both. So a server that is killed at any point goes on from what is true, and keys that
somebody takes out by hand end the replacement. Raises Refusal with words for a person.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import enum
import itertools
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from app.clock import Clock, utc
from app.config.dynamic import ConfigDomain, Dkim, Selector
from app.config.live import Live
from app.errors import MailError, Refusal
from app.log import logger
from app.net.authority import AuthoritativeServers
from app.operations.dkimkeys import Algorithm, DkimKey, dkim_settings, key_files, make_key
from app.operations.dnsrecords import Record, files_below
from app.operations.edits import change_domain, need_domain
from app.operations.newfiles import written
from app.store.dkimrotations import DkimRotations, Rotation
from app.trust.dkim.keys import BadKey, load_key
from app.trust.dkim.tags import BadTags, parse_tags, without_blanks
from app.trust.lookup import LookupFailed, Resolver
from app.wire.domain import Domain, parse_domain

SETTLE_S: Final = 3600.0  # until servers that asked too early have forgotten that there was nothing
RETIRE_S: Final = 10 * 86400.0  # longer than any server keeps mail on its way, and than our signatures are valid
LOOK_AGAIN_S: Final = 600.0
MAX_RECORDS: Final = 10
BY_ITSELF: Final = "the server by itself"

log = logger("operations")


class Phase(enum.Enum):
    """How far a replacement is."""

    WAITING = "waiting"
    SEEN = "seen"
    RETIRING = "retiring"
    REMOVABLE = "removable"
    OVER = "over"


class Presence(enum.Enum):
    """What DNS says of a key's record."""

    RIGHT = "right"
    MISSING = "missing"
    OTHER = "other"  # another key stands there
    UNKNOWN = "unknown"  # DNS does not answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """A replacement as people are shown it."""

    rotation: Rotation
    phase: Phase
    records: Mapping[str, Presence]  # by selector, as of the last look; empty before the first

    @property
    def switches(self) -> float:
        """When the new keys begin to sign by themselves; 0 when they do not."""
        one = self.rotation
        return one.seen + SETTLE_S if self.phase is Phase.SEEN and one.is_automatic else 0.0

    @property
    def removable(self) -> float:
        """From when on the old records are of no use."""
        return self.rotation.switched + RETIRE_S if self.rotation.switched else 0.0


def phase(rotation: Rotation, config: ConfigDomain | None, now: float) -> Phase:
    """How far it is: from the notes and what domains.conf has."""
    dkim = config.dkim if config is not None else None
    if dkim is None or not all(name in dkim.selectors for name in rotation.new):
        return Phase.OVER
    if not all(name in dkim.sign for name in rotation.new):
        return Phase.SEEN if rotation.seen else Phase.WAITING
    if not any(name in dkim.selectors for name in rotation.old) or any(name in dkim.sign for name in rotation.old):
        return Phase.OVER
    has_waited = rotation.switched and now >= rotation.switched + RETIRE_S
    return Phase.REMOVABLE if has_waited else Phase.RETIRING


class Rotations:
    """The replacements of all domains; what they do to one goes one after the other."""

    def __init__(
        self,
        live: Live,
        notes: DkimRotations,
        resolver: Resolver,
        clock: Clock,
        authority: Callable[[Resolver], AuthoritativeServers] = AuthoritativeServers,
    ) -> None:
        self._live = live
        self._authority = authority
        self._notes = notes
        self._resolver = resolver
        self._clock = clock
        self._looks: dict[str, dict[str, Presence]] = {}
        self._one_by_one = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Look after them all from now on."""
        self._task = asyncio.get_running_loop().create_task(self._watch())

    async def stop(self) -> None:
        """End that."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_AGAIN_S)
            try:
                for one in await self._notes.all():
                    await self.check(parse_domain(one.domain))
            except MailError as error:
                log.warn("cannot look after DKIM keys", err=error)

    async def all(self) -> Sequence[Progress]:
        """Every replacement that is under way."""
        found = [self._progress(one) for one in await self._notes.all()]
        return [one for one in found if one.phase is not Phase.OVER]

    async def find(self, domain: Domain) -> Progress | None:
        """That of a domain."""
        one = await self._notes.find(domain.ascii)
        progress = self._progress(one) if one else None
        return progress if progress and progress.phase is not Phase.OVER else None

    async def records(self, one: Rotation, names: Sequence[str]) -> list[Record]:
        """The records of some of its keys, as they belong into DNS; keys that cannot be read are left out."""
        return await asyncio.to_thread(_records, self._live, one, names)

    async def start(self, domain: Domain, *, by: str = "") -> Progress:
        """Make the next keys, an RSA and an Ed25519 key, to replace all that sign now."""
        async with self._one_by_one:
            config = need_domain(self._live.dynamic, domain)
            if await self.find(domain):
                raise Refusal(f"keys of {domain} are being replaced already; finish that first, or undo it")
            old = config.dkim.sign if config.dkim else ()
            keys = await asyncio.to_thread(_make_keys, self._live, domain, self._clock.now())
            rotation = Rotation(
                domain=domain.ascii, new=tuple(key.selector for key in keys), old=old, started=self._clock.now()
            )
            await self._notes.save(rotation)  # before the keys: without them it means nothing
            await asyncio.to_thread(_configure, self._live, domain, keys, by)
            return self._progress(rotation)

    async def check(self, domain: Domain) -> Progress | None:
        """Ask DNS, and go on as far as that allows; None when nothing is under way (any more)."""
        async with self._one_by_one:
            rotation = await self._notes.find(domain.ascii)
            if rotation is None:
                return None
            now = self._phase(rotation)
            if now in (Phase.WAITING, Phase.SEEN):
                rotation = await self._look_for_new(rotation)
            elif now is Phase.RETIRING and not rotation.switched:  # killed before it was noted
                rotation = await self._note(rotation, switched=self._clock.now())
            elif now is Phase.REMOVABLE and await self._are_gone(rotation):
                await self._finish(rotation, BY_ITSELF)
            elif now is Phase.OVER:
                await self._notes.forget(domain.ascii)
        return await self.find(domain)

    async def switch(self, domain: Domain, *, by: str = "") -> None:
        """Let the new keys sign now; refused while their records are not seen."""
        await self.check(domain)
        async with self._one_by_one:
            rotation = await self._need(domain, Phase.WAITING, Phase.SEEN)
            if self._phase(rotation) is Phase.WAITING:
                raise Refusal(
                    "the records of the new keys are not seen in DNS yet; mail signed with them would look forged"
                )
            await self._switch(rotation, by)

    async def undo(self, domain: Domain, *, by: str = "") -> str:
        """Go back a step; what was done, for people."""
        async with self._one_by_one:
            rotation = await self._need(domain, *Phase)
            if self._phase(rotation) in (Phase.WAITING, Phase.SEEN):
                await self._configure_away(rotation, rotation.new, by)
                await self._notes.forget(rotation.domain)
                return f"The new keys of {domain} are taken away again; take their records out of DNS."
            await asyncio.to_thread(_set_signing, self._live, domain, rotation.new, rotation.old, by)
            await self._note(rotation, switched=0.0, is_automatic=False)
            return f"The old keys of {domain} sign again. The new ones wait until you let them sign."

    async def finish(self, domain: Domain, *, by: str = "") -> None:
        """Take the old keys out of the configuration; refused while mail on its way may need their records."""
        async with self._one_by_one:
            rotation = await self._need(domain, Phase.RETIRING, Phase.REMOVABLE)
            if self._phase(rotation) is Phase.RETIRING:
                until = utc(rotation.switched + RETIRE_S).date().isoformat()
                raise Refusal(f"mail on its way may still need the old records, until {until}")
            await self._finish(rotation, by)

    # Steps, called with the lock held

    async def _look_for_new(self, rotation: Rotation) -> Rotation:
        found = await self._look(rotation, rotation.new)
        if all(presence is Presence.RIGHT for presence in found.values()):
            rotation = rotation if rotation.seen else await self._note(rotation, seen=self._clock.now())
        elif rotation.seen and not all(one in (Presence.RIGHT, Presence.UNKNOWN) for one in found.values()):
            rotation = await self._note(rotation, seen=0.0)
        is_due = rotation.seen and self._clock.now() >= rotation.seen + SETTLE_S
        if is_due and rotation.is_automatic and Presence.UNKNOWN not in found.values():
            await self._switch(rotation, BY_ITSELF)
        return rotation

    async def _switch(self, rotation: Rotation, by: str) -> None:
        domain = parse_domain(rotation.domain)
        await asyncio.to_thread(_set_signing, self._live, domain, rotation.old, rotation.new, by)
        await self._note(rotation, switched=self._clock.now())
        log.info("new DKIM keys sign", domain=domain, selectors=" ".join(rotation.new))
        if not rotation.old:
            await self._notes.forget(rotation.domain)

    async def _finish(self, rotation: Rotation, by: str) -> None:
        await self._configure_away(rotation, rotation.old, by)
        await self._notes.forget(rotation.domain)
        self._looks.pop(rotation.domain, None)
        log.info("old DKIM keys are taken away", domain=rotation.domain, selectors=" ".join(rotation.old))

    async def _configure_away(self, rotation: Rotation, names: Sequence[str], by: str) -> None:
        domain = parse_domain(rotation.domain)
        await asyncio.to_thread(_remove, self._live, domain, names, by)

    async def _are_gone(self, rotation: Rotation) -> bool:
        found = await self._look(rotation, rotation.old)
        return all(presence is Presence.MISSING for presence in found.values())

    async def _look(self, rotation: Rotation, names: Sequence[str]) -> dict[str, Presence]:
        config = self._live.dynamic.domains[parse_domain(rotation.domain)]
        settings = config.dkim.selectors if config.dkim else {}
        keys = {name: settings[name] for name in names if name in settings}
        found = await asyncio.gather(*(self._presence(rotation.domain, name, one) for name, one in keys.items()))
        self._looks[rotation.domain] = dict(zip(keys, found, strict=True))
        return self._looks[rotation.domain]

    async def _presence(self, domain: str, name: str, settings: Selector) -> Presence:
        """What stands in DNS where the record of a key belongs."""
        try:
            pem = await asyncio.to_thread(files_below(self._live.config_dir), settings.private_key_file)
            expected = _public(load_key(pem).record().encode())
            answers = await self._answers(f"{name}._domainkey.{domain}")
        except (OSError, BadKey, LookupFailed):
            return Presence.UNKNOWN
        present = [[key for text in texts if (key := _public(text))] for texts in answers]
        if not all(present):  # on one server at least; also a key that was revoked
            return Presence.MISSING
        return Presence.RIGHT if all(keys == [expected] for keys in present) else Presence.OTHER

    async def _answers(self, name: str) -> list[list[bytes]]:
        """The TXT records that each name server of the zone has; those that caches have where none can be asked."""
        authority = self._authority(self._resolver)
        try:
            said = [one for one in await authority.ask(name, "TXT") if one.is_answer]
        finally:
            authority.close()
        if said:
            return [[text.encode("utf-8", "surrogateescape") for text in one.records[:MAX_RECORDS]] for one in said]
        return [list((await self._resolver.txt(name)).records[:MAX_RECORDS])]

    async def _need(self, domain: Domain, *phases: Phase) -> Rotation:
        rotation = await self._notes.find(domain.ascii)
        if rotation is None or self._phase(rotation) is Phase.OVER:
            raise Refusal(f"no keys of {domain} are being replaced; begin with new ones")
        if self._phase(rotation) not in phases:
            raise Refusal(f"this does not fit: the keys of {domain} are {self._phase(rotation).value}")
        return rotation

    async def _note(self, rotation: Rotation, **values: object) -> Rotation:
        changed = dataclasses.replace(rotation, **values)  # type: ignore[arg-type]
        await self._notes.save(changed)
        return changed

    def _phase(self, rotation: Rotation) -> Phase:
        config = self._live.dynamic.domains.get(parse_domain(rotation.domain))
        return phase(rotation, config, self._clock.now())

    def _progress(self, rotation: Rotation) -> Progress:
        records = self._looks.get(rotation.domain, {})
        return Progress(rotation=rotation, phase=self._phase(rotation), records=records)


def _public(record: bytes) -> str:
    """The p= of a key record; "" when it has none."""
    try:
        return without_blanks(parse_tags(record).get("p", ""))
    except BadTags:
        return ""


def _records(live: Live, one: Rotation, names: Sequence[str]) -> list[Record]:
    config = live.dynamic.domains.get(parse_domain(one.domain))
    settings = config.dkim.selectors if config and config.dkim else {}
    found: list[Record] = []
    for name in names:
        with contextlib.suppress(OSError, BadKey, KeyError):
            key = load_key(files_below(live.config_dir)(settings[name].private_key_file))
            found.append(Record(name=f"{name}._domainkey.{one.domain}", type="TXT", content=key.record()))
    return found


def _make_keys(live: Live, domain: Domain, now: float) -> list[DkimKey]:
    """One of each kind, with the day and a letter as selectors that no key of the domain ever had."""
    dkim = need_domain(live.dynamic, domain).dkim
    files = (live.config_dir / "dkim").glob(f"*._domainkey.{domain.ascii}.*")
    taken = {name.lower() for name in (*(dkim.selectors if dkim else ()), *(path.name.split(".")[0] for path in files))}
    day = utc(now).strftime("%Y%m%d")
    free = (name for letter in string.ascii_lowercase if (name := f"{day}{letter}") not in taken)
    names = list(itertools.islice(free, len(Algorithm)))
    if len(names) < len(Algorithm):
        raise Refusal("there were too many new keys today; try again tomorrow")
    return [make_key(domain, name, kind, now) for name, kind in zip(names, Algorithm, strict=True)]


def _configure(live: Live, domain: Domain, keys: Sequence[DkimKey], by: str) -> None:
    """Write the keys and add them; they sign as the first of the old ones does."""

    def edit(config: ConfigDomain) -> ConfigDomain:
        present = config.dkim or Dkim(selectors={})
        added = dict(dkim_settings(keys).selectors)
        if model := present.selectors.get(next(iter(present.sign), "")):
            added = {
                name: dataclasses.replace(model, private_key_file=one.private_key_file) for name, one in added.items()
            }
        return dataclasses.replace(config, dkim=Dkim(selectors={**present.selectors, **added}, sign=present.sign))

    with written(key_files(keys, live.config_dir)):
        change_domain(live, domain, edit, by, f"New DKIM keys for {domain}")


def _set_signing(live: Live, domain: Domain, before: Sequence[str], after: Sequence[str], by: str) -> None:
    """Let `after` sign in place of `before`; others that sign go on."""

    def edit(config: ConfigDomain) -> ConfigDomain:
        if config.dkim is None:
            return config
        kept = [name for name in config.dkim.sign if name not in (*before, *after)]
        added = [name for name in after if name in config.dkim.selectors]
        return dataclasses.replace(config, dkim=dataclasses.replace(config.dkim, sign=(*kept, *added)))

    change_domain(live, domain, edit, by, f"DKIM keys of {domain} that sign changed")


def _remove(live: Live, domain: Domain, names: Sequence[str], by: str) -> None:
    """Take keys out; their files stay, so that the earlier version of the configuration can come back."""

    def edit(config: ConfigDomain) -> ConfigDomain:
        if config.dkim is None:
            return config
        rest = {name: one for name, one in config.dkim.selectors.items() if name not in names}
        sign = tuple(name for name in config.dkim.sign if name not in names)
        return dataclasses.replace(config, dkim=Dkim(selectors=rest, sign=sign) if rest else None)

    change_domain(live, domain, edit, by, f"DKIM keys of {domain} taken away")
