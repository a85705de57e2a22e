"""Where outgoing mail goes, when it is tried again, and what its sender is told when it cannot be delivered.

Decisions only: values in, values out, no clock of its own, no database, no network. `routes.py` chooses a transport,
`retry.py` is the schedule of attempts, `dsn.py` writes and reads notifications. The queue asks and acts.
Start reading at `retry.py`.
"""
