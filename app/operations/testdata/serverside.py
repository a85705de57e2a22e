"""Fills server.db: sign-ins, keys, reports of others and for others, policies, and what the server notes of itself."""

from __future__ import annotations

import ipaddress
from typing import Final

from app.store import looks, reportsuppression, websessions
from app.store.certificateattempts import FailedAttempts
from app.store.clientkeys import ClientKey
from app.store.dkimrotations import Rotation
from app.store.evaluations import Evaluation
from app.store.serverdb import ServerDb
from app.store.signin import SignInAttempt, SignInContext
from app.store.tlsresults import TlsResult
from app.trust.mtasts import parse_policy
from app.wire.domain import Domain
from app.wire.reports import dmarc, tls
from app.wire.smtp.address import parse_address

_THERE: Final = Domain("there.example")
_DMARC: Final = b"""<?xml version="1.0"?><feedback><report_metadata><org_name>there.example</org_name>
<email>a@there.example</email><report_id>1</report_id><date_range><begin>1795219200</begin><end>1795305599</end>
</date_range></report_metadata><policy_published><domain>mox.example</domain><p>reject</p></policy_published>
<record><row><source_ip>192.0.2.10</source_ip><count>2</count><policy_evaluated><disposition>none</disposition>
<dkim>pass</dkim><spf>pass</spf></policy_evaluated></row><identifiers><header_from>mox.example</header_from>
</identifiers><auth_results><spf><domain>mox.example</domain><result>pass</result></spf></auth_results></record>
</feedback>"""
_TLS: Final = b"""{"organization-name": "there", "contact-info": "a@there.example", "report-id": "1", "date-range":
{"start-datetime": "2026-11-21T00:00:00Z", "end-datetime": "2026-11-21T23:59:59Z"}, "policies": [{"policy":
{"policy-type": "sts", "policy-domain": "mox.example"}, "summary": {"total-successful-session-count": 3,
"total-failure-session-count": 1}, "failure-details": [{"result-type": "certificate-expired",
"sending-mta-ip": "192.0.2.1", "failed-session-count": 1}]}]}"""
_POLICY: Final = b"version: STSv1\r\nmode: enforce\r\nmx: mx.there.example\r\nmax_age: 86400\r\n"


async def fill(server: ServerDb, now: float) -> None:
    """Do it; a database that is empty."""
    await _fill_access(server, now)
    await _fill_reports(server, now)
    await server.policies.put("there.example", "1", _POLICY, parse_policy(_POLICY))
    await server.policies.put_failure("failing.example", "not found", now + 3600)
    await server.certificates.put(
        FailedAttempts(authority="letsencrypt", name="mail.mox.example", count=1, last=now, next=now, error="no answer")
    )
    await server.rotations.save(Rotation(domain="mox.example", new=("new",), old=("old",), started=now))
    await server.returns.path(parse_address(f"{'x' * 60}@there.example"), Domain("mox.example"))
    await server.looks.note("dns", [looks.Seen(thing="mox.example", grade=looks.Grade.ACT, text="no MX record")])
    await server.runs.begin("0.1.0")


async def _fill_access(server: ServerDb, now: float) -> None:
    kind, agent = websessions.Kind.ACCOUNT, "Browser/1.0"
    await server.sessions.create(kind, "test0", login_address="test0@mox.example", remote="192.0.2.1", user_agent=agent)
    context = SignInContext(protocol="imap", remote=ipaddress.ip_address("192.0.2.1"), tls=None)
    for result in ("ok", "badcreds"):
        server.attempts.record(
            SignInAttempt(
                context=context,
                mechanism="PLAIN",
                login_address="test0@mox.example",
                account_name="test0",
                result=result,
            )
        )
    await server.attempts.flush()
    await server.keys.add(
        ClientKey(
            fingerprint="fingerprint",
            created=now,
            kind="ECDSA",
            name="laptop",
            no_imap_preauth=False,
            account="test0",
            login_address="test0@mox.example",
            certificate=b"certificate",
        )
    )


async def _fill_reports(server: ServerDb, now: float) -> None:
    await server.reports.add_dmarc(dmarc.parse(_DMARC), "there.example")
    received = tls.parse(_TLS)
    await server.reports.add_tls(received, received.policies, "there.example")
    row = dmarc.DmarcRow(
        source=ipaddress.ip_address("2001:db8::1"),
        count=1,
        disposition=dmarc.Disposition.REJECT,
        dkim=False,
        spf=False,
        header_from="there.example",
    )
    policy = dmarc.PublishedPolicy(domain=_THERE, policy="reject", percentage=100)
    server.evaluations.record(Evaluation(policy=policy, row=row))
    await server.evaluations.flush()
    server.tls_results.record(
        TlsResult(domain=_THERE, kind="sts", lines=("version: STSv1",), hosts=("*.there.example",))
    )
    await server.tls_results.flush()
    for kind in reportsuppression.Kind:
        await server.suppressions.add(kind, parse_address("r@there.example"), now + 86400, "refused")
