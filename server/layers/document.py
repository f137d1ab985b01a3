# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents of OCA, the Open Cel Animation format (https://oca.rxlab.guide), as the extension writes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, ValidationError

SUFFIX = ".oca"
_FOLDER = f"layers{SUFFIX}"


class DocumentError(ValueError):
    """A document cannot be used; the sentence names the file, and says what was found and what to do."""


class Cel(BaseModel):
    """A picture of a layer, and the frames that show it. file: beside the document, "" for a blank one. position: of
    its middle, in pixels."""

    file: str = Field("", alias="fileName")
    start: int = Field(alias="frameNumber")
    duration: int = Field(1, ge=1)
    position: tuple[float, float] | None = None
    opacity: float = Field(1.0, ge=0, le=1)


class Layer(BaseModel):
    """A layer of pictures."""

    name: str
    type: Literal["paintlayer"] = "paintlayer"
    blending: Literal["normal"] = Field("normal", alias="blendingMode")
    opacity: float = Field(1.0, ge=0, le=1)
    visible: bool = True
    cels: list[Cel] = Field([], alias="frames")

    def cel_at(self, frame: int) -> Cel | None:
        """The picture that a frame shows, None if it shows none."""
        shown = (cel for cel in self.cels if cel.start <= frame < cel.start + cel.duration)
        return next((cel for cel in shown if cel.file), None)


class Document(BaseModel):
    """A document with its layers, the lowest first. path: its file. width, height: in pixels."""

    path: Path = Path()
    name: str = ""
    width: int = Field(1920, ge=1, le=30000)
    height: int = Field(1080, ge=1, le=30000)
    depth: Literal["U8"] = Field("U8", alias="colorDepth")
    start: int = Field(0, alias="startTime")
    end: int = Field(240, alias="endTime")
    layers: list[Layer] = Field(min_length=1)

    @property
    def distinct_frames(self) -> list[int]:
        """The first of the frames that show the same pictures, for each such set of pictures."""
        cels = [cel for layer in self.layers for cel in layer.cels]
        changes = {self.start, *(cel.start for cel in cels), *(cel.start + cel.duration for cel in cels)}
        found: dict[tuple[str, ...], int] = {}
        for frame in sorted(frame for frame in changes if self.start <= frame <= self.end):
            shown = (layer.cel_at(frame) for layer in self.layers)
            found.setdefault(tuple(cel.file if cel else "" for cel in shown), frame)
        return list(found.values())

    def picture_of(self, cel: Cel) -> Path:
        """The file of a picture. Raises DocumentError if it is missing, or not beside the document."""
        folder = self.path.parent.resolve()
        path = (folder / cel.file.replace("\\", "/")).resolve()
        if not path.is_relative_to(folder):
            raise DocumentError(f"{self.path}: The picture {cel.file!r} is outside of the document's folder: move it.")
        if not path.is_file():
            raise DocumentError(f"{self.path}: The picture {cel.file!r} is missing: write the layers again.")
        return path


def read_document(place: Path) -> Document:
    """Read the document of a take's folder, of its own folder, or in a file. Raises DocumentError."""
    path = _file(place)
    try:
        document = Document.model_validate(json.loads(path.read_bytes()))
    except OSError as error:
        raise DocumentError(f"{path} cannot be read: {error.strerror}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "the document"
        raise DocumentError(f"{path}: {field} cannot be used: {first['msg']}.") from error
    except ValueError as error:  # also what is no UTF-8
        raise DocumentError(f"{path} is not a document of OCA: it is no JSON ({error}).") from error
    return document.model_copy(update={"path": path})


def _file(place: Path) -> Path:
    if place.is_file():
        return place
    candidates = [*sorted(place.glob(f"*{SUFFIX}")), *sorted((place / _FOLDER).glob(f"*{SUFFIX}"))]
    found = next((one for one in candidates if one.is_file()), None)
    if found is None:
        raise DocumentError(
            f"{place} has no layers: part the take in Blender (Part by Layers in its menu), or give an OCA file."
        )
    return found
