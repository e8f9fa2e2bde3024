#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What `make bench` runs: the measurements in a guest and natively, the tables, bench.json.

usage: tests/bench/bench.py [--only SCENARIO[,SCENARIO...]] [--where guest|native] [--kernel NAME]
       tests/bench/bench.py --chart FILE
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import report  # noqa: E402

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
IN_GUEST = ("handshake", "bulk", "round-trip", "idle", "programs", "decision")
NATIVE = ("handshake", "latency", "accept", "idle")  # instructions do not tell these, or not all
SCENARIOS = tuple(dict.fromkeys(IN_GUEST + NATIVE))
COLOUR = sys.stdout.isatty() and "NO_COLOR" not in os.environ
CLIENTS = 600  # certificates of each kind; see Run.fresh()


def paint(code, text):
    return f"\033[{code}m{text}\033[0m" if COLOUR else text


def progress(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def make_pki(build):
    """Made here: keys are slow to make in a guest."""
    pki = f"{build}/tests/bench/pki"
    mkpki = [f"{build}/tests/pki/mkpki", pki]
    progress("making the certificates")
    subprocess.run(mkpki, check=True)
    for kind in ("good", "good-rsa"):
        subprocess.run([*mkpki, kind, f"x{CLIENTS}"], check=True)
    return pki


def measure(where, command):
    """The records that a measurement prints; its other lines are progress."""
    records, began = [], time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=TOP) as process:
        for line in process.stdout:
            if line.startswith("{"):
                records.append(json.loads(line))
            else:
                progress(f"{where} {time.monotonic() - began:4.0f} s: {line.rstrip()}")
    if process.returncode != 0:
        progress(f"{where}: ended with status {process.returncode}; what it had measured is below")
    return records


def first_line(command):
    try:
        run = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return next(iter((run.stdout + run.stderr).splitlines()), "").strip()


def versions():
    packages = ("nginx", "libnginx-mod-stream", "haproxy", "stunnel4", "hitch", "libssl3",
                "libssl3t64", "qemu-system-x86")
    found = {}
    for name in packages:
        version = first_line(["dpkg-query", "-W", "-f", "${Version}", name])
        if version and not version.startswith("dpkg-query"):
            found[name] = version
    return found


def environment(kernel):
    with open("/proc/cpuinfo") as file:
        cpu = dict(line.split(":", 1) for line in file.read().split("\n\n")[0].splitlines() if ":" in line)
    cpu = {key.strip(): value.strip() for key, value in cpu.items()}
    return {
        "commit": first_line(["git", "-C", TOP, "describe", "--always", "--dirty", "--abbrev=12"]),
        "versions": versions(),
        "guest-kernel": kernel,
        "kernel": platform.release(),
        "processor": cpu.get("model name"),
        "processors": os.cpu_count(),
        "cpu-flags": cpu.get("flags", "").split(),
    }


def draw(build, path):
    try:
        with open(f"{build}/bench.json") as file:
            records = json.load(file)["results"]
    except OSError as error:
        sys.exit(f"bench: {error}; make bench measures")
    with open(path, "w") as file:
        file.write(report.chart(report.group(records)))


def main():
    parser = argparse.ArgumentParser(description="Measures Linewarden beside other servers.")
    parser.add_argument("--only", default="", help="these of: " + " ".join(SCENARIOS))
    parser.add_argument("--where", choices=("guest", "native", "both"), default="both")
    parser.add_argument("--chart", metavar="FILE", help="draw the ratios of bench.json there; measure nothing")
    parser.add_argument("--kernel", default="6.1", help="of the guest")
    options = parser.parse_args()
    wanted = options.only.replace(",", " ").split() or list(SCENARIOS)
    for name in wanted:
        if name not in SCENARIOS:
            parser.error(f"no such scenario: {name} (there are {', '.join(SCENARIOS)})")
    build = os.path.realpath(os.environ.get("O", "build"))
    if options.chart:
        draw(build, options.chart)
        return
    began = time.monotonic()
    pki = make_pki(build)
    records = []
    guest = [name for name in wanted if name in IN_GUEST and options.where != "native"]
    native = [name for name in wanted if name in NATIVE and options.where != "guest"]
    if guest:
        records += measure("guest", ["tests/vm/run", "--kernel", options.kernel, "--icount",
                                     "--mem", "2048", "--timeout", "1800", "--", "tests/stage",
                                     "tests/bench/measure.py", build, pki, *guest])
    if native:
        records += measure("native", ["tests/stage", "tests/bench/measure.py", build, pki, *native])
    scenarios = report.group(records)
    for scenario, rows in scenarios.items():
        print("\n" + "\n".join(report.table(scenario, rows, paint)))
    lines = report.bar_lines(scenarios, paint)
    if lines:
        print("\n" + paint(1, "Bars") + "\n  " + "\n  ".join(lines))
    with open(f"{build}/bench.json", "w") as file:
        json.dump({**environment(options.kernel), "seconds": round(time.monotonic() - began),
                   "results": records}, file, indent=1)
    print(f"\n{build}/bench.json has all of it; {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
