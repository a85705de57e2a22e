"""The menu and the routes of the admin pages."""

from __future__ import annotations

from app.store.websessions import Kind
from app.web.admin import (
    account,
    accounts,
    accountsettings,
    addresses,
    alias,
    blocklists,
    configuration,
    dkim,
    dns,
    domain,
    domains,
    domainsettings,
    history,
    loglevels,
    overview,
    password,
    queue,
    queueactions,
    removal,
    reports,
    sentreports,
    senttls,
    signins,
)
from app.web.application import Pages
from app.web.visit import NavItem

ADMIN_PAGES = Pages(
    kind=Kind.ADMIN,
    title="administration",
    nav=(
        NavItem("/", "Overview"),
        NavItem("/domains", "Domains"),
        NavItem("/accounts", "Accounts"),
        NavItem("/queue", "Queue"),
        NavItem("/reports/dmarc", "DMARC reports"),
        NavItem("/reports/tls", "TLS reports"),
        NavItem("/blocklists", "Block lists"),
        NavItem("/configuration", "Configuration"),
        NavItem("/signins", "Sign-ins"),
        NavItem("/loglevels", "Log levels"),
    ),
    routes=(
        *overview.ROUTES,
        *queue.ROUTES,
        *queueactions.ROUTES,
        *blocklists.ROUTES,
        *configuration.ROUTES,
        *history.ROUTES,
        *reports.ROUTES,
        *sentreports.ROUTES,
        *senttls.ROUTES,
        *signins.ROUTES,
        *password.ROUTES,
        *loglevels.ROUTES,
        *domains.ROUTES,
        *domain.ROUTES,
        *dns.ROUTES,
        *alias.ROUTES,
        *domainsettings.ROUTES,
        *dkim.ROUTES,
        *accounts.ROUTES,
        *account.ROUTES,
        *accountsettings.ROUTES,
        *removal.ROUTES,
        *addresses.ROUTES,
    ),
)
