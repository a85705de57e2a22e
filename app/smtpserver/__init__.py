"""Mail in: from other servers (port 25) and from our own users (submission, ports 587 and 465).

    listener  accepts -> connection  drives wire.smtp.server, one object per socket
    greeting  EHLO, STARTTLS and the small commands      login    AUTH
    mailfrom  MAIL            rcptto  RCPT               content  DATA and BDAT into a spool
    incoming  one reply for all recipients               submission  checks the author, signs, queues
    checks/   where does it come from: an `Evidence`     forgeries  what only we may say is taken out
    delivery  its recipients, members of `aliases`       local    the same for mail of our own queue
    storing   into one account, or refused               judging  asks until there is a verdict
    decide    the verdict: pure, and the heart           verdict, evidence, work  the values
    stamps    the fields we put in front                 failurenotice  for some of several recipients
    rates     what one network may do                    specials  localparts that fail, for developers
    replies   exceptions to replies, the only such table

A `Conversation` holds what is known about the peer and the open transaction; the functions named after commands take it
and the command, and return the reply, or a coroutine where they must wait. They know no socket.

Rules that hold here:
- 250 to a message only after it is on stable storage. Nothing is held while a store call is awaited, so that
  connections commit together.
- Whether a recipient exists on port 25 is told after the message and after a delay, so that it cannot be probed.
- A failure of ours is 451 and a log line, and ends nothing but the command.
Start reading at `connection.py`, then `conversation.py`, `incoming.py` and `decide.py`.
"""
