# SPDX-License-Identifier: GPL-3.0-or-later
"""A take: one colouring of a shot, and the folder that holds it.

The folder has `take.json`, `lineart/NNNN.png`, `keyframes/NNNN.png` and, once finished, `colored/NNNN.png`, by frame
number and with held drawings repeated, so that other programs can use the images too.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from ..errors import ShotError
from ..shared.digests import address_of
from ..shared.protocol import ProtocolError, ShotManifest, from_json, to_json

_RECORD = "take.json"


@dataclass(frozen=True)
class Take:
    """A shot as it was sent, the id of its job, and its folder."""

    folder: Path
    job: str
    manifest: ShotManifest

    @property
    def lineart(self) -> Path:
        """Folder of the line art, one PNG a frame."""
        return self.folder / "lineart"

    @property
    def keyframes(self) -> Path:
        """Folder of the painted keyframes."""
        return self.folder / "keyframes"

    @property
    def colored(self) -> Path:
        """Folder of the coloured frames, one PNG a frame; it exists once all of them are there."""
        return self.folder / "colored"

    def blobs(self) -> dict[str, Path]:
        """The file of each blob of the manifest, by address."""
        exposure = self.manifest.exposure
        files = {
            address: self.lineart / frame_name(exposure.first_frame_of(index))
            for index, address in enumerate(self.manifest.drawings)
        }
        return files | {item.blob: self.keyframes / frame_name(item.frame) for item in self.manifest.keyframes}

    def save(self) -> None:
        """Write the take's record into its folder."""
        record = {"job": self.job, "manifest": to_json(self.manifest)}
        partial = self.folder / f".{_RECORD}.part"
        partial.write_text(json.dumps(record, indent=1), encoding="utf-8")
        partial.replace(self.folder / _RECORD)

    @classmethod
    def load(cls, folder: Path) -> Take:
        """Read the record in `folder`. Raises ShotError when there is none or it cannot be read."""
        try:
            record = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
            return cls(folder, record["job"], from_json(ShotManifest, record["manifest"]))
        except FileNotFoundError as error:
            raise ShotError(f"{folder} holds no take: choose a folder in which there is a {_RECORD}.") from error
        except (json.JSONDecodeError, KeyError, TypeError, ProtocolError) as error:
            raise ShotError(f"{folder / _RECORD} cannot be read ({error}): colour the shot again.") from error


def frame_name(frame: int) -> str:
    """File name of a frame's image."""
    return f"{frame:04d}.png"


def replace_folder(ready: Path, target: Path) -> None:
    """Put the finished folder `ready` in the place of `target`."""
    if target.exists():
        shutil.rmtree(target)
    ready.rename(target)


def address_of_file(path: Path) -> str:
    """Content address of a file."""
    return address_of(path.read_bytes())
