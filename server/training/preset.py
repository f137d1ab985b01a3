# SPDX-License-Identifier: GPL-3.0-or-later
"""Stage `preset`: put what the other stages trained together as a preset's folder."""

import json
import shutil
from pathlib import Path

import torch
from diffusers import AutoencoderKLCogVideoX
from transformers import T5EncoderModel

from server.colorize.presets import WEIGHTS
from server.longanimation import (
    DynamicGlobalLocalMemory,
    LongAnimationPipeline,
    LongAnimationTransformer3DModel,
    SketchDiT,
    VideoXL,
)
from server.longanimation.tiny import tiny_scheduler, tiny_tokenizer, tiny_video_tokenizer

SETTINGS = {
    "title": "Tiny: for any computer",
    "licence": "GPL-3.0-or-later; trained from nothing on this project's own procedural cartoons",
    "pixels": 256 * 144,
    "segment": 13,
    "steps": 2,
    "guidance": 1.0,
    "votes": 8,
}


def assemble_preset(run: Path, target: Path = WEIGHTS / "tiny") -> None:
    """Write `run`'s modules as one pipeline in bfloat16 to `target`, which is replaced when all is written."""
    pipeline = LongAnimationPipeline(
        tokenizer=tiny_tokenizer(),
        text_encoder=T5EncoderModel.from_pretrained(run / "text_encoder"),
        vae=AutoencoderKLCogVideoX.from_pretrained(run / "vae"),
        transformer=LongAnimationTransformer3DModel.from_pretrained(run / "transformer"),
        sketch_dit=SketchDiT.from_pretrained(run / "sketch_dit"),
        dynamic_memory=DynamicGlobalLocalMemory.from_pretrained(run / "dynamic_memory"),
        video_tokenizer=tiny_video_tokenizer(),
        video_xl=VideoXL.from_pretrained(run / "video_xl"),
        scheduler=tiny_scheduler(),
    )
    fresh = target.with_name(f".{target.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    pipeline.to(torch.bfloat16).save_pretrained(fresh)
    (fresh / "preset.json").write_text(json.dumps(SETTINGS, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    shutil.rmtree(target, ignore_errors=True)
    fresh.rename(target)
