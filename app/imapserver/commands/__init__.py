"""One module for each family of commands.

A command function takes the session and the command value. It is a plain function when it needs no waiting, so that
it is answered within the callback that received it, and a coroutine function otherwise. It writes untagged data and
ends with `session.ok(...)`; what it raises becomes NO or BAD by `replies.py`. News of other sessions are written by
the connection before the tagged line. Start reading at `session.py` here, then `store.py` and `fetch.py`.
"""
