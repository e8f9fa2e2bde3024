#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""usage: tests/stage tests/bench/measure.py BUILD PKI SCENARIO...

Runs the scenarios against every subject, in turns, here: in a guest that counts instructions, or
natively. Prints a line of JSON for each figure, or for the reason why there is none; other lines
are progress.
"""

import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import subjects as subjects_  # noqa: E402

GUEST = bool(os.environ.get("LINEWARDEN_VM"))
WARM_UP = 8


def say(text):
    print(text, flush=True)


def record(**fields):
    print(json.dumps(fields), flush=True)


class Run:
    """The subjects of one site, and the client's certificates that are not used up yet."""

    def __init__(self, build, pki, identity, clients):
        self.build = build
        self.site = subjects_.Site(build, pki, identity, clients)
        self.missing = {}
        self.used = {}  # daemons remember certificates: each subject is shown others
        say(f"starting the subjects ({identity})")
        self.subjects = subjects_.start_all(self.site, self.missing.__setitem__)
        for name, reason in self.missing.items():
            say(f"no {name}: {reason}")

    def command(self, subject, what, *options):
        command = [f"{self.build}/tests/bench/load", *map(str, options)]
        if not subject.plain:
            command += ["--certs", self.site.certificates, "--chain", self.site.chain]
        return command + [what, f"127.0.0.1:{subject.port}"]

    def load(self, subject, what, *options):
        """What one run of the client took; the subject's and the app's share beside it."""
        before = subject.cpu_time()
        run = subprocess.run(self.command(subject, what, *options), capture_output=True, text=True,
                             timeout=600, check=False)
        if run.returncode != 0:
            raise subjects_.Missing(f"the client failed: {run.stderr.strip()[-300:]}")
        result = json.loads(run.stdout)
        result["subject"] = subject.cpu_time() - before
        return result

    def fresh(self, subject, count):
        """The next certificates that this subject has not seen. Two lines of a daemon share one cache."""
        start = 200 if subject.name == "relay" else 0
        first = self.used.get(subject.name, start)
        self.used[subject.name] = first + count
        return first

    def interleave(self, scenario, rounds, warm_up, work, skip=()):
        """work(subject) of every subject, in turns; yields subject and its results."""
        chosen = [s for s in self.subjects if s.name not in skip]
        results, failed = {s.name: [] for s in chosen}, {}
        for turn in range(-1, rounds):
            say(f"{scenario}: " + ("warming up" if turn < 0 else f"round {turn + 1} of {rounds}"))
            for subject in chosen:
                if subject.name in failed:
                    continue
                try:
                    if turn < 0:
                        warm_up(subject)
                    else:
                        results[subject.name].append(work(subject))
                except (subjects_.Missing, subprocess.TimeoutExpired) as reason:
                    failed[subject.name] = str(reason)
        for name, reason in {**self.missing, **failed}.items():
            if name not in skip:
                record(scenario=scenario, subject=name, reason=reason)
        for subject in chosen:
            if subject.name not in failed:
                yield subject, results[subject.name]


def median(values):
    values = sorted(values)
    middle = len(values) // 2
    return values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2


# --- scenarios ------------------------------------------------------------------------------

def handshake(run, kind):
    count, rounds = (16, 3) if GUEST else (100, 5)
    for how in ("repeated", "first"):
        scenario = f"handshake-{kind}-{how}"

        def options(subject, number, how=how):
            if how == "repeated":
                return ["--repeat", "--first", 0, "--count", number]
            return ["--first", run.fresh(subject, number), "--count", number]

        skip = ("plain TCP",)
        for subject, results in run.interleave(
                scenario, rounds,
                lambda s: run.load(s, "handshake", *options(s, WARM_UP)),
                lambda s: run.load(s, "handshake", *options(s, count)), skip):
            figures = [(r["busy"] if GUEST else r["subject"]) / count for r in results]
            record(scenario=scenario, subject=subject.name, figure=median(figures),
                   unit="instructions" if GUEST else "ns", rounds=figures,
                   client=median(r["own"] / count for r in results),
                   subject_share=median(r["subject"] / count for r in results),
                   wall=median(r["wall"] / count for r in results),
                   p50=median(r["p50"] for r in results), p99=median(r["p99"] for r in results),
                   tickets=sum(r["tickets"] for r in results))


SITES = {  # identity and clients, and what is measured with them
    "ecdsa": ("server", "good", {"handshake": lambda run: handshake(run, "ecdsa")}),
    "rsa": ("server-rsa", "good-rsa", {"handshake": lambda run: handshake(run, "rsa")}),
}


def main():
    build, pki, wanted = sys.argv[1], sys.argv[2], sys.argv[3:]
    for identity, clients, scenarios in SITES.values():
        chosen = [scenarios[name] for name in scenarios if name in wanted]
        if not chosen:
            continue
        run = Run(build, pki, identity, clients)
        try:
            for scenario in chosen:
                scenario(run)
        finally:
            run.site.stop()


if __name__ == "__main__":
    main()
