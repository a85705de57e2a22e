"""Reports in the manner of big senders, written for tests, and messages that carry them."""

from __future__ import annotations

import base64
import gzip
import io
import json
import zipfile

GOOGLE = """\
<?xml version="1.0" encoding="UTF-8" ?>
<feedback>
  <report_metadata>
    <org_name>google.com</org_name>
    <email>noreply-dmarc-support@google.com</email>
    <extra_contact_info>https://support.google.com/a/answer/2466580</extra_contact_info>
    <report_id>11223344556677889900</report_id>
    <date_range><begin>1795219200</begin><end>1795305599</end></date_range>
  </report_metadata>
  <policy_published>
    <domain>example.com</domain><adkim>r</adkim><aspf>r</aspf><p>reject</p><sp>reject</sp><pct>100</pct><np>reject</np>
  </policy_published>
  <record>
    <row>
      <source_ip>192.0.2.10</source_ip><count>12</count>
      <policy_evaluated><disposition>none</disposition><dkim>pass</dkim><spf>pass</spf></policy_evaluated>
    </row>
    <identifiers><header_from>example.com</header_from></identifiers>
    <auth_results>
      <dkim><domain>example.com</domain><result>pass</result><selector>2026a</selector></dkim>
      <spf><domain>example.com</domain><result>pass</result></spf>
    </auth_results>
  </record>
  <record>
    <row>
      <source_ip>198.51.100.77</source_ip><count>3</count>
      <policy_evaluated>
        <disposition>quarantine</disposition><dkim>fail</dkim><spf>fail</spf>
        <reason><type>local_policy</type><comment>arc=fail</comment></reason>
      </policy_evaluated>
    </row>
    <identifiers><header_from>example.com</header_from></identifiers>
    <auth_results>
      <dkim><domain>mail.newsletter.example</domain><result>pass</result><selector>s1</selector></dkim>
      <spf><domain>bounce.newsletter.example</domain><result>pass</result></spf>
    </auth_results>
  </record>
</feedback>
"""
# A namespace with a prefix and no version, blanks in numbers, and what is not known left empty.
MICROSOFT = """\
<?xml version="1.0"?>
<dm:feedback xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:dm="urn:ietf:params:xml:ns:dmarc-2.0">
<dm:report_metadata><dm:org_name>Enterprise Outlook</dm:org_name><dm:email>dmarcreport@microsoft.com</dm:email>
<dm:report_id>8a5b1c</dm:report_id>
<dm:date_range><dm:begin> 1795219200 </dm:begin><dm:end>
1795305600.0</dm:end></dm:date_range></dm:report_metadata>
<dm:policy_published><dm:domain>Example.COM.</dm:domain><dm:adkim/><dm:p>none</dm:p><dm:pct>100%</dm:pct><dm:fo>0</dm:fo>
</dm:policy_published>
<dm:record><dm:row><dm:source_ip> 2001:db8::25 </dm:source_ip><dm:count> 7
</dm:count><dm:policy_evaluated><dm:disposition/><dm:dkim>pass</dm:dkim><dm:spf>fail</dm:spf></dm:policy_evaluated></dm:row>
<dm:identifiers><dm:envelope_to>jim.example</dm:envelope_to><dm:envelope_from/><dm:header_from>example.com</dm:header_from>
</dm:identifiers><dm:auth_results><dm:spf><dm:domain/><dm:scope>mfrom</dm:scope><dm:result>none</dm:result></dm:spf>
</dm:auth_results></dm:record></dm:feedback>
"""
GOOGLE_TLS = {
    "organization-name": "Google Inc.",
    "date-range": {"start-datetime": "2026-11-21T00:00:00Z", "end-datetime": "2026-11-21T23:59:59Z"},
    "contact-info": "smtp-tls-reporting@google.com",
    "report-id": "2026-11-21T00:00:00Z_example.com",
    "policies": [
        {
            "policy": {
                "policy-type": "sts",
                "policy-string": ["version: STSv1", "mode: enforce", "mx: mail.example.com", "max_age: 86400"],
                "policy-domain": "example.com",
                "mx-host": ["mail.example.com"],
            },
            "summary": {"total-successful-session-count": 41, "total-failure-session-count": 2},
            "failure-details": [
                {
                    "result-type": "certificate-expired",
                    "sending-mta-ip": "209.85.222.201",
                    "receiving-ip": "192.0.2.25",
                    "receiving-mx-hostname": "mail.example.com",
                    "failed-session-count": 2,
                }
            ],
        }
    ],
}
# Lists of one without the list, numbers as text, null.
ODD_TLS = {
    "organization-name": "Microsoft Corporation",
    "date-range": {"start-datetime": "2026-11-21T00:00:00+00:00", "end-datetime": "2026-11-22T00:00:00"},
    "contact-info": "tlsrpt-noreply@microsoft.com",
    "report-id": 133456,
    "policies": {
        "policy": {"policy-type": "no-policy-found", "policy-domain": "example.com", "mx-host": "mail.example.com"},
        "summary": {"total-successful-session-count": "3", "total-failure-session-count": None},
        "failure-details": None,
    },
}


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip archive."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()


def tls_json(report: object = GOOGLE_TLS) -> bytes:
    """A TLS report as it is sent, compressed."""
    return gzip.compress(json.dumps(report).encode(), mtime=0)


def message(content: bytes, content_type: str, name: str = "", sender: str = "noreply@google.com") -> bytes:
    """A message with a sentence and the report."""
    disposition = f'Content-Disposition: attachment; filename="{name}"\r\n' if name else ""
    encoded = base64.encodebytes(content).replace(b"\n", b"\r\n").decode()
    text = (
        f"From: {sender}\r\nTo: reports@example.com\r\nSubject: Report Domain: example.com\r\n"
        'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nThis is a report.\r\n"
        f"--b\r\nContent-Type: {content_type}\r\n{disposition}"
        f"Content-Transfer-Encoding: base64\r\n\r\n{encoded}--b--\r\n"
    )
    return text.encode()


def plain(content: bytes, content_type: str, sender: str = "noreply@google.com") -> bytes:
    """A message whose body is the report."""
    encoded = base64.encodebytes(content).replace(b"\n", b"\r\n")
    head = f"From: {sender}\r\nSubject: report\r\nContent-Type: {content_type}\r\n"
    return head.encode() + b"Content-Transfer-Encoding: base64\r\n\r\n" + encoded
