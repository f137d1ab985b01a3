# SPDX-License-Identifier: GPL-3.0-or-later
"""Painters of a shot's segments. Their pictures come before lines and votes decide; in a preview nothing is painted."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import torch

from server.coloring.line_art.compositing import over
from server.engines import Engine, Sampling, StepCallback
from server.longanimation.plan import Segment, continued
from server.longanimation.sketch import image_signal, sketch_signal, unfit

from .code_colors import Rendition
from .keyframes import Keyframes
from .model_size import ModelSize
from .propagation import Propagated
from .shot import Drawings, Shot

OUT_OF_MEMORY = (
    "The GPU's memory ran out. The model's pictures are made in overlapping tiles from here on, which changes them a "
    "little."
)


class Pictures(NamedTuple):
    """The pictures painted for a segment.

    images: uint8 [F, B, h, w, 3], B pictures of each drawing, one per rendition.
    tail: what the next segment fuses with, see `SegmentOutput`; None for nothing.
    note: what the animator should know about how they were painted; empty for nothing.
    """

    images: np.ndarray
    tail: torch.Tensor | None
    note: str = ""


class Painter(Protocol):
    """Paints the segments of one shot in order.

    segments: the plan of the work. note: what the animator should know before the work starts; empty for nothing.
    is_hinted: whether `paint` reads what is propagated to all drawings of a segment that are not finished yet, and not
        only to those that the segment keeps.
    """

    segments: tuple[Segment, ...]
    note: str
    is_hinted: bool

    def paint(self, index: int, propagated: Mapping[int, Propagated], on_step: StepCallback | None) -> Pictures:
        """Paint segment `index`, after all earlier ones are remembered.

        propagated: what is propagated to each of its drawings that is not a keyframe and not finished.
        """

    def state(self, colors: np.ndarray, tail: torch.Tensor | None) -> dict[str, np.ndarray]:
        """Return what `remember` needs from a finished segment in addition to its entries.

        colors: the colors of its drawings, RGB uint8 [F, h, w, 3], at the model's size, without lines.
        """

    def remember(self, index: int, state: Mapping[str, np.ndarray]) -> None:
        """Add finished segment `index` to the memory.

        state: the result of the method `state`, plus "entries", uint16 [F, h, w], at the model's size.
        """


class NoPainter:
    """Paints nothing. Previews use only propagated colors."""

    note = ""
    is_hinted = False

    def __init__(self, segments: tuple[Segment, ...]) -> None:
        self.segments = segments

    def paint(self, index: int, propagated: Mapping[int, Propagated], on_step: StepCallback | None) -> Pictures:
        if on_step is not None:
            on_step(0, 1)
        return Pictures(np.empty((len(self.segments[index].drawings), 0, 1, 1, 3), np.uint8), None)

    def state(self, colors: np.ndarray, tail: torch.Tensor | None) -> dict[str, np.ndarray]:
        return {}

    def remember(self, index: int, state: Mapping[str, np.ndarray]) -> None:
        pass


class ModelPainter:
    """The model. It paints all renditions of a segment at once.

    line_art: gives the line art uint8 [H, W] of a drawing.
    is_hinted: whether the model receives what is propagated to each drawing. binary_sketches: see `Preset`.
    """

    def __init__(
        self,
        engine: Engine,
        shot: Shot,
        keyframes: Keyframes,
        renditions: Sequence[Rendition],
        size: ModelSize,
        line_art: Callable[[int], np.ndarray],
        is_hinted: bool,
        binary_sketches: bool,
        sampling: Sampling,
    ) -> None:
        self._engine = engine
        self._keyframes = keyframes
        self._renditions = renditions
        self._size = size
        self._line_art = line_art
        self._shape = line_art(0).shape
        self.is_hinted = is_hinted
        self._entries: dict[int, np.ndarray] = {}
        prompt, left_out = engine.cut_prompt(shot.prompt)
        self.note = (
            f"The prompt is too long for this preset, which reads it up to “…{prompt[-20:]}”. Left out: “{left_out}”."
            if left_out
            else ""
        )
        self._model = engine.open(
            sketches=Drawings(
                range(len(shot.drawings)), lambda drawing: sketch_signal(line_art(drawing), *size, binary_sketches)
            ),
            references={drawing: self._reference(drawing, painting) for drawing, painting in shot.keyframes.items()},
            prompt=prompt,
            sampling=sampling,
        )
        self.segments = self._model.segments

    def paint(self, index: int, propagated: Mapping[int, Propagated], on_step: StepCallback | None) -> Pictures:
        hints = self._hints(self.segments[index], propagated) if self.is_hinted and propagated else None
        tiled = self._engine.tiled
        colored = self._model.color(index, on_step, hints)
        frames = colored.frames.permute(1, 0, 3, 4, 2).numpy()
        note = "" if self._engine.tiled == tiled else OUT_OF_MEMORY
        return Pictures(unfit(frames, *self._shape), colored.tail, note)

    def state(self, colors: np.ndarray, tail: torch.Tensor | None) -> dict[str, np.ndarray]:
        state = {} if tail is None else {"tail": tail.float().cpu().numpy()}
        for rendition in self._renditions:
            state |= rendition.state(colors)
        return state

    def remember(self, index: int, state: Mapping[str, np.ndarray]) -> None:
        """Add the frames to the memory as they are delivered (8 bits), so that it is the same in every process.

        Entries are kept only of drawings that later segments continue, so that memory does not grow with the shot.
        """
        later = continued(self.segments[index + 1 :])
        known = self._entries | dict(zip(self.segments[index].drawings, state["entries"], strict=True))
        self._entries = {drawing: entries.copy() for drawing, entries in known.items() if drawing in later}
        videos = [rendition.memory(state) for rendition in self._renditions]
        tail = torch.from_numpy(state["tail"]) if "tail" in state else None
        self._model.remember(index, torch.from_numpy(np.stack(videos)).permute(0, 1, 4, 2, 3), tail)

    def _reference(self, keyframe: int, painting: np.ndarray) -> torch.Tensor:
        """Return the reference images [B, 3, H, W] for a keyframe's painting uint8 [H, W, 3 or 4] (§4.2: masked areas
        are white)."""
        labels = self._size.shrink(self._keyframes.labels(keyframe))
        images = [rendition.reference(labels, over(painting, 255)) for rendition in self._renditions]
        return torch.stack([image_signal(image, *self._size) for image in images])

    def _hints(self, segment: Segment, propagated: Mapping[int, Propagated]) -> torch.Tensor:
        """Return a segment's drawings, as far as propagated or finished, in each rendition, [B, F, 3, H, W]."""
        hints = []
        for drawing in segment.sequence:
            if drawing in propagated:
                painted = self._keyframes.labels(segment.keyframe)
                elected = propagated[drawing].elect(self._line_art(drawing), painted, self._keyframes.meetings)
                labels = self._size.shrink(elected)
            elif drawing in self._keyframes:
                labels = self._size.shrink(self._keyframes.labels(drawing))
            else:
                labels = self._entries[drawing]
            images = [image_signal(rendition.hint(labels), *self._size) for rendition in self._renditions]
            hints.append(torch.stack(images))
        return torch.stack(hints, dim=1)
