# SPDX-License-Identifier: GPL-3.0-or-later
"""LongAnimation (ICCV 2025): long animation colouring with dynamic global-local memory."""

from .memory import DynamicGlobalLocalMemory
from .pipeline import LongAnimationPipeline, SegmentOutput
from .sketch_dit import SketchDiT
from .transformer import LongAnimationTransformer3DModel
from .video_xl import VideoMemory, VideoXL

__all__ = [
    "DynamicGlobalLocalMemory",
    "LongAnimationPipeline",
    "LongAnimationTransformer3DModel",
    "SegmentOutput",
    "SketchDiT",
    "VideoMemory",
    "VideoXL",
]
