"""All commands, in the order in which they are listed."""

from __future__ import annotations

from app.cli import (
    account,
    config,
    dane,
    dkim,
    dkimkeys,
    dmarc,
    dnsbl,
    dnslookup,
    junk,
    loginattempts,
    message,
    preflight,
    proving,
    queue,
    quickstart,
    reports,
    sendmail,
    server,
    setup,
    smtpdial,
    spf,
    tlspolicy,
)
from app.cli.command import Command

COMMANDS: tuple[Command, ...] = (
    *setup.COMMANDS,
    *quickstart.COMMANDS,
    *preflight.COMMANDS,
    *server.COMMANDS,
    *account.COMMANDS,
    *loginattempts.COMMANDS,
    *config.COMMANDS,
    *queue.COMMANDS,
    *proving.COMMANDS,
    *junk.COMMANDS,
    *dnslookup.COMMANDS,
    *spf.COMMANDS,
    *dkim.COMMANDS,
    *dkimkeys.COMMANDS,
    *dmarc.COMMANDS,
    *reports.COMMANDS,
    *dnsbl.COMMANDS,
    *tlspolicy.COMMANDS,
    *dane.COMMANDS,
    *smtpdial.COMMANDS,
    *message.COMMANDS,
    *sendmail.COMMANDS,
)
