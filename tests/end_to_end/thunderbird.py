"""Thunderbird without a screen, driven by Marionette: length:JSON over TCP, and scripts with all its rights.

Every host name leads to the address of the server under test (`network.dns.forceResolve`), so that the program asks
autoconfig.<domain> on the ports 443 and 80 as in life. The scripts call the modules that its account dialog calls.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

START_S = 60
SCRIPT_MS = 60_000
PREFERENCES = {
    "app.update.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "mail.provider.suppress_dialog_on_startup": True,
    "mail.shell.checkDefaultClient": False,
    "mailnews.auto_config_url": "",  # no central database: what is found comes from our server
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
}

# Without a reply by a person, exceptions for the certificate, as a person would allow them who uses a server with one
# that it signed itself.
TRUST = """
const certificates = Cc["@mozilla.org/security/x509certdb;1"].getService(Ci.nsIX509CertDB);
const overrides = Cc["@mozilla.org/security/certoverride;1"].getService(Ci.nsICertOverrideService);
const [base64, places] = args;
const certificate = certificates.constructX509FromBase64(base64);
for (const [host, port] of places)
  overrides.rememberValidityOverride(host, port, {}, certificate, false);
"""

FIND = """
const { FindConfig } = ChromeUtils.importESModule("resource:///modules/accountcreation/FindConfig.sys.mjs");
const [address, password] = args;
const stop = new AbortController();
const domain = address.split("@")[1];
const found = await FindConfig.parallelAutoDiscovery(domain, address, stop.signal, password, "").next();
if (!found.value)
  return null;
globalThis.foundConfig = found.value;
const server = one => ({ type: one.type, host: one.hostname, port: one.port, socket: one.socketType, auth: one.auth,
                         username: one.username });
const config = found.value;
return {
  source: config.subSource, id: config.id, name: config.displayName, domains: config.domains,
  incoming: [config.incoming, ...config.incomingAlternatives].map(server),
  outgoing: [config.outgoing, ...config.outgoingAlternatives].map(server),
};
"""

CREATE = """
const folder = "resource:///modules/accountcreation/";
const { AccountConfig } = ChromeUtils.importESModule(folder + "AccountConfig.sys.mjs");
const { ConfigVerifier } = ChromeUtils.importESModule(folder + "ConfigVerifier.sys.mjs");
const { CreateInBackend } = ChromeUtils.importESModule(folder + "CreateInBackend.sys.mjs");
const [name, address, password] = args;
const config = globalThis.foundConfig;
AccountConfig.replaceVariables(config, name, address, password);
config.rememberPassword = true;
await new ConfigVerifier(null, new AbortController().signal).verifyConfig(config, false);
const account = await CreateInBackend.createAccountInBackend(config);
globalThis.account = account;
return account.incomingServer.serverURI;
"""

# As a person who presses "Get Messages" until it is there: Thunderbird overlooks an EXISTS that comes at the end of a
# FETCH, and then shows the message only when it asks again or hears of another one.
READ = """
const [subject, names] = args;
const server = globalThis.account.incomingServer;
const folders = () => server.rootFolder.descendants.map(folder => folder.name);
const until = async (ask, test) => {
  for (let left = 300; left > 0; left--) {
    if (left % 20 == 0)
      ask();
    const value = test();
    if (value)
      return value;
    await new Promise(resolve => setTimeout(resolve, 100));
  }
  throw new Error("folders: " + folders());
};
const expand = () => server.performExpand(null);
const inbox = await until(expand, () => server.rootFolder.getFolderWithFlags(Ci.nsMsgFolderFlags.Inbox));
const header = await until(
  () => inbox.updateFolder(null), () => [...inbox.messages].find(one => one.subject == subject));
await until(expand, () => names.every(name => folders().includes(name)));
return header.author;
"""

SEND = """
const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
const [to, subject] = args;
const identity = globalThis.account.defaultIdentity;
const fields = Cc["@mozilla.org/messengercompose/composefields;1"].createInstance(Ci.nsIMsgCompFields);
Object.assign(fields, { from: identity.email, to, subject, body: "sent by Thunderbird\\r\\n", forcePlainText: true });
const parameters = Cc["@mozilla.org/messengercompose/composeparams;1"].createInstance(Ci.nsIMsgComposeParams);
Object.assign(parameters, { composeFields: fields, identity, format: Ci.nsIMsgCompFormat.PlainText });
parameters.type = Ci.nsIMsgCompType.New;
const message = MailServices.compose.initCompose(parameters);
await message.sendMsg(Ci.nsIMsgCompDeliverMode.Now, identity, globalThis.account.key, null, null);
return true;
"""

_FRAME = """
const [args, done] = arguments;
(async () => { %s })().then(
  value => done({ value }), error => done({ error: String(error) + "\\n" + (error?.stack ?? "") }));
"""


@dataclass(slots=True)
class Thunderbird:
    """A running Thunderbird."""

    connection: socket.socket
    number: int = 0

    def run(self, script: str, *args: object) -> Any:
        """Runs a script of this module and returns its value; fails with its error."""
        answer = self.call("WebDriver:ExecuteAsyncScript", script=_FRAME % script, args=[list(args)], sandbox="system")
        value = answer["value"]
        assert "error" not in value, value["error"]
        return value.get("value")

    def call(self, command: str, **parameters: object) -> Any:
        """One command of the protocol."""
        self.number += 1
        data = json.dumps([0, self.number, command, parameters]).encode()
        self.connection.sendall(b"%d:%b" % (len(data), data))
        _, _, error, result = self.receive()
        assert error is None, error
        return result

    def receive(self) -> Any:
        size = b""
        while not size.endswith(b":"):
            size += self.connection.recv(1) or pytest.fail("Thunderbird ended")
        with self.connection.makefile("rb") as file:
            return json.loads(file.read(int(size[:-1])))


@contextmanager
def thunderbird(profile: Path, server_ip: str) -> Iterator[Thunderbird]:
    """Thunderbird with a new profile, for which every name has the address `server_ip`."""
    program = shutil.which("thunderbird")
    if program is None:
        pytest.skip("thunderbird is not installed; see tests/packages.txt")
    port = free_port()
    preferences = PREFERENCES | {"network.dns.forceResolve": server_ip, "marionette.port": port}
    profile.mkdir()
    lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in preferences.items())
    (profile / "user.js").write_text("".join(lines))
    options = ["--headless", "--marionette", "--remote-allow-system-access", "--no-remote", "--profile", str(profile)]
    environment = {"PATH": os.environ["PATH"], "HOME": str(profile), "LANG": "C.UTF-8"}
    with open(profile.with_suffix(".log"), "wb") as log:
        process = subprocess.Popen([program, *options], stdout=log, stderr=log, env=environment)
    try:
        with connect(port, process) as connection:
            driven = Thunderbird(connection)
            driven.receive()  # the greeting
            driven.call("WebDriver:NewSession", capabilities={})
            driven.call("WebDriver:SetTimeouts", script=SCRIPT_MS)
            driven.call("Marionette:SetContext", value="chrome")
            yield driven
    finally:
        process.kill()
        process.wait()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def connect(port: int, process: subprocess.Popen[bytes]) -> socket.socket:
    limit = time.monotonic() + START_S
    while time.monotonic() < limit:
        assert process.poll() is None, f"Thunderbird ended with {process.returncode}"
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=2 * SCRIPT_MS / 1000)
        except OSError:
            time.sleep(0.1)
    raise AssertionError("Thunderbird does not answer")
