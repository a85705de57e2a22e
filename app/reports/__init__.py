"""Reports that we send: what DMARC said of mail that came (RFC 7489 §7.2), and how TLS fared on the way out (RFC 8460).

    schedule.start()        after an hour → dmarc.report       for each period that has ended: record, destinations, XML
                            after a day   → tls.report         for each domain: record, JSON
                                            letter.send        the mail: composed, signed, queued once

What the reports say is collected elsewhere, in `store/evaluations` and `store/tlsresults`, by the services that see it.

Rules: a period is removed when its reports are in the queue. The mail of a report has a Message-ID that follows from
what it is about and to whom, and none is queued whose Message-ID the queue knows: after a crash in between nobody gets
a report twice. When DNS does not tell, the period waits for the next round. No address gets a report that has not
asked for it, or, in another organisation, not agreed to it; none that is suppressed. A report is signed, has few
attempts, and nobody is told when it fails: the address is suppressed for a month instead. Reports about mail that was
only reports itself are not sent, or two servers would report to each other for ever. Start reading at `schedule.py`.
"""
