"""What was deployed when: records beside the packages, so that a release can be put back.

A record names everything that a release was, by content: the template (which names the code)
and the site's files. All of it stays in the artifacts bucket. The site's hashed assets stay in
the site's own bucket, too; only files with a constant name (index.html, icons) are kept twice.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from infra.aws.artifacts import Artifacts
from infra.aws.package import ROOT
from infra.aws.site import SiteFile
from infra.errors import InfraError


@dataclass(frozen=True)
class Release:
    """A template with its code, and a site."""

    template: str
    #: SHA-256 of the files whose names have no hash.
    site: Mapping[str, str]
    #: The commit that it was made from, "+" if there were changes beside it; "" if unknown.
    commit: str = ""

    @property
    def id(self) -> str:
        """Ten characters; the same for the same content."""
        text = json.dumps([self.template, sorted(self.site.items())])
        return hashlib.sha256(text.encode()).hexdigest()[:10]


@dataclass(frozen=True)
class Record:
    """A release that went out."""

    at: datetime
    release: Release
    #: ARN of who did it.
    by: str
    #: `deploy` or `rollback`.
    action: str


class Releases:
    """The records of one stage."""

    def __init__(self, artifacts: Artifacts, stage: str) -> None:
        self._artifacts = artifacts
        self._prefix = f"releases/{stage}/"

    def keep(self, template: str, files: Sequence[SiteFile], commit: str) -> Release:
        """Keep what is needed to put this release back."""
        plain = [file for file in files if not file.is_hashed]
        for file in plain:
            self._artifacts.keep(f"site/{file.digest}", file.content)
        return Release(template, {file.name: file.digest for file in plain}, commit)

    def files(self, release: Release) -> list[SiteFile]:
        """The site's files of a release whose names have no hash.

        Raises:
            InfraError: somebody has deleted one.
        """
        found: list[SiteFile] = []
        for name, digest in release.site.items():
            content = self._artifacts.read(f"site/{digest}")
            if content is None:
                raise InfraError(f"{name} of release {release.id} is no longer in the artifacts")
            found.append(SiteFile(name, content))
        return found

    def record(self, release: Release, *, by: str, action: str) -> None:
        """Write down that a release went out."""
        now = datetime.now(UTC)
        body = {"action": action, "by": by, "release": asdict(release)}
        self._artifacts.s3.put_object(
            Bucket=self._artifacts.bucket,
            Key=f"{self._prefix}{now:%Y%m%dT%H%M%S%fZ}-{release.id}.json",
            Body=json.dumps(body, indent=1).encode(),
        )

    def latest(self, count: int) -> list[Record]:
        """The last records, oldest first; all of them if ``count`` is 0."""
        return [self._read(key) for key in self._keys()[-count:]]

    def _keys(self) -> list[str]:
        pages = self._artifacts.s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._artifacts.bucket, Prefix=self._prefix
        )
        return sorted(item["Key"] for page in pages for item in page.get("Contents", []))

    def _read(self, key: str) -> Record:
        found = self._artifacts.read(key)
        try:
            body = json.loads(found or b"")
            stamp = key.removeprefix(self._prefix).split("-", 1)[0]
            at = datetime.strptime(stamp, "%Y%m%dT%H%M%S%fZ").replace(tzinfo=UTC)
            return Record(at, Release(**body["release"]), str(body["by"]), str(body["action"]))
        except (ValueError, KeyError, TypeError) as error:
            raise InfraError(f"{key} in the artifacts bucket is no record of a release") from error

    def to_put_back(self, wanted: str = "") -> Release:
        """The release to go back to.

        Args:
            wanted: its id; the one before the current release if empty.

        Raises:
            InfraError: there is no such release.
        """
        # By first appearance: going back twice goes back two releases, not to and fro.
        order: dict[str, Release] = {}
        current = ""
        for record in self.latest(0):
            order.setdefault(record.release.id, record.release)
            current = record.release.id
        known = list(order)
        if wanted:
            if wanted not in order:
                raise InfraError(f"there is no release {wanted}; there are {', '.join(known)}")
            return order[wanted]
        if not known:
            raise InfraError("nothing was deployed by these commands yet; nothing to put back")
        place = known.index(current)
        if place == 0:
            raise InfraError(f"{current} is the first release; there is nothing to put back")
        return order[known[place - 1]]


def current_commit() -> str:
    """The checked-out commit, with a "+" if files differ from it; "" without git."""
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--abbrev=10", "--exclude=*"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
