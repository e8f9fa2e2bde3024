# SPDX-License-Identifier: Apache-2.0
"""From records to tables, ratios, bars and the chart. Nothing here measures, or reads a clock.

A record has scenario and subject, and either figure and unit or the reason why there is none.
"""

OURS = ("adopted", "relay", "fallback")
PEERS = ("nginx", "haproxy", "stunnel", "hitch")
FLOORS = ("plain TCP", "OpenSSL loop")
ORDER = OURS + PEERS + FLOORS

TITLES = {
    "handshake-ecdsa-repeated": "Full mutual handshake and one byte there and back, ECDSA P-256, the same peer again",
    "handshake-ecdsa-first": "Full mutual handshake and one byte there and back, ECDSA P-256, a peer seen for the first time",
    "handshake-rsa-repeated": "Full mutual handshake and one byte there and back, RSA 2048, the same peer again",
    "handshake-rsa-first": "Full mutual handshake and one byte there and back, RSA 2048, a peer seen for the first time",
    "up-16384": "Bulk from the client to the app, writes of 16 KiB",
    "down-16384": "Bulk from the app to the client, writes of 16 KiB",
    "up-600": "Bulk from the client to the app, writes of 600 bytes",
    "down-600": "Bulk from the app to the client, writes of 600 bytes",
    "idle-guest-400": "Memory (PSS) for each idle connection, 400 of them, in the guest",
    "idle-native-1000": "Memory (PSS) for each idle connection, 1,000 of them, natively",
    "round-trip": "600 bytes there and back",
}
UNITS = {  # unit -> what a table shows, divided by
    "instructions": ("M instructions", 1e6),
    "instructions/MB": ("k instructions/MB", 1e3),
    "instructions/trip": ("k instructions", 1e3),
    "ns": ("us", 1e3),
    "B": ("kB", 1024),
}

BARS = (  # scenario, subject, at most: the ratio to the best peer
    ("handshake-ecdsa-repeated", "adopted", 0.80), ("handshake-ecdsa-repeated", "relay", 0.80),
    ("handshake-ecdsa-first", "adopted", 1.00), ("handshake-ecdsa-first", "relay", 1.00),
    ("up-16384", "adopted", 0.58), ("down-16384", "adopted", 0.70),
    ("up-16384", "relay", 0.80), ("down-16384", "relay", 0.78),
    ("round-trip", "adopted", 0.43), ("round-trip", "relay", 0.82),
    ("idle-guest-400", "adopted", 0.04), ("idle-guest-400", "relay", 0.15),
)


def group(records):
    """{scenario: {subject: record}}, in the order in which they came."""
    scenarios = {}
    for record in records:
        scenarios.setdefault(record["scenario"], {})[record["subject"]] = record
    return scenarios


def best_peer(rows):
    """The peer with the smallest figure, and that; None where no peer has one."""
    figures = [(rows[name]["figure"], name) for name in PEERS if "figure" in rows.get(name, {})]
    return min(figures)[::-1] if figures else None


def ratio(rows, subject):
    """Of the subject's figure to the best peer's; None where one of them is missing."""
    best = best_peer(rows)
    if not best or "figure" not in rows.get(subject, {}) or best[1] == 0:
        return None
    return rows[subject]["figure"] / best[1]


def bars(scenarios):
    """(scenario, subject, limit, ratio, holds); ratio and holds None where it was not measured."""
    for scenario, subject, limit in BARS:
        if scenario in scenarios:
            found = ratio(scenarios[scenario], subject)
            yield scenario, subject, limit, found, None if found is None else found <= limit


def align(rows):
    """Columns as wide as they need: the first to the left, numbers to the right, the last free."""
    widths = [max(len(row[i]) for row in rows if i < len(row)) for i in range(max(map(len, rows)))]
    for row in rows:
        cells = [cell.ljust(width) if i in (0, len(widths) - 1) else cell.rjust(width)
                 for i, (cell, width) in enumerate(zip(row, widths))]
        yield "  ".join(cells).rstrip()


def table(scenario, rows, paint=lambda code, text: text):
    """One scenario's lines."""
    named = [name for name in ORDER if name in rows] + [name for name in rows if name not in ORDER]
    unit = next((row["unit"] for row in rows.values() if "unit" in row), "")
    shown, scale = UNITS.get(unit, (unit, 1))
    best = best_peer(rows)
    cells = [("", shown, "to the best peer", "")]
    for name in named:
        row = rows[name]
        if "figure" not in row:
            cells.append((name, "-", "-", row["reason"].replace("\n", " ")))
            continue
        found = ratio(rows, name)
        note = "the best peer" if best and name == best[0] else row.get("note", "")
        cells.append((name, f"{row['figure'] / scale:.2f}", "-" if found is None else f"{found:.2f}",
                      note))
    lines = list(align(cells))
    return [paint(1, TITLES.get(scenario, scenario))] + ["  " + line for line in lines]


def bar_lines(scenarios, paint=lambda code, text: text):
    """Which bars hold."""
    marks = {True: paint(32, "holds"), False: paint(31, "missed"), None: "not measured"}
    cells = [(f"{scenario} {subject}", f"<= {limit:.2f}", "-" if found is None else f"{found:.2f}",
              marks[holds]) for scenario, subject, limit, found, holds in bars(scenarios)]
    return list(align(cells)) if cells else []
