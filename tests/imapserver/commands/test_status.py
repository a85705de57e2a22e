from app.wire.imap.flags import DELETED, SEEN
from tests.support.accounts import add_now, simple_message


def test_counts_are_those_of_the_mailbox(world):
    for number, flags in ((1, SEEN), (2, 0), (3, DELETED)):
        add_now(world.jane, simple_message(number), flags=flags)
    size = len(simple_message(1))
    world.run(
        f"""
        C: a STATUS inbox (MESSAGES UIDNEXT UNSEEN DELETED RECENT APPENDLIMIT)
        S: * STATUS Inbox (MESSAGES 3 UIDNEXT 4 UNSEEN 2 DELETED 1 RECENT 0 APPENDLIMIT 104857600)
        S: /a OK .*/
        C: a STATUS "Inbox" (DELETED-STORAGE SIZE)
        S: * STATUS Inbox (DELETED-STORAGE {size} SIZE {3 * size})
        S: /a OK .*/
        C: b STATUS Archive (UIDVALIDITY HIGHESTMODSEQ)
        S: /\\* STATUS Archive \\(UIDVALIDITY [0-9]+ HIGHESTMODSEQ [0-9]+\\)/
        S: /b OK .*/
        C: c STATUS Inbox (MAILBOXID)
        S: /\\* STATUS Inbox \\(MAILBOXID \\(F1-[0-9a-f]+\\)\\)/
        S: c OK done
        C: d LIST "" (Inbox Sent) RETURN (STATUS (MESSAGES))
        S: * LIST (\\HasNoChildren) "/" Inbox
        S: * STATUS Inbox (MESSAGES 3)
        S: * LIST (\\HasNoChildren \\Sent) "/" Sent
        S: * STATUS Sent (MESSAGES 0)
        S: /d OK .*/
        """,
        signed_in=True,
    )
