#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""An unmodified web server, Linewarden in front of it, and clients that each try to get in.

Prints a row a client. The line, and so the level, follows from the client's address: that
is what the configuration below says. Fails when a row is not as expected.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

BUILD = sys.argv[1]
DIR = tempfile.mkdtemp(prefix="linewarden-demo-")
PINS = os.environ["STAGE_PINS"]
PORT = 5061
COLOUR = sys.stdout.isatty() and "NO_COLOR" not in os.environ

LINES = {  # level -> line, function, the addresses that it claims
    "none": ("legacy", "sip-line", "127.0.1.0/24"),
    "low": ("old-trunk", "sip-line", "127.0.2.0/24"),
    "medium": ("trunk", "sip-line", "127.0.3.0/24"),
    "high": ("pinned", "sm-line", "127.0.4.0/24"),
    "phones": ("phones", "sip-phone", "127.0.5.0/24"),
}
SOURCE = {level: line[2].replace(".0/24", ".1") for level, line in LINES.items()}
LEVEL_OF_PHONES = "low"

ACCEPTED = "accepted"
ROWS = [  # what the client is, its certificate, the level, expected: accepted or the alert
    ("a good certificate", "good", "medium", ACCEPTED),
    ("a good certificate, TLS 1.2", "good", "medium", ACCEPTED),
    ("no certificate", None, "medium", "certificate_required"),
    ("no certificate, a phone", None, "phones", ACCEPTED),
    ("expired, a phone", "expired", "phones", "certificate_expired"),
    ("expired", "expired", "none", "certificate_expired"),
    ("RSA 512 bits", "rsa512", "none", ACCEPTED),
    ("RSA 512 bits", "rsa512", "low", "bad_certificate"),
    ("RSA 1024 bits", "rsa1024", "medium", ACCEPTED),
    ("RSA 1024 bits", "rsa1024", "high", "bad_certificate"),
    ("unknown CA", "unknown-ca", "low", ACCEPTED),
    ("unknown CA", "unknown-ca", "medium", "unknown_ca"),
    ("no key usage", "no-key-usage", "low", ACCEPTED),
    ("no key usage", "no-key-usage", "medium", "unsupported_certificate"),
    ("code signing only", "wrong-eku", "medium", "unsupported_certificate"),
    ("unknown critical extension", "unknown-critical", "medium", "unsupported_certificate"),
]


def copy_pki():
    """The keys have to be root's, whoever built them."""
    shutil.copytree(f"{BUILD}/tests/demo/pki", f"{DIR}/pki")
    for name in os.listdir(f"{DIR}/pki"):
        os.chown(f"{DIR}/pki/{name}", 0, 0)


def configuration():
    text = f"""
identity {{
    certificate = "{DIR}/pki/server.pem"
    key = "{DIR}/pki/server.key"
}}
trust-store = "{DIR}/pki/root.pem"
ktls = require
user = "nobody"
group = "root"
audit-log = "{DIR}/audit.jsonl"
pin-path = "{PINS}"
run-path = "{DIR}/run"
cgroup = "{os.environ['STAGE_CGROUP']}"
"""
    for level, (name, function, remote) in LINES.items():
        level = LEVEL_OF_PHONES if level == "phones" else level
        text += f"""
line "{name}" {{
    function = {function}
    port = {PORT}
    remote = {{ "{remote}" }}
    level = {level}
}}
"""
    path = f"{DIR}/linewarden.conf"
    with open(path, "w") as out:
        out.write(text)
    return path


def start(command, log, ready):
    """Starts a server; returns when ready() says that it is, or ends the demo."""
    with open(f"{DIR}/{log}", "w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, cwd=DIR)
    for _ in range(600):
        if ready():
            return process
        if process.poll() is not None:
            break
        time.sleep(0.1)
    sys.exit(f"{command[0]} did not start:\n" + open(f"{DIR}/{log}").read())


def tool(*arguments):
    return subprocess.run([f"{BUILD}/tools/linewarden", *arguments], capture_output=True, text=True)


def start_daemon(config):
    command = [f"{BUILD}/userspace/linewardend", "--config", config]
    return start(command, "daemon.log", lambda: tool("status", "--run", f"{DIR}/run").returncode == 0)


def start_server():
    command = ["/usr/bin/python3", "-u", "-m", "http.server", str(PORT), "--bind", "127.0.0.1"]
    return start(command, "server.log", lambda: "Serving" in open(f"{DIR}/server.log").read())


def read_records():
    path = f"{DIR}/audit.jsonl"
    return [json.loads(line) for line in open(path)] if os.path.exists(path) else []


def peer_command(name, certificate, level, *steps):
    command = [f"{BUILD}/tests/peer/peer", "--source", SOURCE[level], "--timeout", "20000"]
    if certificate:
        command += ["--cert", f"{DIR}/pki/{certificate}.pem"]
    # an RSA key of 512 bits is too short for the signatures of TLS 1.3
    if "TLS 1.2" in name or certificate == "rsa512":
        command += ["--tls", "1.2"]
    return command + [f"127.0.0.1:{PORT}", *steps]


def try_client(number, name, certificate, level):
    """What the client saw, what the app saw, and the record of it."""
    before = len(read_records())
    request = f"GET /client-{number} HTTP/1.0\r\n\r\n"
    run = subprocess.run(peer_command(name, certificate, level, f"text:{request}", "drain"),
                         capture_output=True, text=True)
    try:
        saw = json.loads(run.stdout)
    except ValueError:
        return "(the client failed: %s)" % (run.stderr.strip() or run.returncode), "?", {}
    if saw["alert"]:
        client = saw["alert"]
    elif saw["received"]:
        client = "an answer"
    else:
        client = "nothing (%s)" % saw["error"]
    app = "the request" if f"/client-{number} " in open(f"{DIR}/server.log").read() else "nothing"
    for _ in range(50):
        records = [r for r in read_records()[before:] if r["event"] != "ended"]
        if records:
            break
        time.sleep(0.1)
    return client, app, records[0] if records else {}


def as_expected(expected, client, app, record):
    if expected == ACCEPTED:
        return client == "an answer" and app == "the request" and record.get("event") == "accepted" \
            and record.get("ktls") is True
    # TLS 1.2 has no certificate_required: RFC 5246 names handshake_failure
    return client == expected and app == "nothing" and record.get("event") == "refused" \
        and record.get("alert") == expected and record.get("reason")


def paint(code, text):
    return f"\033[{code}m{text}\033[0m" if COLOUR else text


def print_table(rows):
    head = ("CLIENT", "LEVEL", "EXPECTED", "CLIENT SAW", "APP SAW", "VERDICT'S REASON")
    widths = [max(len(str(row[i])) for row in [head] + [r for r, _ in rows]) for i in range(len(head) - 1)]
    line = lambda row: "  ".join(str(c).ljust(w) for c, w in zip(row, widths)) + "  " + row[-1]
    print("   " + paint(1, line(head)))
    for row, right in rows:
        print((paint(32, "✓") if right else paint(31, "✗")) + "  " + line(row))


def show_witness():
    """A session held open, as the kernel and bpftool see it. True: it is in the kernel."""
    holder = subprocess.Popen(peer_command("good", "good", "medium", "sleep:8000"),
                              stdout=subprocess.DEVNULL)
    for _ in range(100):
        if json.loads(tool("sessions", "--json", "--run", f"{DIR}/run").stdout or "[]"):
            break
        time.sleep(0.1)
    ss = subprocess.run(["ss", "-Htin", f"sport = :{PORT}"], capture_output=True, text=True).stdout
    witness = re.findall(r"tcp-ulp-tls.*?rxconf: \S+ txconf: \S+", ss)
    print("\nA good session is in the kernel (ss -ti):")
    print("  " + ("\n  ".join(witness) or "no: " + ss))
    print(f"\nbpftool map dump pinned {PINS}/sessions")
    print(subprocess.run(["bpftool", "map", "dump", "pinned", f"{PINS}/sessions"],
                         capture_output=True, text=True).stdout)
    print("linewarden sessions")
    print(tool("sessions", "--run", f"{DIR}/run").stdout)
    print("linewarden status")
    print(tool("status", "--run", f"{DIR}/run").stdout)
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    return any("rxconf: sw txconf: sw" in line for line in witness)


def main():
    os.chmod(DIR, 0o755)
    copy_pki()
    print("Starting linewardend, and python's http.server behind it ...", flush=True)
    daemon = start_daemon(configuration())
    server = start_server()
    rows = []
    for number, (name, certificate, level, expected) in enumerate(ROWS):
        client, app, record = try_client(number, name, certificate, level)
        right = as_expected(expected, client, app, record)
        shown = f"{LEVEL_OF_PHONES} (phones)" if level == "phones" else level
        rows.append(((name, shown, expected, client, app, record.get("reason", "no record")), right))
    print()
    print_table(rows)
    in_kernel = show_witness()
    for process in (server, daemon):
        process.terminate()
        process.wait()
    wrong = sum(not right for _, right in rows) + (not in_kernel)
    if wrong:
        print(open(f"{DIR}/daemon.log").read())
        sys.exit(f"{wrong} of {len(rows) + 1} are not as expected")
    print(f"All {len(rows)} clients as expected, and the session is in the kernel.")


try:
    main()
finally:
    shutil.rmtree(DIR)
