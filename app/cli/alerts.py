"""The command that prints alert rules for Prometheus."""

from __future__ import annotations

import sys

from app.assets import read_text
from app.cli.command import Command, Invocation

RULES = "app/data/alerts.yaml"


def _alerts(invocation: Invocation) -> int:
    invocation.expect(0)
    sys.stdout.write(read_text(RULES))
    return 0


COMMANDS = (
    Command(
        words="config alerts",
        help="""Print alert rules for Prometheus.

They tell when something does not work, or when a person should look. The file begins with how to use it. Metrics are
served on the port of MetricsHTTP of a listener.

    mox config alerts >mox.rules.yaml
""",
        run=_alerts,
    ),
)
