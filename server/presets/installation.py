# SPDX-License-Identifier: GPL-3.0-or-later
"""Presets from the hub: list, check the disk, download, convert what has to be converted. And the line extractor."""

import json
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from server.longanimation.convert import ConversionError, Downloads, sha256_of, write_manifest
from server.longanimation.convert.conversion import PARTIAL
from server.presets import published_wan
from server.presets.conversion import convert, exit_code
from server.presets.disk import check_room, size_of
from server.presets.hub import HubError, Listing, fetch, list_files
from server.presets.published_extractor import DOWNLOAD, SHA256
from server.presets.published_preset import DOWNLOADS


def install(folder: Path, output: Path, remove: bool) -> int:
    """Download into `folder`, convert to `output`, and if `remove`, delete the downloads. Return the exit code."""
    return _exit_code(lambda: _install(folder, output, remove))


def install_wan(folder: Path, output: Path) -> int:
    """Download Wan VACE into `folder`, and move it to `output`, where it is a preset. Return the exit code."""
    return _exit_code(lambda: _install_wan(folder, output))


def install_extractor(target: Path) -> int:
    """Download the line extractor's weights to `target`. Return the exit code."""
    return _exit_code(lambda: _install_extractor(target))


def _exit_code(work: Callable[[], None]) -> int:
    try:
        return exit_code(work)
    except HubError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _install_extractor(target: Path) -> None:
    listing = list_files(DOWNLOAD)
    folder = target.parent.with_name(f".{target.parent.name}.new")
    check_room({target.parent: listing.bytes})
    sys.stdout.write(f"{DOWNLOAD.repository} at {listing.commit}, {listing.bytes / 1e6:.0f} MB …\n")
    fetch(listing, folder)
    found = sha256_of(folder / target.name)
    if found != SHA256:
        shutil.rmtree(folder)
        raise HubError(
            f"{target.name} of {DOWNLOAD.repository} has the SHA-256 {found}, not {SHA256}: it was replaced, or "
            "damaged on the way. Nothing was installed. Run the same command again. If that does not help, report it."
        )
    shutil.rmtree(target.parent, ignore_errors=True)
    shutil.rmtree(folder / ".cache", ignore_errors=True)
    folder.rename(target.parent)
    sys.stdout.write(f"{target} is complete. `train clips` now uses it.\n")


def _install_wan(folder: Path, output: Path) -> None:
    _refuse_foreign(output)
    (download,) = published_wan.DOWNLOADS
    place = folder / download.folder
    listing = list_files(download)
    sys.stdout.write(
        f"To download: {listing.bytes / 1e9:.1f} GB, to {place}, from where it moves to {output}. Existing files are "
        f"used.\n{download.repository} at {listing.commit} …\n"
    )
    check_room({place: max(0, listing.bytes - size_of(place))})
    fetch(listing, place)
    for name, expected in listing.checksums.items():
        found = sha256_of(place / name)
        if found != expected:
            (place / name).unlink()
            raise HubError(
                f"{name} of {download.repository} has the SHA-256 {found}, not {expected}: it was damaged on the way, "
                "and was deleted. Run the same command again."
            )
    shutil.rmtree(place / ".cache", ignore_errors=True)
    settings = json.dumps(published_wan.SETTINGS, indent=2, ensure_ascii=False) + "\n"
    (place / "preset.json").write_text(settings, encoding="utf-8")
    write_manifest(place, listing.checksums)
    shutil.move(place, output)
    sys.stdout.write(f"{output} is complete.\n")


def _refuse_foreign(output: Path) -> None:
    if output.exists():
        raise ConversionError(f"{output} exists and is not a preset. Delete it, and run the same command again.")


def _install(folder: Path, output: Path, remove: bool) -> None:
    _refuse_foreign(output)
    listings = [list_files(download) for download in DOWNLOADS]
    size = sum(listing.bytes for listing in listings)
    sys.stdout.write(
        f"To download: {size / 1e9:.1f} GB, to {folder}. To convert: at most as much, to {output}.\n"
        "Existing files are used.\n"
    )
    # The published weights have 16 or more bits per number; the converted ones have 16.
    work = output.parent / PARTIAL / output.name
    check_room({folder: max(0, size - size_of(folder)), output.parent: max(0, size - size_of(work))})
    for listing in listings:
        sys.stdout.write(f"{listing.download.repository} at {listing.commit} …\n")
        fetch(listing, folder / listing.download.folder)
    checksums = {
        folder / listing.download.folder / name: checksum
        for listing in listings
        for name, checksum in listing.checksums.items()
    }
    convert(_places(folder, listings), output, checksums=checksums)
    if remove:
        for download in DOWNLOADS:
            shutil.rmtree(folder / download.folder)  # in a folder that may hold other things too
    else:
        sys.stdout.write(f"The downloads in {folder} are no longer needed and can be deleted.\n")


def _places(folder: Path, listings: Sequence[Listing]) -> Downloads:
    """Return the paths of the downloaded weights, which may be in any folder of their repository."""
    cogvideox, own, video_xl, tower = (folder / listing.download.folder for listing in listings)
    control, memory = (
        next(own / name for name in listings[1].sizes if name.endswith(file))
        for file in ("control_module.safetensors", "glm_module.safetensors")
    )
    return Downloads(cogvideox, control, memory, video_xl / "VideoXL_weight_8", tower)
