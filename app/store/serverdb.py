"""server.db: what the server remembers beside mail and queue: web sessions, client keys, sign-in attempts, reports
of others, and what is needed for our own.

    server = ServerDb.open(data_dir)
    made = await server.sessions.create(Kind.ACCOUNT, "jane", ...)
    server.attempts.record(attempt)             # never waits; `close` writes what is left

One database with WAL: what a call returned is on stable storage and survives `kill -9`, except attempts of the last
second. Other processes may read it while the server runs; one that writes, such as a command that sets a password,
holds the server up for one short transaction. Raises StoreError when the file cannot be opened.
"""

from __future__ import annotations

from pathlib import Path

from app.clock import SYSTEM, Clock
from app.store.certificateattempts import CertificateAttempts
from app.store.clientkeys import ClientKeys
from app.store.dkimrotations import DkimRotations
from app.store.evaluations import Evaluations
from app.store.loginattempts import LoginAttempts
from app.store.looks import Looks
from app.store.mtastspolicies import MtaStsPolicies
from app.store.receivedreports import ReceivedReports
from app.store.reportsuppression import ReportSuppressions
from app.store.returnpaths import ReturnPaths
from app.store.runs import Runs
from app.store.serverschema import MIGRATIONS
from app.store.sqlite import Database
from app.store.tlsresults import TlsResults
from app.store.websessions import WebSessions

NAME = "server.db"


class ServerDb:
    """The open database."""

    def __init__(self, data_dir: Path, clock: Clock) -> None:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o750)
        self.db = Database(data_dir / NAME, MIGRATIONS)
        self.sessions = WebSessions(self.db, clock)
        self.keys = ClientKeys(self.db)
        self.attempts = LoginAttempts(self.db, clock)
        self.reports = ReceivedReports(self.db, clock)
        self.evaluations = Evaluations(self.db, clock)
        self.tls_results = TlsResults(self.db, clock)
        self.suppressions = ReportSuppressions(self.db, clock)
        self.policies = MtaStsPolicies(self.db, clock)
        self.certificates = CertificateAttempts(self.db)
        self.rotations = DkimRotations(self.db)
        self.returns = ReturnPaths(self.db, clock)
        self.runs = Runs(self.db, clock)
        self.looks = Looks(self.db, clock)

    @classmethod
    def open(cls, data_dir: Path, clock: Clock = SYSTEM) -> ServerDb:
        """The database of a data directory, made when absent."""
        return cls(data_dir, clock)

    def close(self) -> None:
        """Write what was recorded and close; later calls do nothing."""
        self.attempts.close()
        self.evaluations.close()
        self.tls_results.close()
        self.runs.end()
        self.db.close()
