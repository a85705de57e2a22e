"""What clients do in any state: names, deliveries, STATUS, SELECT, IDLE."""

from __future__ import annotations

from app.store.account import messages
from app.store.account.messages import Incoming
from app.store.account.prepare import prepare
from app.store.spool import Body
from tests.imapserver.model.account import INBOX, Mailbox, canonical
from tests.imapserver.model.client import Client
from tests.imapserver.model.stage import BODY, MANY, Stage, expect
from tests.imapserver.model.wire import Reply


async def noop(stage: Stage, client: Client) -> None:
    reply = await stage.say(client, stage.dice.choice(("NOOP", "CHECK")) if client.box else "NOOP")
    expect(reply, "OK")
    client.hear(reply)


async def idle(stage: Stage, client: Client) -> None:
    client.idle_tag = client.wire.send("IDLE")
    stage.history.append(f"{stage.clients.index(client)} C: IDLE")


async def enable(stage: Stage, client: Client) -> None:
    what = stage.dice.choice(("CONDSTORE", "QRESYNC"))
    reply = await stage.say(client, f"ENABLE {what}")
    expect(reply, "OK")
    client.enabled |= {"CONDSTORE", what}
    client.hear(reply)


async def append(stage: Stage, client: Client) -> None:
    name, flags = stage.some_name(), stage.some_flags()
    box = stage.find(name)
    if box is not None and len(box.messages) > MANY and stage.dice.randrange(10):
        return
    text = f"APPEND {name} ({' '.join(sorted(flags))}) {{{len(BODY)}+}}"
    if box is None:
        reply = await stage.say(client, text, BODY)
        expect(reply, "NO", "TRYCREATE")
    else:
        uid = stage.reference.append(box, flags)
        reply = await stage.say(client, text, BODY)
        expect(reply, "OK", f"APPENDUID {box.uidvalidity} {uid}")
    client.hear(reply)


async def deliver(stage: Stage, client: Client) -> None:
    box = stage.reference.mailboxes[INBOX]
    stage.reference.append(box, ())
    stage.history.append("a delivery")
    incoming = Incoming(mailbox=INBOX, prepared=prepare(Body.of(BODY)))
    added = await stage.world.jane.write(lambda tx: messages.deliver(tx, incoming))
    assert added.uid == box.uidnext - 1


async def create(stage: Stage, client: Client) -> None:
    name = stage.some_name()
    code = stage.reference.create(canonical(name))
    reply = await stage.say(client, f"CREATE {name}")
    expect(reply, "NO" if code else "OK", code or None)
    client.hear(reply)


async def delete(stage: Stage, client: Client) -> None:
    name = stage.some_name()
    box, code = stage.find(name), stage.reference.delete(canonical(name))
    reply = await stage.say(client, f"DELETE {name}")
    expect(reply, "NO" if code else "OK", code or None)
    if not code and client.box is box:
        client.leave()
    client.hear(reply)


async def rename(stage: Stage, client: Client) -> None:
    old, new = stage.some_name(), stage.some_name()
    code = stage.reference.rename(canonical(old), canonical(new))
    reply = await stage.say(client, f"RENAME {old} {new}")
    expect(reply, "NO" if code else "OK", code or None)
    client.hear(reply)


async def subscribe(stage: Stage, client: Client) -> None:
    name = stage.some_name()
    is_on = stage.dice.random() < 0.5
    change = stage.reference.subscribe if is_on else stage.reference.unsubscribe
    change(canonical(name))
    reply = await stage.say(client, f"{'SUBSCRIBE' if is_on else 'UNSUBSCRIBE'} {name}")
    expect(reply, "OK")
    client.hear(reply)


async def list_mailboxes(stage: Stage, client: Client) -> None:
    command, known = stage.dice.choice(
        (('LIST "" *', set(stage.reference.mailboxes)), ('LSUB "" *', stage.reference.subscriptions))
    )
    reply = await stage.say(client, command)
    expect(reply, "OK")
    rows = [line for line in reply.lines if line.startswith((b"* LIST", b"* LSUB"))]
    assert {row.rpartition(b" ")[2].decode() for row in rows} == known, f"{rows} {known}"
    client.hear(reply)


async def status(stage: Stage, client: Client) -> None:
    name = stage.some_name()
    box = stage.find(name)
    items = "MESSAGES UIDNEXT UIDVALIDITY UNSEEN DELETED HIGHESTMODSEQ"
    reply = await stage.say(client, f"STATUS {name} ({items})")
    client.enabled.add("CONDSTORE")
    if box is None:
        expect(reply, "NO", "NONEXISTENT")
    else:
        expect(reply, "OK")
        total, unseen = len(box.messages), len(box.messages) - box.count("\\Seen")
        numbers = (total, box.uidnext, box.uidvalidity, unseen, box.count("\\Deleted"), box.modseq)
        facts = " ".join(f"{item} {number}" for item, number in zip(items.split(), numbers, strict=True))
        line = f"* STATUS {box.name} ({facts})".encode()
        assert line in reply.lines, f"{line!r} expected: {reply}"
        client.tell_status_highest(box.uidvalidity, box.modseq)
    client.hear(reply)


async def select(stage: Stage, client: Client) -> None:
    name, is_read_only = stage.some_name(), stage.dice.randrange(5) == 0
    box = stage.find(name)
    kept = client.kept.get(box.uidvalidity) if box and client.has_qresync and stage.dice.randrange(4) else None
    client.leave()
    if kept is not None and box is not None:
        kept = client.kept[box.uidvalidity]  # which a visit that ended now may have renewed
    extra = ""
    if kept is not None and box is not None:
        extra = f" (QRESYNC ({box.uidvalidity} {kept.modseq}{_known(stage, kept.flags)}))"
    elif stage.dice.randrange(3) == 0:
        extra = " (CONDSTORE)"
        client.enabled.add("CONDSTORE")
    reply = await stage.say(client, f"{'EXAMINE' if is_read_only else 'SELECT'} {name}{extra}")
    if box is None:
        return expect(reply, "NO", "NONEXISTENT")
    expect(reply, "OK", "READ-ONLY" if is_read_only else "READ-WRITE")
    client.open(box, is_read_only=is_read_only, kept=kept)
    _check_state(stage, reply, box)
    client.hear(reply)
    assert client.flags.keys() <= box.messages.keys(), "the client keeps what is gone"
    return client.keep_highest(box.modseq)


def _known(stage: Stage, flags: dict[int, frozenset[str]]) -> str:
    """What a client may say that it knows: uids, and some sequence numbers with their uids."""
    choice = stage.dice.randrange(3) if flags else 0
    if choice == 0:
        return ""
    uids = ",".join(map(str, flags))
    places = sorted(stage.dice.sample(range(len(flags)), min(3, len(flags))))
    match = f" ({','.join(str(place + 1) for place in places)} {','.join(str([*flags][p]) for p in places)})"
    return f" {uids}{match if choice == 2 else ''}"


def _check_state(stage: Stage, reply: Reply, box: Mailbox) -> None:
    unseen = next((place for place, one in enumerate(box.messages.values(), 1) if "\\Seen" not in one.flags), None)
    text = b"\n".join(reply.lines)
    wanted = [f"* {len(box.messages)} EXISTS", f"[UIDVALIDITY {box.uidvalidity}]", f"[UIDNEXT {box.uidnext}]"]
    wanted += [f"[HIGHESTMODSEQ {box.modseq}]"] + ([f"[UNSEEN {unseen}]"] if unseen else [])
    for one in wanted:
        assert one.encode() in text, f"{one} expected: {reply}"
    assert (b"[UNSEEN" in text) == (unseen is not None)
