# SPDX-License-Identifier: GPL-3.0-or-later
"""The methods that are compared: ours, the baselines, the ablations."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from server.coloring.ablation import FULL, Ablation
from server.coloring.numbered_files import FolderError
from server.coloring.shot import Shot
from server.evaluation import baselines
from server.evaluation.ceiling import ceiling
from server.evaluation.clip import Clip
from server.evaluation.colored_clip import ColoredClip
from server.evaluation.paradigms import (
    LVCD,
    MODEL,
    SegmentCallback,
    color_by_last_frame,
    color_from_neighbors,
    color_shot,
)
from server.evaluation.sources import Sources, from_keyframes, from_neighbors
from server.longanimation.long_shot import MemoryKind
from shared.manifest import Finish, Quality

if TYPE_CHECKING:
    from server.coloring.colorizer import Colorizer


@dataclass(frozen=True)
class Task:
    """A task for a method: to color a clip from the paintings of some of its drawings.

    keyframes: these drawings, in the order in which work proceeds from them; colorizer: returns the model, which is
    loaded on the first call; on_segment: called after each segment.
    """

    clip: Clip
    keyframes: tuple[int, ...]
    seed: int
    colorizer: Callable[[], Colorizer]
    on_segment: SegmentCallback | None = None

    @property
    def paintings(self) -> dict[int, np.ndarray]:
        """The paintings by drawing, RGB uint8 [H, W, 3]."""
        return {at: self.clip.truth[at] for at in self.keyframes}


@dataclass(frozen=True)
class Method:
    """A method of coloring.

    color: colors the task's clip; model: whether it runs the preset; sources: returns, for a number of drawings and the
    keyframes among them, what each drawing is colored from.
    """

    title: str
    color: Callable[[Task], ColoredClip]
    model: bool = True
    sources: Callable[[int, Collection[int]], Sources] = from_keyframes


Baseline = Callable[[Sequence[np.ndarray], Mapping[int, np.ndarray]], list[np.ndarray]]


def _without_model(title: str, color: Baseline) -> Method:
    return Method(title, lambda task: ColoredClip(color(task.clip.drawings, task.paintings)), model=False)


def _with_ablation(ablation: Ablation, finish: Finish, task: Task, quality: Quality = "auto") -> ColoredClip:
    shot = Shot(task.clip.drawings, task.paintings, seed=task.seed, quality=quality, finish=finish)
    colored = color_shot(task.colorizer(), shot, ablation, task.on_segment)
    # A painted region need not have the color that its guess names.
    return colored if finish == "flats" else colored._replace(guesses=None)


def _by_last_frame(task: Task) -> ColoredClip:
    return color_by_last_frame(task.colorizer(), task.clip.drawings, task.paintings, task.seed, task.on_segment)


def _from_neighbors(task: Task) -> ColoredClip:
    return color_from_neighbors(task.colorizer(), task.clip.drawings, task.clip.truth, task.on_segment)


def _ceiling(task: Task) -> ColoredClip:
    return ColoredClip(ceiling(task.clip.drawings, task.clip.truth, task.keyframes))


def _compared(title: str, ablation: Ablation) -> Method:
    """A method with the same finish as our own method, so that the paradigms can be compared with it."""
    return Method(title, functools.partial(_with_ablation, ablation, "flats"))


def _ablated(
    title: str, memory: tuple[MemoryKind, ...] = MODEL.memory, fusion_start: float = MODEL.fusion_start
) -> Method:
    """The model alone, as it painted: choosing one color for every region would hide what a module adds."""
    ablation = replace(MODEL, memory=memory, fusion_start=fusion_start)
    return Method(title, functools.partial(_with_ablation, ablation, "painted"))


METHODS = {
    "ours": _compared("ours", FULL),
    "preview": Method("ours, quality *preview*", functools.partial(_with_ablation, FULL, "flats", quality="preview")),
    "consecutive": Method(
        "ours, from the drawing before",
        _from_neighbors,
        sources=lambda drawings, keyframes: from_neighbors(drawings),
    ),
    "hold": _without_model("keyframe held", baselines.hold),
    "flow": _without_model("flow from the keyframe", baselines.flow),
    "flow-previous": _without_model("flow from the previous result (ACOF)", baselines.flow_previous),
    "ceiling": Method("the keyframe's colors at their best", _ceiling, model=False),
    "local": _compared("local paradigm (LVCD)", LVCD),
    "last-frame": Method("last frame as next reference", _by_last_frame),
    "sketch-dit": _ablated("SketchDiT", memory=()),
    "local-memory": _ablated("0 + local memory", memory=("local",)),
    "global-memory": _ablated("0 + global memory", memory=("global",)),
    "dglm": _ablated("0 + DGLM"),
    "no-fusion": _ablated("without fusion (t_st = 0)", fusion_start=1.0),
    "fusion-50": _ablated("fusion from t_st = 50", fusion_start=0.0),
    "fusion-40": _ablated("fusion from t_st = 40", fusion_start=0.2),
}
"""The methods by their names on the command line. The paper's t_st counts the steps of 50 that are left, and
`fusion_start` counts the steps that are done."""

TABLES = {
    "table1": ("hold", "flow", "flow-previous", "local", "last-frame", "ours"),
    "table2": ("sketch-dit", "local-memory", "global-memory", "dglm"),
    "table3": ("no-fusion", "fusion-50", "fusion-40", "dglm"),
}
"""The methods of the paper's tables. In Table 3, `dglm` is t_st = 20."""


def parse_methods(text: str) -> tuple[str, ...]:
    """Parse names of methods and of tables, separated by commas, into methods in the order of `METHODS`.

    Raises FolderError for an unknown name.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    chosen = {method for name in names for method in TABLES.get(name, (name,))}
    if unknown := sorted(chosen - METHODS.keys()):
        raise FolderError(
            f"There is no method {unknown[0]!r}. Give some of {', '.join((*TABLES, *METHODS))}, separated by commas."
        )
    if not chosen:
        raise FolderError(f"Name at least one method: {', '.join((*TABLES, *METHODS))}.")
    return tuple(name for name in METHODS if name in chosen)
