"""One module per kind of data that is sent: values in, the bytes of whole untagged responses out.

Start reading at `sync.py`, which has the shortest.
"""
