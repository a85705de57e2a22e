"""One module per family of commands: its values, and the parsers from what follows the command's name to a value.

A parser has the form `parse_x(cursor, tag) -> XCommand`, with `uid` for those that have a UID variant; it reads up to
the last byte it understands, and the table's caller checks that nothing is left. Start reading at `store.py`.
"""
