# SPDX-License-Identifier: GPL-3.0-or-later
"""A golden case of the whole pipeline: small modules, and what the research code makes of their inputs."""

import json
from pathlib import Path

import torch
from diffusers import AutoencoderKLCogVideoX, CogVideoXDPMScheduler
from safetensors.torch import load_file
from torch import nn

from server.longanimation import (
    DynamicGlobalLocalMemory,
    LongAnimationPipeline,
    LongAnimationTransformer3DModel,
    SketchDiT,
)


def golden_pipeline(folder: Path) -> LongAnimationPipeline:
    """Return the pipeline of a case in float32 on the CPU."""
    config = json.loads((folder / "config.json").read_text())

    def loaded(module: nn.Module, name: str) -> nn.Module:
        module.load_state_dict(load_file(folder / f"{name}.safetensors"), strict=True)
        return module.eval()

    memory = DynamicGlobalLocalMemory(**config["glm"], mapping_sizes=(32, 48, 64))
    pipeline = LongAnimationPipeline(
        tokenizer=None,
        text_encoder=None,
        vae=loaded(AutoencoderKLCogVideoX(**config["vae"]), "vae"),
        transformer=loaded(LongAnimationTransformer3DModel(**config["transformer"]), "transformer"),
        sketch_dit=loaded(SketchDiT(**config["control"]), "transformer_control"),
        dynamic_memory=loaded(memory, "glm"),
        video_tokenizer=None,
        video_xl=None,
        scheduler=CogVideoXDPMScheduler.from_config(config["scheduler"]),
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def golden_frames(folder: Path, device: torch.device, dtype: torch.dtype) -> torch.Tensor:
    """Return the frames [F, 3, H, W] of the first segment of a case, computed on a device in a type."""
    pipeline, io = golden_pipeline(folder).to(device, dtype), load_file(folder / "io.safetensors")
    output = pipeline(
        io["image_rgb"].permute(2, 0, 1)[None].float() / 127.5 - 1,
        sketch_latents=torch.cat([io["sketches_first_frame"], io["sketches_seg0"]], dim=1),
        prompt_embeds=io["prompt_embeds"],
        negative_prompt_embeds=io["negative_prompt_embeds"],
        latents=io["seg0_initial_latents"],
        step_noise=io["scheduler_noise_used"][:, None],
        generator=torch.Generator().manual_seed(42),
        compatibility="research",
    )
    return output.frames[0].cpu()
