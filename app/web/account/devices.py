"""How mail programs are set up: host names and ports, a code for the phone, a profile for Apple's devices."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import Response

from app.config.dynamic import Account
from app.config.lookup import destination_address
from app.config.static import Static
from app.errors import Refusal, WireError
from app.operations.clientprofiles import apple_profile, profile_path
from app.operations.clientsettings import Offer, make_offer
from app.operations.qrcodes import qr_svg
from app.web.account.holder import config_of
from app.web.errors import NotFound
from app.web.visit import Visit, page
from app.wire.domain import Domain
from app.wire.smtp.address import Address

APPLE_PROFILE = "application/x-apple-aspen-config"
_LOCALHOST = "localhost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Devices:
    """What to enter, or to open, for an address."""

    address: Address
    name: str  # to send with
    offer: Offer
    link: str  # of the Apple profile; "" when nothing serves it

    @property
    def qr(self) -> str:
        """The link as a picture; "" when there is none, or when it is too long."""
        try:
            return qr_svg(self.link) if self.link else ""
        except Refusal:
            return ""


async def _show(visit: Visit) -> Response:
    devices, fault = None, ""
    try:
        devices = _devices(visit)
    except Refusal as error:
        fault = error.public
    return visit.render(
        "account/devices.html",
        devices=devices,
        fault=fault,
        addresses=list(sending_addresses(config_of(visit)).values()),
    )


async def _profile(visit: Visit) -> Response:
    devices = _devices(visit)
    data = apple_profile(devices.offer, [devices.address], devices.name)
    name = f"{devices.address.domain.ascii}.mobileconfig"
    disposition = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(data, media_type=APPLE_PROFILE, headers=disposition)


def sending_addresses(account: Account) -> dict[str, Address]:
    """The addresses that somebody can sign in and send with, by their keys; those of catchalls are left out."""
    found = {}
    for key in account.destinations:
        try:
            localpart, domain = destination_address(key)
        except WireError:
            continue
        if localpart:
            found[key] = Address(localpart, domain)
    return found


def _devices(visit: Visit) -> Devices:
    """For the address in the query, or the one that was signed in with, or the first."""
    account, static = config_of(visit), visit.services.live.static
    keys = {str(address): key for key, address in sending_addresses(account).items()}
    wanted = visit.request.query_params.get("address", "")
    if wanted and wanted not in keys:
        raise NotFound("this address is not yours")
    key = keys.get(wanted or visit.session.login_address) or next(iter(keys.values()), "")
    if not key:
        raise Refusal("this account has no address to set a device up for")
    address = sending_addresses(account)[key]
    offer = make_offer(static, address.domain, visit.services.live.dynamic.domains[address.domain])
    name = account.destinations[key].full_name or account.full_name
    origin = _files_origin(static, address.domain)
    link = origin + profile_path([address], name) if origin else ""
    return Devices(address=address, name=name, offer=offer, link=link)


def _files_origin(static: Static, domain: Domain) -> str:
    """Where the world finds the files for mail programs of a domain."""
    host = _LOCALHOST if domain.ascii == _LOCALHOST else f"autoconfig.{domain.ascii}"
    for listener in static.listeners.values():
        if (files := listener.autoconfig_https) is not None and files.enabled:
            is_usual = files.forwarded or files.port == 443
            return f"https://{host}" if is_usual else f"http{'' if files.non_tls else 's'}://{host}:{files.port}"
    return ""


ROUTES = (page("/devices", _show), page("/devices/profile", _profile))
