# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder of line art as a shot to send: its files stay as they are, and the server reads them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from server.coloring.folder import read_sheets
from server.coloring.numbered_files import FolderError, NumberedFiles, common_size
from server.coloring.sheet_files import SheetFiles
from server.images.codec import read_rgba
from shared.digests import address_of
from shared.manifest import Keyframe, ShotManifest
from shared.timing import expose


@dataclass(frozen=True)
class FolderShot:
    """A folder as a shot.

    manifest: the shot. files: by address, the images that it needs. notes: sentences about what may be wrong.
    """

    manifest: ShotManifest
    files: dict[str, Path]
    notes: tuple[str, ...]


def read_folder(
    folder: Path,
    keyframes: Iterable[str],
    number: int | None,
    most_frames: int,
    name: str,
    fps: float,
    sheets: Iterable[Path] = (),
    by_sheet: SheetFiles | None = None,
    **settings: object,
) -> FolderShot:
    """Read a folder of line art and its keyframes. Drawings with equal pixels become one.

    A number that no file has is a frame that shows the drawing before. number: which number in the names is the frame,
    as in `NumberedFiles.find`. most_frames: how many the server accepts. sheets: model sheets. by_sheet: the folder's
    images as an exposure sheet shows them, if it is not read by its numbers. settings: further fields of the manifest.
    Raises FolderError, ImageError and ProtocolError.
    """
    found = by_sheet or NumberedFiles.find(folder, number)
    paintings = found.paintings(keyframes)
    width, height = common_size([*found.files.values(), *paintings.values()])
    first, last = min(found.files), max(found.files)
    if last - first >= most_frames:
        raise FolderError(
            f"{folder} has the frames {first} to {last}, more than the {most_frames:,} that the server accepts: color "
            "them in parts."
        )
    pixels_of = {path: address_of(read_rgba(path).tobytes()) for path in dict.fromkeys(found.files.values())}
    shown: list[str] = []
    file_of: dict[str, Path] = {}
    for frame in range(first, last + 1):
        if path := found.files.get(frame):
            pixels = pixels_of[path]
            file_of.setdefault(pixels, path)
        shown.append(pixels)
    exposure = expose(first, shown, set(paintings))
    drawings = [file_of[shown[exposure.first_frame_of(one) - first]] for one in range(exposure.drawing_count)]
    references = list(read_sheets(sheets))
    address_by_file = {path: address_of(path.read_bytes()) for path in {*drawings, *paintings.values(), *references}}
    manifest = ShotManifest(
        name=name or folder.resolve().name,
        frame_start=first,
        fps=fps,
        width=width,
        height=height,
        drawings=tuple(address_by_file[path] for path in drawings),
        timing=exposure.drawing_of,
        keyframes=tuple(Keyframe(frame, address_by_file[path]) for frame, path in paintings.items()),
        sheets=tuple(address_by_file[path] for path in references),
        **settings,  # type: ignore[arg-type]
    )
    gaps = len(found.files) < len(shown)
    notes = (*found.notes, *(["Frames without a drawing show the one before."] if gaps else []))
    return FolderShot(manifest, {address: path for path, address in address_by_file.items()}, notes)
