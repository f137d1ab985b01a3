# SPDX-License-Identifier: GPL-3.0-or-later
"""The shot that the extension sends to be colored."""

from __future__ import annotations

import math
import typing
from dataclasses import dataclass
from typing import Literal

from .digests import is_address
from .palette import MOST_SWATCHES, require_color
from .protocol import require, shown
from .timing import Exposure
from .traces import TraceFill, require_traces

Finish = Literal["painted", "flats"]
Background = Literal["kept", "generated"]
Quality = Literal["auto", "exact", "final", "draft", "preview"]
Priority = Literal["low", "normal", "high"]

MOST_GAP = 0.25
"""The widest break in a line that a shot can have closed, in heights of a drawing."""
SMALLEST_REGION = 6
"""The fewest pixels of a region, unless a shot has another limit. Fewer are specks between line pixels."""
MOST_SHEETS = 4
"""The most model sheets of a shot. Each costs as much time as a further keyframe."""


@dataclass(frozen=True)
class Keyframe:
    """A painted image.

    frame: the frame number it shows. blob: the address of its file. correction: 0 if the shot is first colored from it,
    or the number of the correction that adds it. A correction colors only the frames again that are nearest to its own
    keyframes, and takes the others from the job that it corrects.
    """

    frame: int
    blob: str
    correction: int = 0

    def __post_init__(self) -> None:
        require(
            is_address(self.blob),
            "bad_address",
            "keyframes.blob",
            f"A keyframe's blob must be a SHA-256 address, not {shown(self.blob)}.",
        )


@dataclass(frozen=True)
class ShotManifest:
    """One shot to color.

    name: for display; it is never used as a path.
    frame_start: first frame number; timing has one entry per frame.
    fps: frames per second.
    width, height: size in pixels of every drawing and keyframe.
    drawings: addresses of the distinct line drawings (dark lines on white). One is listed twice if its paint changes
        while it is held (see `shared.timing.expose`).
    timing: for each frame, the index of its drawing in `drawings`.
    keyframes: at least one painted frame of the range, in the order in which work proceeds from them. A job that
        corrects another one appends its own; segments that do not depend on them are then reused.
    sheets: addresses of model sheets, which are painted pictures of figures that are no frames of the shot. Colors
        that no keyframe shows come from them.
    preset, prompt, seed, finish: how to color. parent: the job that this one corrects.
    quality: "auto" is what the preset recommends. "draft" is for reviewing a take, "final" is faster where it is not
        visible, "exact" omits nothing. "preview" works without the model: colors are only propagated, which takes
        seconds and shows where the keyframes leave colors to guess.
    background: "kept" leaves transparent what the keyframes leave transparent; with "generated" the model paints it
        from the prompt.
    priority: this job's priority among waiting jobs; it can be changed later.
    palette: colors as `#rrggbb` that are entries of the palette of their own wherever a keyframe shows them, however
        alike they are. Other colors that look the same in different keyframes are one entry.
    traces: colors of color-trace lines, as `#rrggbb`. Such lines part regions, and are not seen in the frames.
    trace_fill: what is seen in their place: "sides" gives each side half of a line, "darker" all of it to the darker
        side.
    gap: breaks in lines up to this width are closed, in heights of the drawing, 0 … `MOST_GAP`. At 0 the evidence of
        the colors decides which breaks leak.
    smallest_region: areas between lines that have fewer pixels take the color of the nearest region.
    accept_errors: color the shot although the checks of its images (`shared.checks`) find errors, because the images
        are meant to be as they are. The errors are then listed in the job's events, as doubts are.
    """

    name: str
    frame_start: int
    fps: float
    width: int
    height: int
    drawings: tuple[str, ...]
    timing: tuple[int, ...]
    keyframes: tuple[Keyframe, ...]
    preset: str = "tiny"
    prompt: str = ""
    seed: int = 0
    finish: Finish = "flats"
    quality: Quality = "auto"
    background: Background = "kept"
    priority: Priority = "normal"
    parent: str | None = None
    accept_errors: bool = False
    sheets: tuple[str, ...] = ()
    palette: tuple[str, ...] = ()
    traces: tuple[str, ...] = ()
    trace_fill: TraceFill = "sides"
    gap: float = 0.0
    smallest_region: int = SMALLEST_REGION

    def __post_init__(self) -> None:
        require(
            bool(self.timing),
            "empty_range",
            "timing",
            "The frame range is empty: the last frame must not be before the first.",
        )
        require(bool(self.drawings), "no_drawings", "drawings", "The shot has no drawings to color.")
        require(
            bool(self.keyframes),
            "no_keyframe",
            "keyframes",
            "The shot has no keyframe: paint at least one of its frames.",
        )
        require(
            self.width > 0 and self.height > 0,
            "bad_size",
            "width",
            f"The size must be positive, not {self.width}×{self.height}.",
        )
        require(
            math.isfinite(self.fps) and self.fps > 0,
            "bad_fps",
            "fps",
            f"The frame rate must be positive, not {self.fps}.",
        )
        for index, drawing in enumerate(self.drawings):
            require(
                is_address(drawing),
                "bad_address",
                f"drawings.{index}",
                f"A drawing must be given by its SHA-256 address, not {shown(drawing)}.",
            )
        for index, sheet in enumerate(self.sheets):
            require(
                is_address(sheet),
                "bad_address",
                f"sheets.{index}",
                f"A model sheet must be given by its SHA-256 address, not {shown(sheet)}.",
            )
        require(
            len(self.sheets) <= MOST_SHEETS,
            "too_many_sheets",
            "sheets",
            f"A shot can have {MOST_SHEETS} model sheets at most, not {len(self.sheets)}.",
        )
        for index, drawing_index in enumerate(self.timing):
            require(
                0 <= drawing_index < len(self.drawings),
                "bad_timing",
                f"timing.{index}",
                f"Frame {self.frame_start + index} shows drawing {drawing_index}, but there are "
                f"{len(self.drawings)} drawings.",
            )
        unused = set(range(len(self.drawings))) - set(self.timing)
        require(not unused, "bad_timing", "timing", f"Drawings {shown(sorted(unused))} are not shown by any frame.")
        seen: set[int] = set()
        for index, keyframe in enumerate(self.keyframes):
            require(
                keyframe.frame in self.exposure.frames,
                "keyframe_outside",
                f"keyframes.{index}.frame",
                f"Keyframe {keyframe.frame} lies outside the frame range "
                f"{self.frame_start}..{self.frame_end}: widen the range or choose a frame inside it.",
            )
            painted = self.exposure.drawing_at(keyframe.frame)
            require(
                painted not in seen,
                "keyframe_twice",
                f"keyframes.{index}.frame",
                f"Keyframe {keyframe.frame} paints a drawing that another keyframe already paints: remove one of them, "
                f"or list the drawing once more in drawings, for the frames from {keyframe.frame} on.",
            )
            seen.add(painted)
        corrections = [keyframe.correction for keyframe in self.keyframes]
        require(
            corrections[0] == 0 and corrections == sorted(corrections),
            "bad_correction",
            "keyframes.0.correction",
            "The corrections of the keyframes must begin with 0, and must not decrease.",
        )
        require(
            len(self.palette) <= MOST_SWATCHES,
            "bad_palette",
            "palette",
            f"A palette must have at most {MOST_SWATCHES} colors, not {len(self.palette)}.",
        )
        for index, color in enumerate(self.palette):
            require_color(color, f"palette.{index}")
        require_traces(self.traces)
        require(
            0 <= self.gap <= MOST_GAP,
            "bad_gap",
            "gap",
            f"The gap must be from 0 to {MOST_GAP} heights of a drawing, not {self.gap}.",
        )
        require(
            self.smallest_region >= 1,
            "bad_smallest_region",
            "smallest_region",
            f"The smallest region must have at least 1 pixel, not {self.smallest_region}.",
        )
        choices = (
            *(("finish", Finish), ("quality", Quality), ("background", Background), ("priority", Priority)),
            ("trace_fill", TraceFill),
        )
        for field, kind in choices:
            require(
                getattr(self, field) in typing.get_args(kind),
                f"bad_{field}",
                field,
                f"The {field} must be one of {', '.join(typing.get_args(kind))}, not {shown(getattr(self, field))}.",
            )
        require(
            self.background == "kept" or bool(self.prompt.strip()),
            "no_prompt",
            "prompt",
            "A generated background needs a prompt that says what it shows.",
        )

    @property
    def exposure(self) -> Exposure:
        """Which drawing each frame shows."""
        return Exposure(self.frame_start, self.timing)

    @property
    def frame_end(self) -> int:
        """Number of the last frame (inclusive)."""
        return self.frame_start + len(self.timing) - 1

    @property
    def blobs(self) -> tuple[str, ...]:
        """Addresses of all blobs that must be uploaded, each once."""
        return tuple(dict.fromkeys((*self.drawings, *(keyframe.blob for keyframe in self.keyframes), *self.sheets)))
