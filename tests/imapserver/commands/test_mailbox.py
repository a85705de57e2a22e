import pytest


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(
            """
            C: a CREATE foo/bar
            S: * LIST (\\Subscribed) "/" foo
            S: * LIST (\\Subscribed) "/" foo/bar
            S: /a OK .*/
            C: b CREATE foo
            S: /b NO \\[ALREADYEXISTS\\] .*/
            C: c CREATE "../x"
            S: /c NO \\[CANNOT\\] .*/
            C: d CREATE &AOQ-b
            S: * LIST (\\Subscribed) "/" &AOQ-b
            S: /d OK .*/
            C: e CREATE &broken
            S: /e BAD .*/
            C: f CREATE inBox
            S: /f NO \\[ALREADYEXISTS\\] .*/
            """,
            id="create makes and tells missing parents",
        ),
        pytest.param(
            """
            C: a CREATE x (USE (\\Sent))
            S: * LIST (\\Subscribed \\Sent) "/" x
            S: /a OK .*/
            C: b LIST (SPECIAL-USE) "" %
            S: * LIST (\\HasNoChildren \\Archive) "/" Archive
            S: * LIST (\\HasNoChildren \\Drafts) "/" Drafts
            S: * LIST (\\HasNoChildren \\Junk) "/" Junk
            S: * LIST (\\HasNoChildren \\Trash) "/" Trash
            S: * LIST (\\HasNoChildren \\Sent) "/" x
            S: /b OK .*/
            C: c CREATE y (USE (\\All))
            S: /c NO \\[USEATTR\\] .*/
            C: d CREATE y (USE (\\Sent \\Trash))
            S: /d NO \\[USEATTR\\] .*/
            C: e STATUS y (MESSAGES)
            S: /e NO \\[NONEXISTENT\\] .*/
            """,
            id="a special use moves to the new mailbox",
        ),
        pytest.param(
            """
            C: a CREATE foo/bar
            S: * LIST (\\Subscribed) "/" foo
            S: * LIST (\\Subscribed) "/" foo/bar
            S: /a OK .*/
            C: b DELETE foo
            S: /b NO \\[HASCHILDREN\\] .*/
            C: c DELETE INBOX
            S: /c NO \\[CANNOT\\] .*/
            C: d DELETE foo/bar
            S: /d OK .*/
            C: e DELETE foo/bar
            S: /e NO \\[NONEXISTENT\\] .*/
            C: f LIST (SUBSCRIBED) "" foo/*
            S: * LIST (\\NonExistent \\HasNoChildren \\Subscribed) "/" foo/bar
            S: /f OK .*/
            """,
            id="only a leaf is deleted and its subscription stays",
        ),
        pytest.param(
            """
            C: a CREATE old/child
            S: * LIST (\\Subscribed) "/" old
            S: * LIST (\\Subscribed) "/" old/child
            S: /a OK .*/
            C: b RENAME old new/old
            S: * LIST (\\Subscribed) "/" new
            S: /b OK .*/
            C: c RENAME new/old new/old/below
            S: /c NO \\[CANNOT\\] .*/
            C: d RENAME nowhere x
            S: /d NO \\[NONEXISTENT\\] .*/
            C: e RENAME new/old inbox
            S: /e NO \\[ALREADYEXISTS\\] .*/
            C: f ENABLE IMAP4rev2
            S: /.*ENABLED.*/
            S: /f OK .*/
            C: g RENAME new/old "\u00e4"
            S: * LIST () "/" "\u00e4" ("OLDNAME" (new/old))
            S: /g OK .*/
            C: h LIST "" *\u00e4*
            S: /h BAD .*/
            C: i LIST "" "\u00e4*"
            S: * LIST (\\HasChildren) "/" "\u00e4"
            S: * LIST (\\HasNoChildren) "/" "\u00e4/child"
            S: /i OK .*/
            """,
            id="rename takes children along and makes parents",
        ),
        pytest.param(
            """
            C: a SUBSCRIBE nowhere/below
            S: /a OK .*/
            C: b UNSUBSCRIBE Archive
            S: /b OK .*/
            C: c UNSUBSCRIBE Archive
            S: /c OK .*/
            C: d LSUB "" %
            S: * LSUB () "/" Drafts
            S: * LSUB () "/" Inbox
            S: * LSUB () "/" Junk
            S: * LSUB () "/" Sent
            S: * LSUB () "/" Trash
            S: * LSUB (\\Noselect) "/" nowhere
            S: /d OK .*/
            """,
            id="subscriptions are names",
        ),
        pytest.param(
            """
            C: a CREATE foo
            S: * LIST (\\Subscribed) "/" foo
            S: /a OK .*/
            C: b EXAMINE foo
            S: /\\* FLAGS .*/
            S: /\\* OK \\[PERMANENTFLAGS.*/
            S: * 0 EXISTS
            S: * 0 RECENT
            S: /\\* OK \\[UIDVALIDITY.*/
            S: /\\* OK \\[UIDNEXT.*/
            S: * LIST () "/" foo
            S: /\\* OK \\[MAILBOXID \\(F.*/
            S: /\\* OK \\[HIGHESTMODSEQ.*/
            S: /\\* OK \\[URLMECH.*/
            S: /b OK .*/
            C: c DELETE foo
            S: /\\* OK \\[CLOSED\\] .*/
            S: /c OK .*/
            C: d CHECK
            S: /d BAD .*/
            """,
            id="a client that deletes its selected mailbox leaves it",
        ),
    ],
)
def test_dialogs(world, script):
    world.run(script, signed_in=True)
