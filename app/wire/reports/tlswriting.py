"""Writes a TLS report as JSON (RFC 8460 §4.4), so that `tls.parse` reads the same from it; empty fields are omitted."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from app.wire.reports.tls import TlsFailure, TlsPolicy, TlsReport


def write(report: TlsReport) -> bytes:
    """The JSON."""
    found = {
        "organization-name": report.organisation,
        "date-range": {"start-datetime": _moment(report.begin), "end-datetime": _moment(report.end)},
        "contact-info": report.contact,
        "report-id": report.report_id,
        "policies": [_policy(one) for one in report.policies],
    }
    return json.dumps(found, indent=1).encode()


def _moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _policy(policy: TlsPolicy) -> dict[str, object]:
    about = _filled(
        {
            "policy-type": policy.kind,
            "policy-string": list(policy.lines),
            "policy-domain": policy.domain.ascii,
            "mx-host": list(policy.hosts),
        }
    )
    summary = {"total-successful-session-count": policy.successful, "total-failure-session-count": policy.failed}
    found: dict[str, object] = {"policy": about, "summary": summary}
    if policy.failures:
        found["failure-details"] = [_failure(one) for one in policy.failures]
    return found


def _failure(failure: TlsFailure) -> dict[str, object]:
    return _filled(
        {
            "result-type": failure.result,
            "sending-mta-ip": str(failure.sending_ip or ""),
            "receiving-mx-hostname": failure.receiving_host,
            "receiving-mx-helo": failure.receiving_helo,
            "receiving-ip": str(failure.receiving_ip or ""),
            "failed-session-count": failure.sessions,
            "additional-information": failure.information,
            "failure-reason-code": failure.code,
        }
    )


def _filled(found: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in found.items() if value}
