"""Proving who you are: the SASL mechanisms (RFC 4422) as step machines, both sides.

Server side. `servers.begin(mechanism, tls)` gives an exchange. Each `step(data)` takes what the client sent, already
out of its base64, and returns what comes next:

    Challenge(data)             send it, and give the answer to `step`
    NeedSecret(authcid)         look the account up and give its secret, or a decoy, to `provide`
    CheckPassword(...)          the exchange is over for the machine; check the password
    CheckCertificate(authzid)   the same with the client's TLS certificate
    Accepted(authcid)           proven
    Rejected(reason)            not proven

Rules. Nothing here reads a store, a clock or a socket; randomness is an argument with a default. What breaks the
grammar raises WireError, as do messages over MAX_MESSAGE_BYTES. Secrets never show in a repr. A client may ask to act
as another (authzid) only when that is itself. What is compared with a secret is compared in constant time.

Client side. `clients` has the same mechanisms for signing in elsewhere; a SCRAM client checks the server too.

Start reading at `steps.py`, then `scram.py`.
"""
