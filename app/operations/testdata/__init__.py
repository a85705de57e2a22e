"""Makes a data directory that has something of every kind the store can keep: for `gentestdata` and the upgrade test.

`making.make(directory)` writes both configuration files, then fills accounts (`filling`, with messages of `oddmail`),
the queue (`outgoing`) and server.db (`serverside`) by the functions that the server uses. A test holds that no table is
left empty, so who adds a table adds here how it is filled. Nothing of it is for use: names end in .example, and the
password is random. Start reading at `making`.
"""
