"""Commands that read the reports of other servers: about mail in our name (DMARC), and about encryption (TLS)."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from app.cli import addreport
from app.cli.command import Command, Invocation
from app.cli.listing import one_line
from app.cli.messagefile import read_message

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.wire.reports.attached import Kind

MAX_FILES = 10_000


def _parse_dmarc(invocation: Invocation) -> int:
    from app.wire.reports.attached import DMARC

    return _each(invocation, lambda name: _print_dmarc(_report(name, DMARC)))


def _parse_tls(invocation: Invocation) -> int:
    from app.wire.reports.attached import TLS

    return _each(invocation, lambda name: _print_tls(_report(name, TLS)))


def _each(invocation: Invocation, work: Callable[[str], None]) -> int:
    """All files; 1 when one of them has no report that can be used."""
    from app.wire.reports.values import BadReport

    code = 0
    for name in invocation.expect(1, MAX_FILES):
        print(f"{name}:")
        try:
            work(name)
        except BadReport as error:
            print(f"mox: {name}: {one_line(error.message)}", file=sys.stderr)
            code = 1
    return code


def _report(name: str, kind: Kind) -> bytes:
    from app.wire.message.part import parse_message
    from app.wire.reports.attached import find_report

    data = read_message(name)
    return find_report(data, parse_message(data), kind)


def _span(begin: int, end: int) -> str:
    from app.clock import utc

    return " to ".join(f"{utc(one):%Y-%m-%d %H:%M:%S} UTC" for one in (begin, end))


def _print_dmarc(content: bytes) -> None:
    from app.wire.reports.dmarc import parse

    report = parse(content)
    policy = report.policy
    print(f"  From {report.organisation or 'unnamed'}, {_span(report.begin, report.end)}, id {report.report_id}")
    print(f"  About {policy.domain.ascii}, p={policy.policy or 'not told'}")
    for row in report.rows:
        passed = [word for word, is_true in (("DKIM", row.dkim), ("SPF", row.spf)) if is_true]
        result = f"passed by {' and '.join(passed)}" if passed else "failed"
        source = row.source or "address not told"
        print(
            f"  {row.count} from {source} as {row.header_from or 'not told'}: {result}, done: {row.disposition.value}"
        )
        for one in row.dkim_results:
            print(f"    DKIM {one.result}: {one.domain or 'unknown domain'}")
        for one in row.spf_results:
            print(f"    SPF {one.result}: {one.domain or 'unknown domain'}")


def _print_tls(content: bytes) -> None:
    from app.wire.reports.tls import parse

    report = parse(content)
    print(f"  From {report.organisation or 'unnamed'}, {_span(report.begin, report.end)}, id {report.report_id}")
    for policy in report.policies:
        counts = f"{policy.successful} connections as they should be, {policy.failed} failed"
        print(f"  About {policy.domain.ascii}, {policy.kind or 'policy not told'}: {counts}")
        for one in policy.failures:
            print(f"    {one.sessions} {one.result}: {one.receiving_host or one.receiving_ip or 'host not told'}")


COMMANDS = (
    Command(
        words="dmarc parsereportmsg",
        arguments="file...",
        help="""Print the DMARC reports in messages.

Takes files, or - for standard input. The report is attached, as zip, gzip or XML, or is the whole body. Exit code 1
when a message has no report that can be used.

    mox dmarc parsereportmsg report.eml
""",
        run=_parse_dmarc,
    ),
    Command(
        words="tlsrpt parsereportmsg",
        arguments="file...",
        help="""Print the TLS reports in messages.

Takes files, or - for standard input. Exit code 1 when a message has no report that can be used.

    mox tlsrpt parsereportmsg report.eml
""",
        run=_parse_tls,
    ),
    *addreport.COMMANDS,
)
