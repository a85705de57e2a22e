"""DMARC: does the domain that people see in From vouch for the message, and what does it want done if not?

`authors` finds the domains of the From field, `record` reads what a domain publishes, `discovery` finds the record that
applies and the organisation that a domain belongs to, `evaluate` compares both with SPF and DKIM. `reporting` tells
whether a domain elsewhere takes the reports it is to get.

Both standards are followed: RFC 7489, in which organisations are known by the public suffix list (`suffixes`), and its
successor RFC 9989, in which a walk up the tree of names finds records and `psd=` draws the borders. What either finds
counts; a public suffix is never anybody's organisation. A message whose author cannot be told never passes.
Start reading at `evaluate.py`.
"""
