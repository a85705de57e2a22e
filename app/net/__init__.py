"""How we reach the world and how it reaches us: sockets, TLS, DNS, outgoing SMTP. Everything here is asynchronous.

`connection.py` is the base of every accepted connection: corked writes, deadlines, STARTTLS in place, back-pressure.
What it keeps for each connection is small, as ten thousand clients may idle. `listen.py` binds early and accepts late,
so that root can be given up in between (`privileges.py`); behind a proxy `proxied.py` finds out who is there.
`resolver.py` is the one way to ask DNS; `smtpclient.py` holds one conversation with another server.

Rules: nothing waits without a limit; a peer that does not read is not read from; what a peer sends is bounded before
it is kept. Start reading at `connection.py`.
"""
