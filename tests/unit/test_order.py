"""Long modules begin each worker's share, and stay whole."""

from __future__ import annotations

import random

from tests.support.order import in_shares


def test_each_share_begins_with_what_takes_long() -> None:
    tests = [("browser", f"test_{module}.py", n) for module in "abcd" for n in range(5)]
    tests += [("integration", f"test_{module}.py", n) for module in "efgh" for n in range(20)]
    tests += [("integration", "test_benchmarks.py", n) for n in range(3)]
    modules = {test[:2] for test in tests}
    random.shuffle(tests)
    ordered = in_shares(tests, 2, lambda test: test[:2])
    assert sorted(ordered) == sorted(tests)
    for module in modules:
        of_it = [test for test in ordered if test[:2] == module]
        assert of_it == [test for test in tests if test[:2] == module]
    half = len(tests) // 2
    shares = [[test[:2] for test in share] for share in (ordered[:half], ordered[half:])]
    long = {("integration", "test_benchmarks.py")} | {m for m in modules if m[0] == "browser"}
    for share in shares:
        heads = list(dict.fromkeys(share))
        count = sum(module in long for module in heads)
        assert set(heads[:count]) <= long
        assert count in (2, 3)
    for module in long:
        assert (module in shares[0]) is not (module in shares[1])


def test_nothing_but_long_tests_and_one_worker_are_fine() -> None:
    tests = [("browser", f"test_{module}.py", n) for module in "abc" for n in range(4)]
    for workers in (1, 2, 3, 20):
        assert sorted(in_shares(tests, workers, lambda test: test[:2])) == sorted(tests)
