"""Uploads the built site so that nobody ever gets a page whose assets are missing.

Assets have a hash of their content in their names and never change: they go first, and
those of earlier releases stay, for browsers that still have the old page. The page goes last.
"""

from __future__ import annotations

import hashlib
import mimetypes
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from infra.aws.refusals import code_of
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

#: Uploads at a time; boto3's clients have ten connections.
PARALLEL: Final = 8

#: How often CloudFront is asked whether it is done, in seconds, and how long at most.
INVALIDATION_PAUSE: Final = 2.0
INVALIDATION_SECONDS: Final = 900.0


@dataclass(frozen=True)
class SiteFile:
    """A file of the site: its name in the bucket and its bytes."""

    name: str
    content: bytes

    @property
    def digest(self) -> str:
        """SHA-256 of the bytes, in hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def etag(self) -> str:
        """What S3 says of these bytes, uploaded in one piece and encrypted with S3's own keys.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
        """
        return f'"{hashlib.md5(self.content, usedforsecurity=False).hexdigest()}"'

    @property
    def is_hashed(self) -> bool:
        """Whether the name has a hash of the content, so that it never changes."""
        return self.name.startswith(HASHED)


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
        raise InfraError(f"{site_dir / PAGE} is missing: build the site first (`make build`)")
    names = [
        path.relative_to(site_dir).as_posix()
        for path in sorted(site_dir.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    ]
    yield from sorted(names, key=lambda name: (name == PAGE, not name.startswith(HASHED), name))


def read_files(site_dir: Path) -> list[SiteFile]:
    """The built site, in upload order.

    Raises:
        InfraError: the site is not built.
    """
    return [SiteFile(name, (site_dir / name).read_bytes()) for name in in_upload_order(site_dir)]


def upload(
    s3: S3Client, bucket: str, site_dir: Path, *, report: Callable[[str], None] = lambda line: None
) -> list[str]:
    """Upload the built site; what `put` says.

    Raises:
        InfraError: the site is not built.
    """
    return put(s3, bucket, read_files(site_dir), report=report)


def put(
    s3: S3Client,
    bucket: str,
    files: Sequence[SiteFile],
    *,
    report: Callable[[str], None] = lambda line: None,
) -> list[str]:
    """Put files into the bucket: assets at once, then the others, the page last.

    What is there with the same bytes and headers is left alone.

    Returns:
        Names of what was uploaded.
    """

    def one(file: SiteFile) -> str | None:
        if _is_there(s3, bucket, file):
            return None
        s3.put_object(
            Bucket=bucket,
            Key=file.name,
            Body=file.content,
            CacheControl=cache_control(file.name),
            ContentType=content_type(file.name),
        )
        report(f"uploaded {file.name}")
        return file.name

    done: list[str] = []
    with ThreadPoolExecutor(PARALLEL) as threads:
        for step in _steps(files):
            # The next step begins when all of this one are there, none if one failed.
            done += [name for name in threads.map(one, step) if name is not None]
    return done


def _steps(files: Sequence[SiteFile]) -> Iterator[Iterable[SiteFile]]:
    yield [file for file in files if file.is_hashed]
    yield [file for file in files if not file.is_hashed and file.name != PAGE]
    yield [file for file in files if file.name == PAGE]


def _is_there(s3: S3Client, bucket: str, file: SiteFile) -> bool:
    try:
        found = s3.head_object(Bucket=bucket, Key=file.name)
    except ClientError as error:
        if code_of(error) in ("404", "NoSuchKey", "NotFound"):
            return False
        raise
    return (
        found["ETag"] == file.etag
        and found.get("CacheControl") == cache_control(file.name)
        and found.get("ContentType") == content_type(file.name)
    )


def invalidate(
    cloudfront: Any,
    distribution_id: str,
    names: Sequence[str],
    *,
    live: Callable[[str], None] = lambda line: None,
) -> bool:
    """Have CloudFront fetch anew what has no hash in its name, and wait until it does.

    The first 1,000 paths a month are free. A page is asked for by any of the site's routes, but
    CloudFront keeps it as /index.html only (SiteRoutes in site.yaml).

    Returns:
        Whether there was anything to do.

    Raises:
        InfraError: it takes too long.
    """
    paths = [f"/{name}" for name in names if not name.startswith(HASHED)]
    if not paths:
        return False
    made = cloudfront.create_invalidation(
        DistributionId=distribution_id,
        InvalidationBatch={
            "Paths": {"Quantity": len(paths), "Items": paths},
            "CallerReference": str(time.time_ns()),
        },
    )["Invalidation"]
    started = time.monotonic()
    while made["Status"] != "Completed":
        elapsed = time.monotonic() - started
        if elapsed > INVALIDATION_SECONDS:
            raise InfraError(
                f"CloudFront has not finished invalidation {made['Id']} in {elapsed:.0f} s; "
                "the site is uploaded, and old pages may be served for a while"
            )
        live(f"CloudFront forgets {len(paths)} old files ({elapsed:.0f} s)")
        time.sleep(INVALIDATION_PAUSE)
        made = cloudfront.get_invalidation(DistributionId=distribution_id, Id=made["Id"])[
            "Invalidation"
        ]
    live("")
    return True
