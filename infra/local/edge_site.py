"""The built site as the bucket behind CloudFront serves it: cache rules, ETags, gzip, SPA fallback.

Ranges are not served (S3 would); nothing on the site asks for them.
"""

from __future__ import annotations

import gzip
import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final

from aiohttp import web
from multidict import CIMultiDict

IMMUTABLE: Final = "public, max-age=31536000, immutable"
NO_CACHE: Final = "no-cache"
#: CloudFront compresses what is larger than this many bytes.
#: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/ServingCompressedFiles.html
COMPRESS_BYTES_MIN: Final = 1000
#: Files whose bytes are kept in memory; a build of the site has about 30.
CACHED_FILES_MAX: Final = 256

CONTENT_TYPES: Final[Mapping[str, str]] = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".webmanifest": "application/manifest+json",
    ".xml": "application/xml",
    ".wasm": "application/wasm",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".ico": "image/x-icon",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".mp3": "audio/mpeg",
    ".webm": "video/webm",
    ".mp4": "video/mp4",
}
_COMPRESSIBLE: Final = frozenset(
    {".html", ".js", ".mjs", ".css", ".txt", ".json", ".map", ".webmanifest", ".xml", ".wasm"}
    | {".svg", ".ico"}
)


@dataclass(frozen=True)
class _File:
    """One file's bytes; ``etag`` is the opaque part, without quotes."""

    version: tuple[int, int]
    body: bytes
    gzipped: bytes | None
    etag: str
    content_type: str


class Site:
    """Answers GET and HEAD from a folder; see ``respond``."""

    def __init__(self, folder: Path, headers: Mapping[str, str], build_hint: str) -> None:
        """``headers`` go on every response; ``build_hint`` is the command that builds the site."""
        self._folder = folder
        self._headers = headers
        self._build_hint = build_hint
        self._files: OrderedDict[Path, _File] = OrderedDict()

    def respond(self, request: web.Request) -> web.Response:
        """Returns the response to ``request``; never raises for what a client sends.

        200 or 304 for a file; index.html for a page of the single-page application; 404; 405
        for anything but GET and HEAD; 503 with instructions while the site has not been built.
        """
        if request.method not in ("GET", "HEAD"):
            return self._text(405, "method not allowed", {"Allow": "GET, HEAD"})
        root = self._folder.resolve()
        index = root / "index.html"
        if not index.is_file():
            return self._not_built()
        path = request.path
        if "\x00" in path or "\\" in path:
            return self._text(404, "not found")
        parts = [part for part in path.split("/") if part]
        if any(part.startswith(".") and part != ".well-known" for part in parts):
            return self._text(404, "not found")  # also "." and "..": nothing leaves the folder
        target = root.joinpath(*parts) if parts else index
        try:
            found = target.is_file() and target.resolve().is_relative_to(root)
        except OSError:  # a name that is too long
            found = False
        if found and not path.endswith("//"):
            immutable = parts[:1] == ["assets"]
            return self._file(request, target, IMMUTABLE if immutable else NO_CACHE)
        if parts[:1] == ["assets"] or (parts and "." in parts[-1]):
            return self._text(404, "not found")
        if not _accepts_html(request):
            return self._text(404, "not found")
        return self._file(request, index, NO_CACHE)

    def _file(self, request: web.Request, path: Path, cache_control: str) -> web.Response:
        try:
            file = self._load(path)
        except OSError:  # a build has just replaced it
            return self._text(404, "not found")
        gzipped = file.gzipped if _accepts_gzip(request) else None
        # CloudFront weakens the ETag of what it compresses.
        etag = f'W/"{file.etag}"' if gzipped else f'"{file.etag}"'
        headers = self._with({"Cache-Control": cache_control, "ETag": etag})
        if file.gzipped is not None:
            headers["Vary"] = "Accept-Encoding"
        if _matches(request.headers.getall("If-None-Match", ()), file.etag):
            return web.Response(status=304, headers=headers)
        if gzipped:
            headers["Content-Encoding"] = "gzip"
        headers["Content-Type"] = file.content_type
        return web.Response(body=gzipped or file.body, headers=headers)

    def _load(self, path: Path) -> _File:
        stat = path.stat()
        version = (stat.st_mtime_ns, stat.st_size)
        known = self._files.get(path)
        if known is not None and known.version == version:
            self._files.move_to_end(path)
            return known
        body = path.read_bytes()
        suffix = path.suffix.lower()
        compress = suffix in _COMPRESSIBLE and len(body) > COMPRESS_BYTES_MIN
        file = _File(
            version=version,
            body=body,
            gzipped=gzip.compress(body, compresslevel=6, mtime=0) if compress else None,
            etag=hashlib.sha256(body).hexdigest()[:32],
            content_type=CONTENT_TYPES.get(suffix, "application/octet-stream"),
        )
        self._files[path] = file
        while len(self._files) > CACHED_FILES_MAX:
            self._files.popitem(last=False)
        return file

    def _not_built(self) -> web.Response:
        page = (
            "<!doctype html><html lang=en><meta charset=utf-8>"
            "<meta name=viewport content='width=device-width'>"
            "<meta http-equiv=refresh content=2><title>The site is not built yet</title>"
            "<h1>The site is not built yet</h1>"
            f"<p>There is no <code>{escape(str(self._folder / 'index.html'))}</code>. Build it:</p>"
            f"<pre>{escape(self._build_hint)}</pre><p>This page reloads by itself.</p></html>"
        )
        headers = self._with({"Cache-Control": "no-store", "Retry-After": "2"})
        headers["Content-Type"] = CONTENT_TYPES[".html"]
        return web.Response(status=503, body=page.encode(), headers=headers)

    def _text(
        self, status: int, message: str, headers: Mapping[str, str] | None = None
    ) -> web.Response:
        all_headers = self._with({"Cache-Control": "no-store", **(headers or {})})
        all_headers["Content-Type"] = CONTENT_TYPES[".txt"]
        return web.Response(status=status, body=f"{message}\n".encode(), headers=all_headers)

    def _with(self, headers: Mapping[str, str]) -> CIMultiDict[str]:
        merged = CIMultiDict(self._headers)
        merged.update(headers)
        return merged


def _accepts_html(request: web.Request) -> bool:
    accepted = _weights(request.headers.getall("Accept", ("*/*",)))
    return any(accepted.get(kind, 0) > 0 for kind in ("text/html", "text/*", "*/*"))


def _accepts_gzip(request: web.Request) -> bool:
    accepted = _weights(request.headers.getall("Accept-Encoding", ()))
    return accepted.get("gzip", accepted.get("*", 0)) > 0


def _weights(values: list[str] | tuple[str, ...]) -> dict[str, float]:
    """Reads ``gzip, br;q=0`` as ``{"gzip": 1, "br": 0}``."""
    weights: dict[str, float] = {}
    for item in ",".join(values).split(","):
        name, *parameters = (part.strip().lower() for part in item.split(";"))
        weight = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    weight = float(parameter[2:])
                except ValueError:
                    weight = 0.0
        weights[name] = weight
    return weights


def _matches(values: list[str] | tuple[str, ...], etag: str) -> bool:
    tags = [tag.strip().removeprefix("W/") for tag in ",".join(values).split(",")]
    return "*" in tags or f'"{etag}"' in tags
