# SPDX-License-Identifier: GPL-3.0-or-later
"""Files on the hub: their sizes and checksums, and their download with the hub's own client."""

import fnmatch
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import HfApi, hf_hub_download
from huggingface_hub.errors import FileMetadataError, LocalEntryNotFoundError, OfflineModeIsEnabled, XetDownloadError
from huggingface_hub.utils import httpx

from .published_preset import Download


class HubError(Exception):
    """The hub lacks a file or cannot be reached; the message says what to do."""


BY_HAND = "The files can also be downloaded by hand and converted with `python -m server convert`: see docs/models.md."

FAILURES = (httpx.HTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled, FileMetadataError, XetDownloadError)
"""The exceptions of the hub's client when the hub refuses or cannot be reached."""


@dataclass(frozen=True)
class Listing:
    """The files to fetch for a download: their sizes, and the SHA-256 of those whose checksums the hub has.

    commit: the commit of the repository, so that the files fetched are the files listed.
    """

    download: Download
    commit: str
    sizes: dict[str, int]
    checksums: dict[str, str]

    @property
    def bytes(self) -> int:
        """Total size of all files."""
        return sum(self.sizes.values())


def list_files(download: Download) -> Listing:
    """Ask the hub which files a download has. Raises HubError."""
    try:
        ask = HfApi().space_info if download.kind == "space" else HfApi().model_info
        info = ask(download.repository, revision=download.revision, files_metadata=True)
    except FAILURES as error:
        raise HubError(
            f"{download.repository} could not be reached on the hub ({_short(error)}). Check the network, and run the "
            f"same command again. {BY_HAND}"
        ) from error
    files = {file.rfilename: file for file in getattr(info, "siblings", None) or []}
    chosen: list[str] = []
    for pattern in download.patterns:
        matches = next((found for choice in pattern.split("|") if (found := fnmatch.filter(files, choice))), None)
        if matches is None:
            raise HubError(f"{download.repository} on the hub has no {pattern.replace('|', ' nor ')}. {BY_HAND}")
        chosen += matches
    checksums = {name: lfs.sha256 for name in chosen if (lfs := files[name].lfs) is not None}
    return Listing(download, str(info.sha), {name: files[name].size or 0 for name in chosen}, checksums)


def fetch(listing: Listing, folder: Path) -> None:
    """Download the listed files into `folder`, one file at a time so that Ctrl-C ends it immediately. Existing files
    are kept. Raises HubError."""
    download = listing.download
    try:
        for name in listing.sizes:
            hf_hub_download(
                download.repository, name, repo_type=download.kind, revision=listing.commit, local_dir=folder
            )
    except FAILURES as error:
        raise HubError(
            f"The download of {download.repository} failed ({_short(error)}). Run the same command again: "
            f"it continues from there. {BY_HAND}"
        ) from error


def _short(error: Exception) -> str:
    """Return the first line of an error of the hub's client. The rest is advice on the client's own functions."""
    return next(iter(str(error).splitlines()), "") or type(error).__name__
