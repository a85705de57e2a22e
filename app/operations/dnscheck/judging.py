"""One wanted record against the texts that one name server has at its name: does it fit, and if not, what stands there?

Pure: nobody is asked. `judge` knows for each type what may differ without harm (the preference of an MX, the weight
of an SRV, more mechanisms in an SPF record), what is a mistake in a record of ours, and what belongs to somebody else,
such as the mail provider of today: that is shown, never to be replaced without thought, and where both can stand in one
record, `Judgement.proposal` is that record.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum

from app.operations.dnscheck import spf
from app.operations.dnscheck.printable import printable, printable_list
from app.operations.dnscheck.providers import provider_of
from app.operations.dnscheck.tags import Difference, differences, read_tags, report_addresses, write_tags
from app.operations.dnsrecords import Record


class Fit(Enum):
    """How what is there fits what is wanted."""

    RIGHT = "right"
    ABSENT = "absent"
    WRONG = "wrong"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """A wanted record, and what is wanted beside it."""

    record: Record
    siblings: frozenset[str] = frozenset()  # contents wanted at the same name and type
    target_ips: frozenset[str] = frozenset()  # addresses that the target of an alias should have


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The result, fit to be shown. `note` is a sentence for WRONG and FOREIGN: what is there and what to do."""

    fit: Fit
    found: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()
    proposal: str = ""
    note: str = ""


_ABSENT = Judgement(fit=Fit.ABSENT)


def judge(expected: Expected, found: Sequence[str]) -> Judgement:
    """The judgement over the texts at the name, each as in a zone file, those of TXT joined."""
    kind = expected.record.type
    if kind == "TXT":
        return _judge_txt(expected, found)
    return _BY_TYPE[kind](expected, found) if found else _ABSENT


def _right(found: Sequence[str]) -> Judgement:
    return Judgement(fit=Fit.RIGHT, found=_shown(found))


def _wrong(expected: Expected, found: Sequence[str], note: str) -> Judgement:
    difference = Difference(
        tag=expected.record.type, wanted=printable(expected.record.content), found=printable_list(found)
    )
    return Judgement(fit=Fit.WRONG, found=_shown(found), differences=(difference,), note=note)


def _foreign(found: Sequence[str], note: str, proposal: str = "") -> Judgement:
    return Judgement(fit=Fit.FOREIGN, found=_shown(found), note=note, proposal=proposal and printable(proposal, 2000))


def _shown(found: Sequence[str]) -> tuple[str, ...]:
    return tuple(printable(text) for text in found[:10])


def _host(text: str) -> str:
    return text.lower().rstrip(".")


def _mx(expected: Expected, found: Sequence[str]) -> Judgement:
    hosts = [_host(text.split()[-1]) for text in sorted(found, key=_preference)]
    ours = _host(expected.record.content.split()[-1])
    elsewhere = list(dict.fromkeys(host for host in hosts if host != ours))
    if not elsewhere:
        return _right(found)
    if elsewhere == [""]:
        return _wrong(expected, found, "It says that the domain takes no mail at all (null MX). Replace it.")
    if ours in hosts:
        note = (
            f"Mail comes here, and to {printable_list(elsewhere)} as well. "
            "Remove the others when nothing shall arrive there any more."
        )
        return _foreign(found, note)
    note = (
        f"The mail of this domain is at {_provider(elsewhere[0])} today, and stays there until you replace this "
        "record. Set up everything else first; then new mail comes here."
    )
    return _foreign(found, note)


def _preference(text: str) -> int:
    number = text.split()[0]
    return int(number) if number.isascii() and number.isdigit() else 0


def _provider(host: str) -> str:
    known = provider_of(host)
    return f"{known} ({printable(host, 200)})" if known else printable(host, 200)


def _addresses(expected: Expected, found: Sequence[str]) -> Judgement:
    want, have = {_ip(text) for text in expected.siblings}, {_ip(text) for text in found}
    if have <= want and _ip(expected.record.content) in have:
        return _right(found)
    if have < want:
        return _ABSENT
    extra = printable_list(sorted(have - want))
    note = f"The name leads to {extra}, which is not an address of this host. Others would look there: change it."
    return _wrong(expected, found, note)


def _ip(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return text


def _cname(expected: Expected, found: Sequence[str]) -> Judgement:
    """An alias, or addresses ("A 192.0.2.1") where an alias could be."""
    ours = _host(expected.record.content)
    addresses = {_ip(text.split()[-1]) for text in found if " " in text}
    aliases = {_host(text) for text in found if " " not in text}
    if aliases == {ours} or (not aliases and addresses and addresses <= expected.target_ips):
        return _right(found)
    places = printable_list(sorted(aliases or addresses))
    note = f"The name leads to {places} today. Is that still needed? If not, replace it."
    return _foreign(found, note)


def _ptr(expected: Expected, found: Sequence[str]) -> Judgement:
    if [_host(text) for text in found] == [_host(expected.record.content)]:
        return _right(found)
    names = printable_list(sorted(_host(text) for text in found))
    note = f"The address is called {names}. Give it this one name, with the provider of the address."
    return _wrong(expected, found, note)


def _tlsa(expected: Expected, found: Sequence[str]) -> Judgement:
    have = {"".join(text.lower().split()) for text in found}
    if "".join(expected.record.content.lower().split()) in have:
        return _right(found)
    if have & {"".join(text.lower().split()) for text in expected.siblings}:
        return _ABSENT
    note = "It names another key, so servers that check it deliver no mail to us. Replace it, or remove it."
    return _wrong(expected, found, note)


def _srv(expected: Expected, found: Sequence[str]) -> Judgement:
    want = _service(expected.record.content)
    have = [_service(text) for text in found]
    if all(one == want for one in have):
        return _right(found)
    if want == ("", "") or any(host for _, host in have):
        places = printable_list(f"{host} port {port}" if host else "nowhere" for port, host in have)
        note = f"Mail programs are sent to {places} today. Replace it when they shall come here."
        return _foreign(found, note)
    return _wrong(expected, found, "It says that this service is not offered. Replace it.")


def _service(text: str) -> tuple[str, str]:
    """Port and host; both empty for "not offered"."""
    words = text.split()
    host = _host(words[-1])
    return (words[-2] if len(words) > 1 else "", host) if host else ("", "")


def _caa(expected: Expected, found: Sequence[str]) -> Judgement:
    want = _issuer(expected.record.content)
    issuers = [issuer for text in found if (issuer := _issuer(text)) is not None]
    if want in issuers:
        return _right(found)
    if not issuers:
        return _ABSENT
    names = printable_list(issuer or "nobody" for issuer in issuers)
    note = f"Certificates may be made by {names} only. Add our authority beside, or we get no certificate."
    return _foreign(found, note)


def _issuer(text: str) -> str | None:
    """Who may issue, of an `issue` record (RFC 8659 §4.2); parameters aside."""
    words = text.split(None, 2)
    if len(words) != 3 or words[1].lower() != "issue":
        return None
    return words[2].strip('"').partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class _TxtKind:
    """A kind of text record: how it begins, its tags, and how to judge a single one."""

    version: str
    name: str
    tags: tuple[str, ...] = ()
    judge: Callable[[Expected, str], Judgement] = field(default=lambda _, __: _ABSENT)


def _judge_txt(expected: Expected, found: Sequence[str]) -> Judgement:
    kind = next(one for one in _TXT_KINDS if expected.record.content.startswith(one.version))
    fitting = [text for text in found if _is_kind(kind, text)]
    if not fitting:
        return _ABSENT
    if expected.record.content in fitting and len(fitting) == 1:
        return _right(fitting)
    if len(fitting) > 1:
        return _too_many(expected, kind, fitting)
    return kind.judge(expected, fitting[0])


def _is_kind(kind: _TxtKind, text: str) -> bool:
    if kind.version == spf.VERSION:
        return spf.is_spf(text)
    tags = read_tags(text)
    version = tags.get("v", "").lower()
    if kind.version == "v=DKIM1":  # the version may be left out (RFC 6376 §3.6.1)
        return "p" in tags and version in ("", "dkim1")
    return f"v={version}" == kind.version.lower()


def _too_many(expected: Expected, kind: _TxtKind, found: Sequence[str]) -> Judgement:
    """More than one is as good as none (RFC 7208 §4.5, RFC 7489 §6.6.3)."""
    note = f"There are {len(found)} {kind.name} records, which counts as none. Leave one only."
    proposal = ""
    if kind.version == spf.VERSION:
        proposal = expected.record.content
        for text in found:
            proposal = spf.merge(proposal, text)
        proposal = proposal.rpartition(" ")[0] + " ~all" if proposal.endswith("-all") else proposal
        note = f"There are {len(found)} SPF records, which counts as an error. Replace them by one."
    return Judgement(fit=Fit.WRONG, found=_shown(found), proposal=printable(proposal, 2000), note=note)


def _spf(expected: Expected, found: str) -> Judgement:
    wanted = expected.record.content
    if spf.is_same(wanted, found):
        return _right([found])
    proposal = spf.merge(wanted, found)
    lacking = ", ".join(spf.missing(wanted, found))
    if foreign := spf.others(wanted, found):
        note = f"Mail of this domain comes from {printable_list(foreign)} today. "
        note += (
            f"A domain can have one SPF record only: add {lacking} to it, as proposed."
            if lacking
            else 'It should end with "~all" or "-all".'
        )
        return _foreign([found], note, proposal)
    difference = Difference(tag="terms", wanted=printable(wanted), found=printable(found))
    note = f"It lacks {lacking}: mail that this server sends fails the check." if lacking else _NO_END
    return Judgement(fit=Fit.WRONG, found=_shown([found]), differences=(difference,), note=f"{note} Replace it.")


_NO_END = 'It does not end with "~all" or "-all", so it says nothing about mail from elsewhere.'


def _dkim(expected: Expected, found: str) -> Judgement:
    different = differences(expected.record.content, found, ("k", "p"))
    if not different:
        return _right([found])
    note = "It holds another key than the one that signs here, so our signatures do not count. Replace it."
    if not read_tags(found).get("p"):
        note = "It says that the key is withdrawn (empty p=), so our signatures do not count. Replace it."
    return Judgement(fit=Fit.WRONG, found=_shown([found]), differences=different, note=note)


def _reports(expected: Expected, found: str) -> Judgement:
    """DMARC and TLS reports: other addresses that reports go to are kept."""
    wanted = expected.record.content
    want, have = read_tags(wanted), read_tags(found)
    tags = tuple(tag for tag in want if tag not in ("v", "rua"))
    have_rua = report_addresses(have.get("rua", ""))
    lacks = [one for one in report_addresses(want.get("rua", "")) if one not in have_rua]
    if lacks and have_rua:
        kept = [uri.strip() for uri in have.get("rua", "").split(",") if uri.strip()]
        both = {**have, "rua": ",".join([want["rua"], *kept[:9]])}
        note = (
            f"Reports go to {printable_list(have_rua)} today. Whoever reads them there should know; to get them here "
            "as well, put both addresses into the record, as proposed."
        )
        return _foreign([found], note, write_tags(both))
    different = differences(wanted, found, (*tags, *(("rua",) if lacks else ())))
    if not different:
        return _right([found])
    listed = ", ".join(one.tag for one in different)
    note = f"It is there, but not as wanted ({listed}). Keep it if you chose that; else replace it."
    return Judgement(fit=Fit.WRONG, found=_shown([found]), differences=different, note=note)


def _mtasts(expected: Expected, found: str) -> Judgement:
    different = differences(expected.record.content, found, ("id",))
    if not different:
        return _right([found])
    note = "It announces another policy than the one that is served here. Replace it."
    return Judgement(fit=Fit.WRONG, found=_shown([found]), differences=different, note=note)


_TXT_KINDS = (
    _TxtKind(version=spf.VERSION, name="SPF", judge=_spf),
    _TxtKind(version="v=DKIM1", name="DKIM", judge=_dkim),
    _TxtKind(version="v=DMARC1", name="DMARC", judge=_reports),
    _TxtKind(version="v=TLSRPTv1", name="TLS report", judge=_reports),
    _TxtKind(version="v=STSv1", name="MTA-STS", judge=_mtasts),
)
_BY_TYPE: dict[str, Callable[[Expected, Sequence[str]], Judgement]] = {
    "MX": _mx,
    "A": _addresses,
    "AAAA": _addresses,
    "CNAME": _cname,
    "PTR": _ptr,
    "TLSA": _tlsa,
    "SRV": _srv,
    "CAA": _caa,
}
