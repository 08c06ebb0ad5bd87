#!/usr/bin/env python3
"""Counts the tests of a Swift Testing run and prints `N passed, N failed` as the last line.

    count_tests.py FOLDER STATUS EXTRA_FAILURES

FOLDER holds NAME.log and NAME.xml of every run. STATUS is the exit status of `swift test`, or
`build` when the build failed. The xunit file is
written only at a run's end; without it (a crash) the log's lines are counted, and each test that
started and did not end counts as failed. Whatever else went wrong is at least one failure.
"""

import pathlib
import re
import sys
import xml.etree.ElementTree

ENDED = re.compile(r"^\W*Test (?!run with|case passing)(.+?) (passed|failed) after [\d.]+ seconds")
# "Test run started." and the cases of a parameterized test are not tests of their own.
STARTED = re.compile(r"^\W*Test (?!run started|case passing)(.+?) started\.$")


def from_xunit(path):
    """The passed and failed tests, or None without a complete file."""
    try:
        root = xml.etree.ElementTree.parse(path).getroot()
    except (OSError, xml.etree.ElementTree.ParseError):
        return None
    cases = list(root.iter("testcase"))
    skipped = sum(case.find("skipped") is not None for case in cases)
    failed = sum(case.find("failure") is not None or case.find("error") is not None
                 for case in cases)
    return len(cases) - skipped - failed, failed


def from_log(path):
    """Counts ended tests; tests that started and never ended are failures."""
    started, passed, failed = [], 0, 0
    try:
        with open(path, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if match := STARTED.match(line.rstrip()):
                    started.append(match[1])
                elif match := ENDED.match(line):
                    name = re.sub(r" with \d+ test cases?$", "", match[1])
                    passed += match[2] == "passed"
                    failed += match[2] == "failed"
                    if name in started:
                        started.remove(name)
    except OSError:
        pass
    for name in started:
        print(f"did not end: {name}")
    return passed, failed + len(started)


def count(folder):
    """The passed and failed tests of all runs in the folder."""
    passed = failed = 0
    for log in sorted(folder.glob("*.log")):
        run = from_xunit(log.with_suffix(".xml")) or from_log(log)
        passed, failed = passed + run[0], failed + run[1]
    return passed, failed


def main():
    folder, status, extra = sys.argv[1:]
    if status == "build":
        passed, failed = 0, 1
    else:
        passed, failed = count(pathlib.Path(folder))
        if failed == 0 and (status != "0" or passed == 0):
            print(f"swift test ended with status {status} after {passed} passed tests")
            failed = 1
    failed += int(extra)
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
