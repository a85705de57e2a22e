"""Outgoing mail: what was accepted from a signed-in sender is brought to where it goes, or its sender is told why not.

    store/queuedb (a row per recipient) -> dispatcher takes what is due, at most ten domains at a time
      -> gather: recipients that can share a transaction
      -> attempt: here, by a transport, or directly
           targets, hosts: which servers, by MX and addresses     links: connections, TLS, sign-in, kept for the next
           policies: MTA-STS, kept and fetched     demands, proofs: what a server must prove (DANE, ...)
           delivery: the group against these servers until each recipient has an answer
           shipment: the message in the form a server takes     conversion: in 7 bits, signed anew
      -> outcome: delivered, deferred, failed -> notices (delay and failure) -> store/queuedb

Rules: an attempt is on disk before it starts, its result and the removal are one transaction. A message that may have
arrived is not sent elsewhere in the same attempt. Mail with a null reverse-path is never answered. Mail for our own
addresses does not leave. Everything the queue needs from outside is in `setup.Setup`.
Start reading at `dispatcher.py`.
"""
