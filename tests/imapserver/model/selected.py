"""What clients do with the mailbox that they have selected, and what they must be told then."""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.imapserver.model.client import Client, expand
from tests.imapserver.model.stage import MANY, Stage, expect
from tests.imapserver.model.wire import Reply

MANY_BODIES = 200  # \Seen comes to more in several transactions
_COPYUID = re.compile(rb"\* OK \[(COPYUID [^]]+)\]")


def _set(stage: Stage, client: Client, *, uid: bool) -> tuple[str, list[int]]:
    """A set and the uids of the client's view that it names."""
    view = client.view
    if stage.dice.randrange(8) == 0:
        return "$", list(client.saved)
    if uid:
        top = (view[-1] if view else 0) + 3
        numbers = sorted(stage.dice.randint(1, top) for _ in range(2))
    else:
        numbers = sorted(stage.dice.randint(1, max(len(view), 1)) for _ in range(2))
    form = stage.dice.randrange(4)
    if form == 0:
        text, named = f"{numbers[0]},{numbers[1]}", set(numbers)
    elif form == 1:
        text, named = str(numbers[0]), {numbers[0]}
    elif form == 2:
        text, named = "1:*", set(view if uid else range(1, len(view) + 1))
    else:
        text, named = f"{numbers[0]}:{numbers[1]}", set(range(numbers[0], numbers[1] + 1))
    chosen = [u for place, u in enumerate(view, 1) if (u if uid else place) in named]
    return text, chosen


def _named(stage: Stage, client: Client, command: str) -> tuple[str, list[int], bool]:
    """The beginning of a command with a set, perhaps as its UID form."""
    uid = stage.dice.random() < 0.5 or not client.view
    text, chosen = _set(stage, client, uid=uid)
    return f"{'UID ' if uid else ''}{command} {text}", chosen, uid


async def store(stage: Stage, client: Client) -> None:
    assert client.box is not None
    command, chosen, uid = _named(stage, client, "STORE")
    mode, silent = stage.dice.choice(("FLAGS", "+FLAGS", "-FLAGS")), stage.dice.random() < 0.5
    flags = stage.some_flags()
    limit = None
    if stage.dice.randrange(3) == 0:
        limit = stage.dice.randint(max(client.box.modseq - 6, 0), client.box.modseq)
    since = "" if limit is None else f" (UNCHANGEDSINCE {limit})"
    text = f"{command}{since} {mode}{'.SILENT' if silent else ''} ({' '.join(sorted(flags))})"
    if client.is_read_only:
        return await _refused(stage, client, text, may_expunge=uid)
    if limit is not None:
        client.enabled.add("CONDSTORE")
    gone = [one for one in chosen if one not in client.box.messages]
    stored = stage.reference.store(client.box, chosen, mode, flags, limit)
    reply = await stage.say(client, text)
    if silent:
        client.stored_silently(stored.entries, mode, flags)
    modified = stored.modified if uid else [client.view.index(one) + 1 for one in stored.modified]
    is_nothing = bool(gone) and not uid and not stored.entries
    expect(reply, "NO" if is_nothing else "OK")
    told = expand(reply.code.removeprefix("MODIFIED ")) if reply.code.startswith("MODIFIED") else []
    assert told == modified, f"{reply}: MODIFIED should be {modified}"
    client.hear(reply, may_expunge=uid)
    if not silent or client.has_condstore:
        assert client.told >= set(stored.entries), f"{reply}: not told of all {stored.entries}"
    return None


async def _refused(stage: Stage, client: Client, text: str, *, may_expunge: bool = True) -> None:
    reply = await stage.say(client, text)
    expect(reply, "NO", "READ-ONLY")
    client.hear(reply, may_expunge=may_expunge)


async def copy(stage: Stage, client: Client) -> None:
    assert client.box is not None
    command, chosen, uid = _named(stage, client, "COPY")
    name = stage.some_name()
    target = stage.find(name)
    there = [one for one in chosen if one in client.box.messages]
    if target is not None and len(target.messages) + len(chosen) > 2 * MANY:
        return
    if target is None:
        reply = await stage.say(client, f"{command} {name}")
        expect(reply, "NO", "TRYCREATE")
    elif chosen and not there and not uid:
        reply = await stage.say(client, f"{command} {name}")
        expect(reply, "NO", "EXPUNGEISSUED")
    else:
        copied = stage.reference.copy(client.box, chosen, target)
        reply = await stage.say(client, f"{command} {name}")
        expect(reply, "OK")
        _check_copyuid(stage, reply.code, copied.uidvalidity, copied.sources, copied.targets)
    client.hear(reply)


def _check_copyuid(stage: Stage, code: str, uidvalidity: int, sources: list[int], targets: list[int]) -> None:
    if not sources:
        assert not code.startswith("COPYUID"), code
        return
    word, told, first, second = code.split()
    assert (word, int(told), expand(first), expand(second)) == ("COPYUID", uidvalidity, sources, targets), code


async def move(stage: Stage, client: Client) -> None:
    assert client.box is not None
    command, chosen, uid = _named(stage, client, "MOVE")
    name = stage.some_name()
    text, target = f"{command} {name}", stage.find(name)
    if client.is_read_only:
        return await _refused(stage, client, text)
    there = [one for one in chosen if one in client.box.messages]
    if target is None:
        reply = await stage.say(client, text)
        expect(reply, "NO", "TRYCREATE")
    elif chosen and not there and not uid:
        reply = await stage.say(client, text)
        expect(reply, "NO", "EXPUNGEISSUED")
    else:
        moved = stage.reference.move(client.box, chosen, target)
        reply = await stage.say(client, text)
        expect(reply, "OK", _highest_code(stage, client, moved.sources))
        codes = [found[1].decode() for line in reply.lines if (found := _COPYUID.match(line))]
        _check_copyuid(stage, codes[0] if codes else "", moved.uidvalidity, moved.sources, moved.targets)
    return client.hear(reply)


def _highest_code(stage: Stage, client: Client, removed: list[int]) -> str:
    assert client.box is not None
    return f"HIGHESTMODSEQ {client.box.modseq}" if removed and client.has_qresync else ""


async def expunge(stage: Stage, client: Client) -> None:
    assert client.box is not None
    text, chosen = "EXPUNGE", list(client.box.messages)
    if stage.dice.random() < 0.5:
        numbers, chosen = _set(stage, client, uid=True)
        text = f"UID EXPUNGE {numbers}"
    if client.is_read_only:
        return await _refused(stage, client, text)
    deleted = [one for one in chosen if one in client.box.messages]
    deleted = [one for one in deleted if "\\Deleted" in client.box.messages[one].flags]
    removed = stage.reference.expunge(client.box, deleted)
    reply = await stage.say(client, text)
    expect(reply, "OK", _highest_code(stage, client, removed))
    return client.hear(reply)


async def fetch(stage: Stage, client: Client) -> None:
    assert client.box is not None
    command, chosen, uid = _named(stage, client, "FETCH")
    form = stage.dice.randrange(5)
    text, since = f"{command} (UID FLAGS)", 0
    if form == 0:
        since = stage.dice.randint(max(client.box.modseq - 8, 1), client.box.modseq)
        vanished = " VANISHED" if uid and client.has_qresync else ""
        text = f"{command} (FLAGS) (CHANGEDSINCE {since}{vanished})"
    elif form == 1:
        text = f"{command} (MODSEQ FLAGS)"
    if form < 2:
        client.enabled.add("CONDSTORE")
    elif form == 2 and len(chosen) <= MANY_BODIES:
        text = f"{command} (BODY[TEXT] FLAGS)"
        if not client.is_read_only:
            stage.reference.store(client.box, chosen, "+FLAGS", frozenset({"\\Seen"}), None)
    reply = await stage.say(client, text)
    gone = [one for one in chosen if one not in client.box.messages]
    assert reply.status == "OK" or (gone and reply.code == "EXPUNGEISSUED"), reply
    client.hear(reply, may_expunge=uid)
    meant = {one for one in chosen if one not in gone and client.box.messages[one].modseq > since}
    assert client.told >= meant, f"{reply}: not told of all {meant}"
    if "VANISHED" in text and ":*" in text:
        missed = {u for u, one in client.box.gone.items() if one.modseq > since} - set(client.view)
        assert client.vanished_earlier >= {u for u in missed if u not in gone}, f"{reply}: {missed} went"


async def search(stage: Stage, client: Client) -> None:
    assert client.box is not None
    uid = stage.dice.random() < 0.5
    key, matches = _key(stage, client)
    returns = stage.dice.choice(("", "", "RETURN (SAVE) ", "RETURN (SAVE ALL) ", "RETURN (MIN MAX COUNT) "))
    truth = client.box.messages
    found = [one for one in client.view if one in truth and matches(one)]
    reply = await stage.say(client, f"{'UID ' if uid else ''}SEARCH {returns}{key}")
    expect(reply, "OK")
    if "MODSEQ" in key:
        client.enabled.add("CONDSTORE")
    if "SAVE" in returns:
        client.saved = list(found)
    numbers = found if uid else [client.view.index(one) + 1 for one in found]
    modseq = max((truth[one].modseq for one in found), default=0) if "MODSEQ" in key else 0
    _check_found(stage, reply, returns, numbers, modseq)
    client.hear(reply, may_expunge=uid)


def _key(stage: Stage, client: Client) -> tuple[str, Callable[[int], bool]]:
    assert client.box is not None
    truth = client.box.messages
    flag, atom = stage.dice.choice((("\\Seen", "SEEN"), ("\\Flagged", "FLAGGED"), ("one", "KEYWORD one")))
    modseq = stage.dice.randint(1, client.box.modseq)
    text, chosen = _set(stage, client, uid=True)
    seqs, by_seq = _set(stage, client, uid=False) if client.view else ("$", list(client.saved))
    keys: list[tuple[str, Callable[[int], bool]]] = [
        ("ALL", lambda uid: True),
        (atom, lambda uid: flag in truth[uid].flags),
        (f"NOT {atom}", lambda uid: flag not in truth[uid].flags),
        (f"UID {text}" if text != "$" else "$", lambda uid: uid in chosen),
        (seqs, lambda uid: uid in by_seq),
        (f"MODSEQ {modseq}", lambda uid: truth[uid].modseq >= modseq),
    ]
    return stage.dice.choice(keys)


def _check_found(stage: Stage, reply: Reply, returns: str, numbers: list[int], modseq: int) -> None:
    lines = [line.decode() for line in reply.lines if line.startswith((b"* SEARCH", b"* ESEARCH"))]
    end = f" MODSEQ {modseq}" if modseq else ""
    if not returns:
        wanted = " ".join(["* SEARCH", *map(str, numbers)]) + (f" (MODSEQ {modseq})" if modseq and numbers else "")
        assert lines == [wanted], f"{reply}: {wanted} expected"
    elif "ALL" in returns:
        told = re.search(r" ALL (\S+)", lines[0])
        assert (expand(told[1]) if told else []) == numbers, f"{reply}: {numbers} expected"
    elif "MIN" in returns:
        wanted = f" MIN {numbers[0]} MAX {numbers[-1]} COUNT {len(numbers)}{end}" if numbers else " COUNT 0"
        assert lines[0].endswith(wanted) or end, f"{reply}: {wanted} expected"
    else:
        assert not lines, reply


async def close(stage: Stage, client: Client) -> None:
    assert client.box is not None
    box, is_read_only = client.box, client.is_read_only
    known = [uid for uid in client.view if "\\Deleted" in client.flags.get(uid, frozenset())]
    deleted = [uid for uid, one in box.messages.items() if "\\Deleted" in one.flags]
    if not is_read_only:
        stage.reference.expunge(box, deleted)
    reply = await stage.say(client, "CLOSE")
    expect(reply, "OK")
    if reply.code:
        assert client.has_qresync, reply
        assert reply.code == f"HIGHESTMODSEQ {box.modseq}", reply
        if set(deleted) <= set(known):
            for uid in deleted:
                client.flags.pop(uid, None)
            client.highest = box.modseq
    client.leave()


async def unselect(stage: Stage, client: Client) -> None:
    expect(await stage.say(client, "UNSELECT"), "OK")
    client.leave()
