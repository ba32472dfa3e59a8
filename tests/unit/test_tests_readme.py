"""tests/README.md shows the example that is run."""

from __future__ import annotations

from pathlib import Path

TESTS = Path(__file__).parents[1]


def test_the_example_is_the_one_that_is_run() -> None:
    readme = (TESTS / "README.md").read_text("utf-8")
    shown = readme.split("<!-- example -->\n```python\n")[1].split("```\n<!-- end -->")[0]
    assert shown == (TESTS / "integration" / "test_example.py").read_text("utf-8")


def test_what_it_names_is_there() -> None:
    readme = (TESTS / "README.md").read_text("utf-8")
    folders = [line.split("`")[1] for line in readme.splitlines() if line.startswith("| `")]
    for name in folders:
        if name.endswith("/"):
            assert (TESTS / name).is_dir(), name
    for name in ("test_counts.py", "test_holes.py", "test_restart.py"):
        assert name in readme
        assert (TESTS / "integration" / name).is_file()
