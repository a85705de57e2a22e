"""DomainKeys Identified Mail: a domain signs its messages, so that receivers know who vouches for them (RFC 6376).

Canonicalisation and the choice of what is hashed are dkimpy's. `engine.py` replaces its arithmetic by that of
`cryptography`, its body canonicalisation by a faster one that gives the same bytes, and what takes quadratic time by
what does not; tests hold each replacement equal to the original. Importing dkimpy takes a tenth of a second, so it
happens at the first signature.

Signing: `keys.py` loads and makes keys and writes their DNS records; `sign.py` signs a message with any number of
selectors. Verifying: `signature.py` reads the field, `fetch.py` and `record.py` get its key, `content.py` hashes what
it signs, `verify.py` gives the verdicts of `result.py`, and `fields.py` writes them for Authentication-Results.

Rules: keys are loaded once; nothing here opens a file or reads a clock; DNS is asked through `trust/lookup`; what a
stranger wrote gives a result with words and never an exception. Start reading at `verify.py`, or at `sign.py`.
"""
