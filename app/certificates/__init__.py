"""Certificates that come by themselves: asked for, proved, kept, renewed, and given to the listeners (ACME, RFC 8555).

`names` says which host names need a certificate by the configuration; only those are ever asked for. `upkeep` looks
after each: `timing` tells when, `authority` does the talking with the authority (the acme library, in a thread, loaded
when the first certificate is due), `challenges` holds what our own ports answer while the authority checks that a name
leads here (http-01 and tls-alpn-01, RFC 8737), `files` keeps keys and chains below data/acme as the Go server does.
What failed, why and when it is tried next stands in server.db (`store/certificateattempts.py`), so that a restart does
not begin anew with an authority that counts attempts.

A listener whose certificate is not there yet serves one that it has signed itself: mail servers take it, and mail
programs warn, which is better than a port that does not answer. Private keys are mode 0600. Keys that the configuration
names for the host are used for each of its certificates, so that TLSA records of DANE stay true; other keys are new
each time. Start reading at `upkeep.py`.
"""
