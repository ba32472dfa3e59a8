"""How much a browser loads before it shows anything."""

from __future__ import annotations

import gzip
import re
from pathlib import Path


def first_load_kb(site: Path) -> float:
    """KB of the scripts and style sheets that index.html names, each gzipped."""
    page = (site / "index.html").read_text(encoding="utf-8")
    files = set(re.findall(r'(?:src|href)="/([^"]+\.(?:js|css))"', page))
    return round(sum(len(gzip.compress((site / file).read_bytes())) for file in files) / 1000, 1)
