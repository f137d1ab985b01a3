# SPDX-License-Identifier: GPL-3.0-or-later
"""A take: one coloring of a shot, and the folder that holds it.

The folder has `take.json`, `lineart/NNNN.png`, `keyframes/NNNN.png`, `sheets/N.png` if it has model sheets and, as they
arrive, `colored/NNNN.png` and `fills/NNNN.png` (the colors without the lines) and `lines/NNNN.png` (the lines alone,
with alpha). If a shot keeps its background, `background/NNNN.png` has the scene's own render without the drawings. If
it was parted, `layers.oca/NAME/NNNN.png` has its layers. NNNN is the frame number, and N counts from 1. Held drawings
are repeated, so that other programs can also use the images.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

from ..files import replacing
from ..shared.codec import from_json, to_json
from ..shared.digests import address_of
from ..shared.errors import ShotError
from ..shared.manifest import ShotManifest
from ..shared.palette import Swatch
from ..shared.protocol import ProtocolError
from ..shared.translatable_text import TranslatableText

RECORD = "take.json"

TakeState = Literal["exported", "sent", "done", "failed", "cancelled"]
Layout = Literal["meta", "strips", "flat"]


@dataclass(frozen=True)
class Placement:
    """Where a take's strips go.

    blend: the .blend file, "" if it was never saved. scene: the scene whose Sequencer shows them. start: the timeline
    frame of the shot's first frame. layout: "meta" is a meta strip with the fills and, over them, the lines; "strips"
    puts these two on separate channels; "flat" is one strip of finished images.
    """

    blend: str = ""
    scene: str = ""
    start: int = 1
    layout: Layout = "meta"


@dataclass(frozen=True)
class Take:
    """An exported shot, the id of its job, and its state.

    server: address of the server that colors it. number: number of the take within its shot, from 1. state: last known
    state. has_lines: its lines are fetched, too; a take of an older version has only its line art. problem: why it
    failed. note: the animator's note. hidden: kept, but not shown. palette: the names of colors of its images. guesses:
    frames with guessed colors, each with the guessed share of the picture. placed: its strips were put into the
    Sequencer. created: seconds since the epoch.
    """

    folder: Path
    job: str
    manifest: ShotManifest
    placement: Placement = Placement()
    server: str = ""
    number: int = 1
    state: TakeState = "exported"
    has_lines: bool = False
    palette: tuple[Swatch, ...] = ()
    guesses: tuple[tuple[int, float], ...] = ()
    problem: str = ""
    note: str = ""
    hidden: bool = False
    placed: bool = False
    created: float = 0.0

    @property
    def title(self) -> str:
        """The take's title: the shot's name and the take's number."""
        return f"{self.manifest.name}, take {self.number}"

    @property
    def shot(self) -> tuple[str, str]:
        """The shot that it is a take of: the shot's name and the .blend file."""
        return self.manifest.name, self.placement.blend

    @property
    def summary(self) -> TranslatableText:
        """The take's contents and settings, in one line."""
        return TranslatableText(
            "{frames} frames, {drawings} drawings · {preset}, {quality} · seed {seed}",
            frames=len(self.manifest.timing),
            drawings=len(self.manifest.drawings),
            preset=self.manifest.preset,
            quality=TranslatableText(
                "Automatic" if self.manifest.quality == "auto" else self.manifest.quality.capitalize()
            ),
            seed=self.manifest.seed,
        )

    @property
    def lineart(self) -> Path:
        """Folder of the line art, one PNG per frame."""
        return self.folder / "lineart"

    @property
    def keyframes(self) -> Path:
        """Folder of the painted keyframes."""
        return self.folder / "keyframes"

    @property
    def sheets(self) -> Path:
        """Folder of the model sheets, which only shots have that use some."""
        return self.folder / "sheets"

    @property
    def background(self) -> Path:
        """Folder of the scene's own background, which only shots have that keep it."""
        return self.folder / "background"

    @property
    def colored(self) -> Path:
        """Folder of the colored frames, one PNG per frame."""
        return self.folder / "colored"

    @property
    def fills(self) -> Path:
        """Folder of the colored frames without their lines; only in layouts with a line strip."""
        return self.folder / "fills"

    @property
    def lines(self) -> Path:
        """Folder of the lines alone, in their own color with alpha; only in layouts with a line strip."""
        return self.folder / "lines"

    @property
    def results(self) -> tuple[Path, ...]:
        """The folders for the server's frames; each is named after the layer that it contains."""
        if self.placement.layout == "flat":
            return (self.colored,)
        return (self.colored, self.fills, self.lines) if self.has_lines else (self.colored, self.fills)

    def arrived(self) -> list[int]:
        """The frames that are in every results folder."""
        here = [{path.name for path in folder.glob("*.png")} for folder in self.results]
        return [frame for frame in self.manifest.exposure.frames if all(frame_name(frame) in names for names in here)]

    def blobs(self) -> dict[str, Path]:
        """The file of each blob of the manifest, by address."""
        exposure = self.manifest.exposure
        files = {
            address: self.lineart / frame_name(exposure.first_frame_of(index))
            for index, address in enumerate(self.manifest.drawings)
        }
        files |= {item.blob: self.keyframes / frame_name(item.frame) for item in self.manifest.keyframes}
        return files | {address: self.sheets / sheet_name(index) for index, address in enumerate(self.manifest.sheets)}

    def changed(self, **changes: Any) -> Take:
        """Return the take with changed values, which are also written to its folder."""
        take = replace(self, **changes)
        take.save()
        return take

    def save(self) -> None:
        """Write the take's record to its folder atomically."""
        record = {name: getattr(self, name) for name in _RECORD_FIELDS}
        record |= {"manifest": to_json(self.manifest), "placement": asdict(self.placement)}
        record["palette"] = [to_json(swatch) for swatch in self.palette]
        with replacing(self.folder / RECORD) as partial:
            partial.write_text(json.dumps(record, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Take:
        """Read the record in `folder`. Raises ShotError if there is none or it cannot be read."""
        try:
            record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
            manifest = from_json(ShotManifest, record.pop("manifest"))
            placement = Placement(**record.pop("placement"))
            palette = tuple(from_json(Swatch, swatch) for swatch in record.pop("palette", ()))
            guesses = tuple((frame, share) for frame, share in record.pop("guesses", ()))
            if "transparent" in record:  # until version 0.2, only a partly transparent take had lines
                record["has_lines"] = record.pop("transparent")
            return cls(
                folder=folder, manifest=manifest, placement=placement, palette=palette, guesses=guesses, **record
            )
        except FileNotFoundError as error:
            raise ShotError(
                TranslatableText(
                    "{folder} contains no take: choose the folder of one take, which contains {file}. Takes are in the "
                    "output folder of the extension's preferences, one folder each.",
                    folder=folder,
                    file=RECORD,
                )
            ) from error
        except (OSError, ValueError, KeyError, TypeError, AttributeError, ProtocolError) as error:
            raise ShotError(
                TranslatableText(
                    "{path} cannot be read ({reason}): color the shot again.", path=folder / RECORD, reason=str(error)
                )
            ) from error


_RECORD_FIELDS = tuple(
    item.name for item in fields(Take) if item.name not in ("folder", "manifest", "placement", "palette")
)
"""The fields that the record holds unchanged."""


def frame_name(frame: int) -> str:
    """File name of a frame's image."""
    return f"{frame:04d}.png"


def sheet_name(index: int) -> str:
    """File name of a model sheet's image, by its index in the manifest."""
    return f"{index + 1}.png"


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Within the block, a hidden folder beside `folder`, which becomes it at the end. If the block fails, nothing is
    left. Raises OSError."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield work
        work.rename(folder)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise


def replace_folder(ready: Path, target: Path) -> None:
    """Replace `target` with the finished folder `ready`."""
    if target.exists():
        shutil.rmtree(target)
    ready.rename(target)


def copy_whole(source: Path, target: Path) -> None:
    """Copy a file to `target` atomically."""
    with replacing(target) as partial:
        shutil.copyfile(source, partial)


def unwritable(folder: Path, error: OSError) -> TranslatableText:
    """The sentence for a take's folder that cannot be used."""
    return TranslatableText(
        "{folder} cannot be used ({reason}): free up space, or mount it again. Then press Try Again.",
        folder=folder,
        reason=error.strerror or str(error),
    )


def address_of_file(path: Path) -> str:
    """Content address of a file."""
    address: str = address_of(path.read_bytes())
    return address
