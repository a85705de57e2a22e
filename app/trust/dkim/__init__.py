"""DomainKeys Identified Mail: a domain signs its messages, so that receivers know who vouches for them (RFC 6376).

Parsing, canonicalisation and the choice of what is hashed are dkimpy's. `engine.py` replaces its arithmetic by that of
`cryptography` and its body canonicalisation by a faster one that gives the same bytes; tests hold each replacement
equal to the original. `keys.py` loads and makes keys and writes their DNS records; `sign.py` signs a message with any
number of selectors. Importing dkimpy takes a tenth of a second, so it happens at the first signature.

Rules: keys are loaded once; nothing here opens a file, asks DNS or reads a clock.
Start reading at `sign.py`.
"""
