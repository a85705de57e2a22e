"""The command that asks a registry how old a domain is."""

from __future__ import annotations

import datetime

from app.cli.asking import domain_argument
from app.cli.command import Command, Invocation
from app.errors import Refusal

TIMEOUT_S = 30


def _domain_age(invocation: Invocation) -> int:
    from quickstart.probes.registration import RegistrationClient

    (text,) = invocation.expect(1)
    domain = domain_argument(text)
    found = RegistrationClient().look_up(domain.ascii, TIMEOUT_S)
    if found.registered is None:
        raise Refusal(f"the age of {domain} cannot be told: {found.reason}")
    day = datetime.datetime.fromtimestamp(found.registered, datetime.UTC).date()
    print(f"registered {_age(day, datetime.datetime.now(datetime.UTC).date())} ago, on {day}")
    return 0


def _age(born: datetime.date, today: datetime.date) -> str:
    """Years, and days since the last of them."""
    if today <= born:
        return "0 days"
    years = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    days = (today - _anniversary(born, years)).days
    parts = [f"{count} {unit}{'s' if count != 1 else ''}" for count, unit in ((years, "year"), (days, "day")) if count]
    return " and ".join(parts)


def _anniversary(born: datetime.date, years: int) -> datetime.date:
    try:
        return born.replace(year=born.year + years)
    except ValueError:  # of 29 February
        return born.replace(year=born.year + years, day=28)


COMMANDS = (
    Command(
        words="rdap domainage",
        arguments="domain",
        help="""Tell how long ago a domain was registered, in years and days.

Asked of the registry by RDAP, for the domain or the one above it that is registered. A registration that ran out and
was made again counts from then: others trust the mail of new domains less, for about six weeks.

    mox rdap domainage example.org
""",
        run=_domain_age,
    ),
)
