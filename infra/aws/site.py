"""Uploads the built site so that nobody ever gets a page whose assets are missing.

Assets have a hash of their content in their names and never change: they go first, and
those of earlier releases stay, for browsers that still have the old page. The page goes last.
"""

from __future__ import annotations

import mimetypes
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from infra.errors import InfraError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

IMMUTABLE: Final = "public, max-age=31536000, immutable"
#: May be kept, but only used after asking whether it is still the same.
REVALIDATED: Final = "no-cache"

#: Where the build puts what has a hash in its name (Vite's default).
HASHED: Final = "assets/"

PAGE: Final = "index.html"

#: What mimetypes does not know everywhere.
TYPES: Final = {
    ".js": "text/javascript",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}


def cache_control(name: str) -> str:
    """How long browsers and CloudFront may keep a file of the site, by its name."""
    return IMMUTABLE if name.startswith(HASHED) else REVALIDATED


def content_type(name: str) -> str:
    """The media type of a file of the site, with the charset where there is one."""
    suffix = Path(name).suffix
    found = TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    is_text = found.startswith("text/") or found in ("application/json", TYPES[".webmanifest"])
    return f"{found}; charset=utf-8" if is_text else found


def in_upload_order(site_dir: Path) -> Iterator[str]:
    """Names of the site's files: hashed assets, then the others, then index.html.

    Raises:
        InfraError: the site is not built.
    """
    if not (site_dir / PAGE).is_file():
        raise InfraError(f"{site_dir / PAGE} is missing: build the site first")
    names = [
        path.relative_to(site_dir).as_posix()
        for path in sorted(site_dir.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    ]
    yield from sorted(names, key=lambda name: (name == PAGE, not name.startswith(HASHED), name))


def upload(
    s3: S3Client, bucket: str, site_dir: Path, *, report: Callable[[str], None] = lambda line: None
) -> None:
    """Upload the site.

    Raises:
        InfraError: the site is not built.
    """
    for name in in_upload_order(site_dir):
        s3.put_object(
            Bucket=bucket,
            Key=name,
            Body=(site_dir / name).read_bytes(),
            CacheControl=cache_control(name),
            ContentType=content_type(name),
        )
        report(f"uploaded {name}")


def invalidate(cloudfront: Any, distribution_id: str) -> None:
    """Have CloudFront fetch anew what has no hash in its name. The first 1,000 a month are free."""
    cloudfront.create_invalidation(
        DistributionId=distribution_id,
        InvalidationBatch={
            "Paths": {"Quantity": 1, "Items": ["/*"]},
            "CallerReference": str(time.time_ns()),
        },
    )
