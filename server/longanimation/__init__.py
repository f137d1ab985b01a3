# SPDX-License-Identifier: GPL-3.0-or-later
"""LongAnimation (ICCV 2025): long animation coloring with dynamic global-local memory.

The modules `memory`, `sketch_dit`, `transformer` and `video_xl` keep their names: `model_index.json` of every preset
names them.
"""

from .fusion import FUSION_START
from .long_shot import ColoredSegment, LongShot
from .memory import DynamicGlobalLocalMemory
from .pipeline import LongAnimationPipeline, SegmentOutput
from .sampler import NonFiniteLatents
from .sampling_schedule import DRAFT, EXACT, FINAL, SCHEDULES, SamplingSchedule
from .sketch_dit import SketchDiT
from .transformer import LongAnimationTransformer3DModel
from .video_memory import VideoMemory
from .video_xl import VideoXL

__all__ = [
    "DRAFT",
    "EXACT",
    "FINAL",
    "FUSION_START",
    "SCHEDULES",
    "ColoredSegment",
    "DynamicGlobalLocalMemory",
    "LongAnimationPipeline",
    "LongAnimationTransformer3DModel",
    "LongShot",
    "NonFiniteLatents",
    "SamplingSchedule",
    "SegmentOutput",
    "SketchDiT",
    "VideoMemory",
    "VideoXL",
]
