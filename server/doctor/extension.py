# SPDX-License-Identifier: GPL-3.0-or-later
"""Check of the add-on: is the archive built that Blender installs from the server?"""

import tomllib
import zipfile
from collections.abc import Iterator

from server import __version__
from server.config import Config

from .finding import Finding, ok, warning

BUILD = "Run `python install.py addon`: until then Blender cannot install the add-on from this server."


def check_extension(config: Config) -> Iterator[Finding]:
    """Check whether the archives are built and have this version."""
    versions = []
    for archive in sorted(config.extensions.glob("*.zip")):
        try:
            with zipfile.ZipFile(archive) as content:
                versions.append(tomllib.loads(content.read("blender_manifest.toml").decode())["version"])
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            yield warning("Add-on", f"{archive.name} cannot be read: {error}", BUILD)
    if __version__ in versions:
        yield ok("Add-on", f"version {__version__} is built")
    elif versions:
        yield warning("Add-on", f"version {', '.join(versions)} is built, but the server is {__version__}", BUILD)
    else:
        yield warning("Add-on", f"not built: there is no usable zip in {config.extensions}", BUILD)
