# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells which server offers an extension repository. Does not use Blender."""

from urllib.parse import urlsplit

_LISTING = "/extensions/index.json"
"""Where a server lists its extensions; it also answers at its root."""

_OTHERS = "blender.org"
"""The domain of Blender's own repository, which colors nothing."""


def server_of_repository(url: str) -> str:
    """Return the address of the coloring server whose extension repository has this URL, or "" if it is no server's.

    A path before the listing is kept, as behind a proxy; what selects extensions (`?…`) is left out.
    """
    try:
        parts = urlsplit(url.strip())
        host = parts.hostname or ""
    except ValueError:
        return ""
    path = parts.path.rstrip("/").removesuffix(_LISTING)
    if parts.scheme not in ("http", "https") or not host or path.endswith(".json"):
        return ""
    if host == _OTHERS or host.endswith(f".{_OTHERS}"):
        return ""
    return f"{parts.scheme}://{parts.netloc}{path}"
