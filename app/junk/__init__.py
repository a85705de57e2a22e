"""Is a message wanted? Arithmetic only, no database.

The filter itself comes with the judging of incoming mail; what it learns from is recorded already, as `trained` in the
store's message rows. Start reading at `app/store/account/schema.py`.
"""
