"""For which of our names a request is, and for which mail domain.

Ours are the host names of the server and its listeners, the domains, autoconfig.<domain> and autodiscover.<domain>, and
the host names of client settings; mta-sts.<domain> is for policies only. A domain that is disabled, or here only for
its reports, has no mail programs to set up.
"""

from __future__ import annotations

from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import Request

from app.config.live import Live, Snapshot
from app.errors import Refusal, WireError
from app.operations.clientsettings import Offer, make_offer
from app.wire.domain import Domain, parse_domain
from app.wire.smtp.address import Address, parse_address

PREFIXES = ("autoconfig.", "autodiscover.")
MTASTS_PREFIX = "mta-sts."
MAX_ADDRESS = 400  # characters; what may be longer is no address


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for settings."""

    live: Live
    snapshot: Snapshot
    host: Domain

    def offer(self, domain: Domain) -> Offer:
        """What the domain's mail programs are told; 404 when it is not one of ours."""
        config = self.snapshot.dynamic.domains.get(domain)
        if config is None or config.disabled or not self.snapshot.directory.is_local(domain):
            raise HTTPException(404, "This server has no mail for that domain.")
        try:
            return make_offer(self.live.static, domain, config)
        except Refusal as err:
            raise HTTPException(404, _sentence(err)) from None

    def domain(self) -> Domain:
        """The mail domain that the host name alone stands for; 400 when it could be several."""
        name = self.host.ascii
        domains = self.snapshot.dynamic.domains
        for prefix in PREFIXES:
            if name.startswith(prefix):
                return Domain(name[len(prefix) :])
        if self.host in domains:
            return self.host
        found = [domain for domain, config in domains.items() if config.client_settings_domain == self.host]
        if not found and self.host in self.snapshot.directory.hostnames:
            found = list(domains)
        if len(found) != 1:
            raise HTTPException(400, "Say for which address, as in ?emailaddress=you@example.org")
        return found[0]


def asked(request: Request, live: Live) -> Asked:
    """The request, when it is for a name of ours; 404 otherwise."""
    snapshot = live.snapshot
    host = host_of(request)
    if host is None or not is_ours(live, snapshot, host):
        raise HTTPException(404, "This name is not served here.")
    return Asked(live, snapshot, host)


def is_ours(live: Live, snapshot: Snapshot, host: Domain) -> bool:
    """Whether requests to this name are for our pages about mail programs."""
    domains = snapshot.dynamic.domains
    if host in domains or is_of_server(snapshot, host):
        return True
    return any(host.ascii.startswith(prefix) and Domain(host.ascii[len(prefix) :]) in domains for prefix in PREFIXES)


def is_of_server(snapshot: Snapshot, host: Domain) -> bool:
    """Whether it is a name that people know the server itself by: of the machine, or for their mail programs."""
    if host in snapshot.directory.hostnames:
        return True
    return any(config.client_settings_domain == host for config in snapshot.dynamic.domains.values())


def host_of(request: Request) -> Domain | None:
    """The name in the Host field, without its port; None for an address or what is no name."""
    name = request.headers.get("host", "").partition(":")[0].removesuffix(".")
    try:
        return parse_domain(name)
    except WireError:
        return None


def read_address(text: str) -> Address:
    """The mail address that was sent along; 400 when it is none."""
    try:
        return parse_address(text.strip()[:MAX_ADDRESS])
    except WireError:
        raise HTTPException(400, "That is not a mail address; it looks like you@example.org.") from None


def _sentence(err: Refusal) -> str:
    return f"{err.public[:1].upper()}{err.public[1:]}."
