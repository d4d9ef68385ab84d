"""The page and its files, read into memory once.

Owns their media types and their validators. Serving from memory makes a path that leaves the folder a name that does
not exist, and ``no-cache`` with an ETag makes a browser take new files right after an upgrade.
"""

import hashlib
from pathlib import Path

import msgspec

STATIC = Path(__file__).parent / "static"
INDEX = "index.html"
_TEXT = "; charset=utf-8"
_MEDIA_TYPES = {
    ".html": f"text/html{_TEXT}",
    ".css": f"text/css{_TEXT}",
    ".js": f"text/javascript{_TEXT}",
    ".mjs": f"text/javascript{_TEXT}",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".txt": f"text/plain{_TEXT}",
}
_UNKNOWN = "application/octet-stream"


class Page(msgspec.Struct, frozen=True):
    """One file.

    Attributes:
        data: Its content.
        media_type: Its type.
        etag: Its validator, without quotes.
    """

    data: bytes
    media_type: str
    etag: str


def load_pages(folder: Path = STATIC) -> dict[str, Page]:
    """All files of a folder and below, by their relative path with slashes; hidden ones are left out.

    Raises:
        OSError: One cannot be read.
    """
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and not any(part.startswith((".", "__")) for part in name.parts):
            data = path.read_bytes()
            media_type = _MEDIA_TYPES.get(path.suffix.lower(), _UNKNOWN)
            found[name.as_posix()] = Page(data, media_type, hashlib.sha256(data).hexdigest())
    return found
