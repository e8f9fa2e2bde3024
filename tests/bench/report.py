# SPDX-License-Identifier: Apache-2.0
"""From records to tables, ratios, bars and the chart. Nothing here measures, or reads a clock.

A record has scenario and subject, and either figure and unit or the reason why there is none.
"""

import html

OURS = ("adopted", "relay", "fallback")
PEERS = ("nginx", "haproxy", "stunnel", "hitch")
FLOORS = ("plain TCP", "plain relay", "OpenSSL loop")
ORDER = OURS + PEERS + FLOORS

TITLES = (  # how a scenario's name begins, or all of it; what is left of it is appended
    ("handshake-ecdsa-repeated", "Full mutual handshake and a byte there and back, ECDSA P-256, repeated peer"),
    ("handshake-ecdsa-first", "Full mutual handshake and a byte there and back, ECDSA P-256, peer seen first"),
    ("handshake-rsa-repeated", "Full mutual handshake and a byte there and back, RSA 2048, repeated peer"),
    ("handshake-rsa-first", "Full mutual handshake and a byte there and back, RSA 2048, peer seen first"),
    ("up-", "Bulk from the client to the app, bytes a write:"),
    ("down-", "Bulk from the app to the client, bytes a write:"),
    ("round-trip", "600 bytes there and back"),
    ("idle-", "Memory (PSS) for each idle connection:"),
    ("kernel-", "The kernel's memory for each idle connection, the client's and the app's end included:"),
    ("latency-", "Latency:"),
    ("scale-", "Beside live sessions:"),
    ("reverify-", "Live sessions judged again, for each:"),
    ("programs-", "BPF programs, each run:"),
    ("decision", "The decision on a certificate"),
    ("classification", "Which line a connection is of"),
    ("accept-", "accept(), natively:"),
)
UNITS = {  # unit -> what a table shows, divided by
    "instructions": ("M instructions", 1e6),
    "instructions/MB": ("k instructions/MB", 1e3),
    "instructions/trip": ("k instructions", 1e3),
    "instructions/decision": ("k instructions", 1e3),
    "instructions/run": ("instructions", 1),
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

ACCEPT_LIMIT = 30000  # ns that adoption may add to an accept, median


CHART_NAMES = {
    "handshake-ecdsa-repeated": "handshake, ECDSA",
    "handshake-ecdsa-first": "first handshake, ECDSA",
    "handshake-rsa-repeated": "handshake, RSA 2048",
    "up-16384": "bulk to the app",
    "down-16384": "bulk from the app",
    "round-trip": "600 B there and back",
    "idle-guest-400": "memory, idle",
}


def title(scenario):
    for name, text in TITLES:
        if scenario.startswith(name):
            return f"{text} {scenario[len(name):].lstrip('-')}".rstrip()
    return scenario


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
    return [paint(1, title(scenario))] + ["  " + line for line in lines]


def bar_lines(scenarios, paint=lambda code, text: text):
    """Which bars hold."""
    marks = {True: paint(32, "holds"), False: paint(31, "missed"), None: "not measured"}
    cells = [(f"{scenario} {subject}", f"<= {limit:.2f}", "-" if found is None else f"{found:.3f}",
              marks[holds]) for scenario, subject, limit, found, holds in bars(scenarios)]
    for scenario, rows in scenarios.items():
        if scenario.startswith("accept-") and "figure" in rows.get("adopted", {}):
            more = rows["adopted"]["figure"] - rows["plain"]["figure"]
            cells.append((f"{scenario} adopted", f"<= +{ACCEPT_LIMIT / 1000:.0f} us",
                          f"{more / 1000:+.1f} us", marks[more <= ACCEPT_LIMIT]))
    return list(align(cells)) if cells else []


def chart(scenarios):
    """The ratios as an SVG: a row for each scenario and subject of ours; the best peer is the line at 1."""
    rows = []
    for scenario in ("handshake-ecdsa-repeated", "handshake-ecdsa-first", "handshake-rsa-repeated",
                     "up-16384", "down-16384", "round-trip", "idle-guest-400"):
        found = [(name, ratio(scenarios.get(scenario, {}), name)) for name in ("adopted", "relay")]
        found = [(name, value) for name, value in found if value is not None]
        if found:
            rows.append((CHART_NAMES[scenario], found))
    left, wide, line = 250, 420, 22
    most = max([1.25] + [value for _, found in rows for _, value in found])
    high = 40 + sum(line * len(found) + 14 for _, found in rows)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + wide + 60} {high + 30}" '
           f'font-family="sans-serif" font-size="13">',
           '<title>Cost in relation to the best of nginx, HAProxy, stunnel and hitch</title>',
           f'<rect width="{left + wide + 60}" height="{high + 30}" fill="#ffffff"/>']
    y = 40
    for name, found in rows:
        out.append(f'<text x="{left - 70}" y="{y + 16}" text-anchor="end" fill="#222222">'
                   f'{html.escape(name)}</text>')
        for subject, value in found:
            colour = {"adopted": "#2a6f97", "relay": "#61a5c2"}[subject]
            width = max(1.5, wide * value / most)
            out.append(f'<text x="{left - 8}" y="{y + 15}" text-anchor="end" fill="#666666" '
                       f'font-size="11">{subject}</text>')
            out.append(f'<rect x="{left}" y="{y + 2}" width="{width:.1f}" height="{line - 6}" '
                       f'fill="{colour}"/>')
            out.append(f'<text x="{left + width + 6:.1f}" y="{y + 15}" fill="#222222">{value:.2f}</text>')
            y += line
        y += 14
    one = left + wide / most
    out.append(f'<line x1="{one:.1f}" y1="30" x2="{one:.1f}" y2="{high}" stroke="#c1121f" '
               'stroke-dasharray="4 3"/>')
    out.append(f'<text x="{one:.1f}" y="22" text-anchor="middle" fill="#c1121f">best peer</text>')
    out.append(f'<text x="{left}" y="{high + 18}" fill="#666666" font-size="11">'
               'cost in relation to the best of four peers; shorter is cheaper</text>')
    return "\n".join(out + ["</svg>", ""])
