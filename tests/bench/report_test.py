#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The arithmetic and the form of what make bench prints; nothing is measured."""

import os
import sys
import xml.etree.ElementTree as ElementTree

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import measure  # noqa: E402
import report  # noqa: E402


def rows(scenario="up-16384", **figures):
    """Records of one scenario; a text is a reason why there is no figure."""
    return [{"scenario": scenario, "subject": name, "reason": value} if isinstance(value, str) else
            {"scenario": scenario, "subject": name, "figure": value, "unit": "instructions/MB"}
            for name, value in figures.items()]


def of(records):
    return report.group(records)[records[0]["scenario"]]


def test_ratio_is_to_the_best_peer_that_has_a_figure():
    table = of(rows(adopted=290.0, nginx=600.0, haproxy=500.0, stunnel="gone"))
    assert report.best_peer(table) == ("haproxy", 500.0)
    assert report.ratio(table, "adopted") == 0.58
    assert report.ratio(table, "haproxy") == 1
    assert report.ratio(table, "stunnel") is None
    assert report.ratio(table, "relay") is None


def test_no_peer_no_ratio():
    table = of(rows(adopted=290.0, nginx="gone"))
    assert report.best_peer(table) is None
    assert report.ratio(table, "adopted") is None
    assert "gone" in "\n".join(report.table("up-16384", table))


def test_a_bar_holds_at_its_limit_and_not_above():
    for figure, holds in ((58.0, True), (58.1, False), ("gone", None)):
        found = [bar for bar in report.bars(report.group(rows(adopted=figure, nginx=100.0)))
                 if bar[1] == "adopted"]
        assert [bar[4] for bar in found] == [holds], found


def test_a_scenario_that_was_not_run_has_no_bar():
    assert [bar[0] for bar in report.bars(report.group(rows(adopted=1.0, nginx=1.0)))] == ["up-16384"] * 2


def test_accept_is_compared_with_plain():
    for more, word in ((30000.0, "holds"), (30001.0, "missed")):
        scenarios = report.group(rows("accept-level", plain=5000.0, adopted=5000.0 + more))
        assert report.bar_lines(scenarios)[0].endswith(word)


def test_columns_are_aligned_and_every_reason_is_shown():
    lines = report.table("up-16384", of(rows(adopted=1234567.0, nginx=9000.0, hitch="no such\nprogram")))
    ends = {line.index(word) + len(word) for line, word in zip(lines[2:4], ("1234.57", "9.00"))}
    assert len(ends) == 1, lines
    assert "no such program" in lines[-1] and " - " in lines[-1]
    assert not any("\033" in line for line in lines)


def test_chart_is_xml_with_a_bar_for_each_ratio():
    records = rows(adopted=58.0, relay=80.0, nginx=100.0) + rows("round-trip", adopted="gone", nginx=1.0)
    root = ElementTree.fromstring(report.chart(report.group(records)))
    space = "{http://www.w3.org/2000/svg}"
    texts = [text.text for text in root.iter(f"{space}text")]
    assert "0.58" in texts and "0.80" in texts and len(list(root.iter(f"{space}rect"))) == 3
    ElementTree.fromstring(report.chart({}))


def test_median():
    assert measure.median([3, 1, 2]) == 2
    assert measure.median([4, 1, 2, 3]) == 2.5


def main():
    tests = [(name, value) for name, value in globals().items() if name.startswith("test_")]
    failed = 0
    print(f"KTAP version 1\n1..{len(tests)}")
    for number, (name, test) in enumerate(tests, 1):
        try:
            test()
            print(f"ok {number} {name[5:]}")
        except Exception as error:  # whatever it is, it is this test's
            failed += 1
            print(f"# {type(error).__name__}: {error}")
            print(f"not ok {number} {name[5:]}")
    sys.exit(failed > 0)


main()
