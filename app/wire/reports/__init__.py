"""Reports that other servers send about mail in our name: from the bytes of a message to values.

    root = parse_message(data)
    dmarc.parse(attached.find_report(data, root, DMARC))      summaries by DMARC (RFC 7489 §7.2, RFC 9990)
    tls.parse(attached.find_report(data, root, TLS))          TLS reports (RFC 8460)

`attached` finds the report in a message, `unpack` takes gzip and zip away, `dmarc` and `tls` read XML and JSON, with
the reading of single values in `values`.

Rules: everything here was written by strangers. A message, what is unpacked from it, how often it grows, how deep and
how numerous its elements are: all of it is bounded, nothing recurses, and XML has no DTD, no entities and nothing from
elsewhere. Big senders depart from the schemas (missing versions, other namespaces, percent signs, blanks in numbers,
empty elements); what loses nothing by it is read all the same. Text is kept short and printable. Whatever cannot be
used raises `BadReport`, whose words may be shown. Start reading at `attached.py`.
"""
