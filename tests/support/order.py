"""Which test comes when, so that no worker is left alone with a long one at the end.

xdist's worksteal gives each worker an equal share of the tests, in their order, and an idle worker
takes from the end of another's. So each share begins with the modules that take long, which then
stay whole, with what their tests share (a build of the site, people in browsers); what is quick and
shares nothing is at the end, to be taken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

Test = TypeVar("Test")

#: About what a test takes, in seconds of CPU, by its folder or file. Of others: next to nothing.
SECONDS: Final = {
    "browser": 2.5,
    "simulation": 1.0,
    "test_cut_connections.py": 13.0,
    "test_crowd.py": 12.0,
    "test_faults.py": 15.0,
    "test_restart.py": 10.0,
    "test_benchmarks.py": 8.0,
    "test_packaged.py": 9.0,
    "test_withdrawal_cut_off.py": 7.0,
    "test_run_on_localstack.py": 10.0,
    "test_any_app.py": 4.0,
    "test_apps_that_do_not_start.py": 4.0,
    "test_match_counts.py": 4.0,
    "test_measured_counts.py": 3.0,
    "test_log_privacy.py": 2.5,
    "test_permissions.py": 2.0,
}


def in_shares(
    tests: Sequence[Test], workers: int, module_of: Callable[[Test], tuple[str, ...]]
) -> list[Test]:
    """The same tests, ordered for so many workers.

    Args:
        tests: those of a module are kept in their order.
        workers: how many there are.
        module_of: the parts of the path of a test's module.
    """
    modules: dict[tuple[str, ...], list[Test]] = {}
    for test in tests:
        modules.setdefault(module_of(test), []).append(test)
    weights = {
        path: len(modules[path]) * max(SECONDS.get(part, 0.0) for part in path) for path in modules
    }
    shares: list[list[Test]] = [[] for _ in range(workers)]
    loads = [0.0] * workers
    # The heaviest first, each to who has least by then.
    for path in sorted(modules, key=lambda path: -weights[path]):
        if weights[path]:
            least = loads.index(min(loads))
            shares[least] += modules[path]
            loads[least] += weights[path]
    quick = [test for path, module in modules.items() if not weights[path] for test in module]
    left = len(tests)
    for number, share in enumerate(shares):
        # As large as xdist makes it.
        size = left // (workers - number)
        missing = max(0, size - len(share))
        share += quick[:missing]
        del quick[:missing]
        left -= size
    return [test for share in shares for test in share] + quick
