# SPDX-License-Identifier: GPL-3.0-or-later
"""OCA, the Open Cel Animation format of RxLaboratory, version 1.3 (https://oca.rxlab.guide): JSON beside PNGs."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from ..files import replacing
from ..shared.manifest import ShotManifest
from .take import frame_name

SUFFIX = ".oca"
_VERSION = "1.3.0"


def write_document(path: Path, shot: ShotManifest, layers: Mapping[str, Sequence[bool]]) -> None:
    """Write the document of a shot. Its images are `NAME/NNNN.png` beside it. Raises OSError.

    layers: for each layer, by its name and the lowest first, which drawings show something on it.
    """
    document = {
        "ocaVersion": _VERSION,
        "name": shot.name,
        "frameRate": shot.fps,
        "width": shot.width,
        "height": shot.height,
        "startTime": shot.frame_start,
        "endTime": shot.exposure.frames.stop - 1,
        "colorDepth": "U8",
        "backgroundColor": [0.0, 0.0, 0.0, 0.0],
        "layers": [_layer(shot, name, shown) for name, shown in layers.items()],
        "originApp": "LongAnimation Color",
        "originAppVersion": "",
    }
    with replacing(path) as partial:
        partial.write_text(json.dumps(document, indent=4, ensure_ascii=False), encoding="utf-8")


def _layer(shot: ShotManifest, name: str, shown: Sequence[bool]) -> dict[str, Any]:
    frames = [*_frames(shot, name, shown)]
    return {
        "name": name,
        "id": str(uuid.uuid4()),
        "type": "paintlayer",
        "fileType": "png",
        "animated": len(frames) > 1,
        "blendingMode": "normal",
        "inheritAlpha": False,
        "passThrough": False,
        "reference": False,
        "visible": True,
        "label": 0,
        "frames": frames,
        "childLayers": [],
        "meta": {},
        **_place(shot.width, shot.height),
    }


def _frames(shot: ShotManifest, name: str, shown: Sequence[bool]) -> Iterator[dict[str, Any]]:
    """A layer's frames: the picture of a drawing's first frame, as long as the drawing is held."""
    exposure = shot.exposure
    for drawing, held in groupby(exposure.frames, exposure.drawing_at):
        start, *others = held
        file = frame_name(exposure.first_frame_of(drawing))
        seen = shown[drawing]
        yield {
            "name": f"{name}_{Path(file).stem}" if seen else "_blank",
            "id": str(uuid.uuid4()),
            "fileName": f"{name}/{file}" if seen else "",
            "frameNumber": start,
            "duration": 1 + len(others),
            "meta": {},
            **(_place(shot.width, shot.height) if seen else _place(0, 0)),
        }


def _place(width: int, height: int) -> dict[str, Any]:
    """The size of a picture that fills the document, and its middle."""
    return {"position": [width / 2, height / 2], "width": width, "height": height, "opacity": 1.0}
