# SPDX-License-Identifier: GPL-3.0-or-later
"""Stage `sketch`: SketchDiT learns to control the denoiser (§3.2.1, §4.1).

On a base, SketchDiT is trained as in the paper: alone, starting from the base's first blocks, with the rest frozen.
There is no small CogVideoX to freeze, so the tiny stack trains denoiser, SketchDiT and text encoder together.
"""

from pathlib import Path

import torch

from ..hints import HINT_SHARE, Hints, make_hints
from ..samples import SampleShape
from ..stack import MEMORY_PARTS, load_stack
from ..stage import Settings, train_stage
from .denoising import DenoisingStage


class SketchStage(DenoisingStage):
    """SketchDiT and, without a base, the denoiser and the text encoder."""

    def __init__(self, folder: Path, shape: SampleShape, settings: Settings, hints: Hints | None) -> None:
        learned = ("transformer", "sketch_dit", "text_encoder") if settings.base is None else ("sketch_dit",)
        pipeline = load_stack(folder, settings.base, learned, MEMORY_PARTS, settings.base_dtype)
        super().__init__(pipeline, learned, shape, hints, settings.base is None, settings.recompute, settings.shard)


def train_sketch(
    folder: Path, shape: SampleShape, settings: Settings, hint_share: float = HINT_SHARE, compiled: bool = False
) -> None:
    """Train the stage and write the averaged weights to `folder`. Without a base, `folder`/vae must exist."""
    stage = SketchStage(folder, shape, settings, make_hints(folder, hint_share))
    if compiled:
        stage.predict = torch.compile(stage.predict)  # type: ignore[method-assign]
    train_stage("sketch", folder, stage, settings, shape=shape, hints=hint_share, compiled=compiled)
