"""Whether a domain publishes what it should publish, and its hosts answer as that says.

Two questions, each with its own entry. `states.states` takes the records of `dnsrecords` and says for each whether the
name servers of the zone have it: seen, partly, missing, wrong with the differences, somebody else's, or cannot tell;
`judging` decides that for one record and the texts found, without asking anybody. `check.check_domain` takes the
configuration and goes through the thirteen parts of a domain's set-up, which stand in `parts/`: each asks DNS, and some
connect to the hosts, and says what is wrong and what to do about it in sentences.

Rules: everything from DNS and from other hosts is hostile text: `printable` makes it fit to be shown, and no text goes
into a result without it. The network comes as an argument (`Network`), bounded in time. What cannot be told is never
taken for "not there". SPF is compared and its simple mechanisms are followed; evaluation in full (includes, macros,
limits of RFC 7208 §4.6.4) is the work of `trust/spf`.

Start reading at `states.py`, then `judging.py`, then `check.py`.
"""
