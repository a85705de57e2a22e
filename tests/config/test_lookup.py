"""Whose an address is."""

from __future__ import annotations

from app.config.dynamic import Account, Alias, ConfigDomain, Destination, Dynamic, ReportAddress
from app.config.listener import Listener
from app.config.lookup import AliasFound, Destined, Directory, Purpose
from app.config.static import HostTlsRpt, Postmaster, Static
from app.log import Level
from app.wire.domain import Domain, parse_domain
from app.wire.smtp.address import parse_address

ORG, STRICT, OFF, REPORTS = (Domain(f"{name}.example") for name in ("org", "strict", "off", "reports"))


def report(localpart: str, domain: Domain | None = None) -> ReportAddress:
    return ReportAddress(localpart=localpart, domain=domain, account="jane", mailbox="DMARC")


STATIC = Static(
    data_dir="data",
    log_level=Level.INFO,
    hostname=Domain("mx.example"),
    listeners={"public": Listener(ips=(), hostname=Domain("mail.example"))},
    postmaster=Postmaster(account="admin", mailbox="Postmaster"),
    host_tlsrpt=HostTlsRpt(account="admin", mailbox="TLSRPT", localpart="tlsreports"),
)
DYNAMIC = Dynamic(
    domains={
        ORG: ConfigDomain(
            localpart_catchall_separators=("+", "--"),
            dmarc=report("dmarc+reports"),
            aliases={
                "team": Alias(addresses=("jane@org.example", "joe@org.example"), allow_msg_from=True),
                "quiet": Alias(addresses=("jane@org.example",)),
            },
        ),
        STRICT: ConfigDomain(localpart_case_sensitive=True),
        OFF: ConfigDomain(disabled=True),
        REPORTS: ConfigDomain(dmarc=report("d", ORG), tlsrpt=report("t", ORG)),
        parse_domain("bücher.example"): ConfigDomain(),
    },
    accounts={
        "admin": Account(domain="org.example", destinations={"postmaster@strict.example": Destination()}),
        "jane": Account(
            domain="org.example",
            destinations={
                "jane@org.example": Destination(mailbox="Mine"),
                "Jane@strict.example": Destination(),
                "jane@off.example": Destination(),
                "é@bücher.example": Destination(),
            },
        ),
        "joe": Account(
            domain="org.example",
            destinations={"joe@org.example": Destination(), "@org.example": Destination(mailbox="Rest")},
        ),
    },
)
DIRECTORY = Directory(STATIC, DYNAMIC)


def found(text: str) -> tuple[str, str, str, Purpose] | None:
    destined = DIRECTORY.find(parse_address(text))
    assert not isinstance(destined, AliasFound)
    return destined and (destined.account_name, destined.mailbox, destined.localpart, destined.purpose)


def test_separators_are_cut_and_case_is_folded() -> None:
    for text in ("jane@org.example", "JANE@ORG.example", "jane+x@org.example", "jane--y+z@org.example"):
        assert found(text) == ("jane", "Mine", "jane", Purpose.ADDRESS)


def test_case_matters_where_the_domain_says_so() -> None:
    assert found("Jane@strict.example") == ("jane", "Inbox", "Jane", Purpose.ADDRESS)
    assert found("jane@strict.example") is None
    assert found("Jane+x@strict.example") is None


def test_the_catchall_takes_what_no_other_address_takes() -> None:
    assert found("any+thing@org.example") == ("joe", "Rest", "any", Purpose.CATCHALL)
    assert found("+@org.example") == ("joe", "Rest", "", Purpose.CATCHALL)
    assert found("any@strict.example") is None


def test_reports_are_found_by_their_whole_localpart() -> None:
    assert found("DMARC+reports@org.example") == ("jane", "DMARC", "dmarc+reports", Purpose.DMARC_REPORTS)
    assert found("t@org.example") == ("jane", "DMARC", "t", Purpose.TLS_REPORTS)
    assert found("tlsreports@mx.example") == ("admin", "TLSRPT", "tlsreports", Purpose.HOST_TLS_REPORTS)
    assert found("tlsreports@mail.example") is None


def test_postmaster_is_found_everywhere_that_is_ours() -> None:
    assert found("Postmaster@mx.example") == ("admin", "Postmaster", "postmaster", Purpose.POSTMASTER)
    assert found("postmaster@mail.example") == ("admin", "Postmaster", "postmaster", Purpose.POSTMASTER)
    assert found("postmaster@off.example") == ("admin", "Postmaster", "postmaster", Purpose.POSTMASTER)
    assert found("postmaster@strict.example") == ("admin", "Inbox", "postmaster", Purpose.ADDRESS)
    assert found("postmaster@org.example") == ("joe", "Rest", "postmaster", Purpose.CATCHALL)
    assert found("postmaster@elsewhere.example") is None
    postmaster = DIRECTORY.postmaster()
    assert postmaster is not None
    assert postmaster.account_name == "admin"


def test_internationalised_addresses_are_found_in_both_forms() -> None:
    for text in ("é@bücher.example", "É@xn--bcher-kva.example", "e\u0301@bücher.example"):
        assert found(text) == ("jane", "Inbox", "é", Purpose.ADDRESS)


def test_aliases_come_with_their_members() -> None:
    alias = DIRECTORY.find(parse_address("Team+x@org.example"))
    assert isinstance(alias, AliasFound)
    assert str(alias.address) == "team@org.example"
    assert [member.account_name for member in alias.members] == ["jane", "joe"]


def test_which_domains_are_ours() -> None:
    assert [
        DIRECTORY.is_local(domain) for domain in (ORG, OFF, REPORTS, Domain("mx.example"), Domain("x.example"))
    ] == [
        True,
        True,
        False,  # it is only here so that its reports are asked for
        True,
        False,
    ]
    assert DIRECTORY.is_disabled(OFF)
    assert not DIRECTORY.is_disabled(ORG)


def test_signing_in_is_by_address_and_not_as_postmaster() -> None:
    def name(text: str) -> str | None:
        destined: Destined | None = DIRECTORY.login_account(text)
        return destined and destined.account_name

    assert [name(text) for text in ("jane@org.example", "JANE+x@org.example", "other@org.example")] == [
        "jane",
        "jane",
        "joe",
    ]
    for text in (
        "jane",
        "postmaster@mx.example",
        "jane@off.example",
        "team@org.example",
        "",
        "a@b@c",
        "\x00@org.example",
    ):
        assert name(text) is None


def test_who_may_send_as_an_address() -> None:
    def may(account: str, text: str) -> bool:
        return DIRECTORY.may_send_as(account, parse_address(text))

    assert may("jane", "jane+list@org.example")
    assert may("joe", "unknown@org.example")
    assert may("joe", "team@org.example")
    assert not may("jane", "quiet@org.example")
    assert not may("admin", "team@org.example")
    assert not may("jane", "joe@org.example")
    assert not may("admin", "postmaster@mx.example")
