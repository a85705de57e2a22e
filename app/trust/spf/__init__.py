"""SPF: may this address send mail for this domain? (RFC 7208; internationalised names by RFC 8616.)

    SpfIdentity ──> evaluate.check_spf(resolver, identity) ──> SpfResult ──> receivedfield.write_received_spf
                       │ TXT record of the domain
                       └─ record.parse_record ──> Record of Directives, with MacroStrings to expand

Parsing knows no DNS and evaluation no grammar: `record` and `macro` turn text into values, `evaluate` walks them for
one message, `names` asks reverse DNS for `ptr` and %{p}. Every outcome is a value with its reason in words; only the
resolver raises, and that is taken for temperror.

Bounds (RFC 7208 §4.6.4): 10 terms that ask DNS, 2 of them without an answer, 10 exchangers of an `mx`, 10 names of an
address; a record of 16 KiB; an explanation of 500 characters. What all that may cost is bounded by `trust.budget`.

Start reading at `result.py`, then `evaluate.py`.
"""
