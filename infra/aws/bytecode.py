"""Bytecode for the package: Lambda can't keep what it compiles, so it would at each cold start.

Compiling is two thirds of an import (docs/decisions/0020-cold-start.md). What is made here is
*unchecked hash-based* bytecode (PEP 552): Python loads it without looking at the source's time,
which a zip does not keep. Only the version of Python that made it can load it, and the template's
Runtime is that version, as Chalice takes it from the same interpreter.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from infra.errors import InfraError

#: Where Lambda unpacks the code; tracebacks name the files by it.
CODE_DIR: Final = "/var/task"

#: Run by an interpreter without site, user's settings and environment: which strings of a
#: module are marshalled as references depends on what else the process has interned.
_COMPILE: Final = """
import json, py_compile, sys
for source, target, name in json.load(sys.stdin):
    py_compile.compile(
        source, target, name, doraise=True,
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )
"""


def with_bytecode(files: Mapping[str, bytes], is_ours: Callable[[str], bool]) -> dict[str, bytes]:
    """A package's files with bytecode; the same files and interpreter give the same bytes.

    Args:
        files: content by name.
        is_ours: whether a file is the app's own. Those keep their source beside the bytecode,
            for the console and for tracebacks; of libraries the bytecode alone is half as much
            to fetch and unpack (PEP 3147, "Legacy pyc files").

    Raises:
        InfraError: a file does not compile.
    """
    sources = {name: content for name, content in files.items() if name.endswith(".py")}
    compiled = {
        _cached_name(name) if is_ours(name) else f"{name}c": bytecode
        for name, bytecode in _compiled(sources).items()
    }
    kept = {name: files[name] for name in files if name not in sources or is_ours(name)}
    return kept | compiled


def _compiled(sources: Mapping[str, bytes]) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as directory:
        tasks, targets = [], {}
        for number, name in enumerate(sorted(sources)):
            source, target = Path(directory, f"{number}.py"), Path(directory, f"{number}.pyc")
            source.write_bytes(sources[name])
            tasks.append((str(source), str(target), f"{CODE_DIR}/{name}"))
            targets[name] = target
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-B", "-c", _COMPILE],
            input=json.dumps(tasks),
            env={"PYTHONHASHSEED": "0"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise InfraError(f"a file cannot be compiled:\n{done.stderr.strip()}")
        return {name: target.read_bytes() for name, target in targets.items()}


def _cached_name(name: str) -> str:
    """Where Python looks for the bytecode of a file that is there (PEP 3147)."""
    folder, _, file = name.rpartition("/")
    cached = f"__pycache__/{file.removesuffix('.py')}.{sys.implementation.cache_tag}.pyc"
    return f"{folder}/{cached}" if folder else cached
