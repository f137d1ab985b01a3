# SPDX-License-Identifier: GPL-3.0-or-later
"""Wan 2.1 VACE as an engine (VACE, Jiang et al. 2025, arXiv:2503.07598), through Diffusers' pipeline.

VACE reads a control video, a mask of what is to be made, and reference images. Here, the control video is the line art,
as dark lines on white, which is what VACE's own scribbles are. Frames that are finished, or painted as a keyframe, are
in the control video as they are, and the mask keeps them. So a segment continues the one before it. The keyframe is the
reference image.
"""

import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKLWan, WanVACEPipeline, WanVACETransformer3DModel
from PIL import Image
from torch import nn
from transformers import UMT5Config, UMT5EncoderModel

from server.longanimation.context_parallel import ContextParallelError
from server.longanimation.footprint import MARGIN, Footprint, Workload, weight_bytes
from server.longanimation.latent_codec import Operation, TilingMixin
from server.longanimation.long_shot import ColoredSegment, derived_seed
from server.longanimation.placement import (
    MemoryModeError,
    Plan,
    check_cpu_mode,
    check_weights,
    choose,
    free_memory,
    work_dtype,
)
from server.longanimation.plan import Segment, continued, plan_segments
from server.longanimation.prompts import cut_prompt
from server.longanimation.sketch import image_signal

from .engine import Sampling, StepCallback
from .long_animation import step_callback

MODES = ("full", "model")
"""The memory modes: everything on the GPU, or the module that works. Streaming layers would not need less than `model`,
because the text encoder's embedding is a large part of the weights."""
OVERLAP = 5
"""Finished drawings that a segment continues: the first latent holds one of them, the second the others."""
PROMPT_TOKENS = 226
"""Tokens of a prompt that the pipeline reads."""
DRAFT = 3
"""A draft takes a share of the steps, one in so many. It is another take than the exact one."""
DENOISING_TENSORS = 20
"""Tensors [tokens, width] that live at once in a block of the transformer, besides one for each control layer (17.2, as
the peak of living tensors on the meta device, at 832×480 and at 1280×720)."""
VAE_MAPS = 15
"""Maps of the VAE's least width, of four frames in float32, that live at once while it decodes (12.1, likewise)."""


class WanVae(TilingMixin, AutoencoderKLWan):
    """Wan's VAE, whose operations are repeated in tiles of 256×256 pixels where the GPU's memory runs out. The tiles
    overlap by 64 and are blended."""

    def encode(self, x: torch.Tensor, return_dict: bool = True) -> Any:
        """See AutoencoderKLWan. Raises torch.OutOfMemoryError when tiles are too large, too."""
        return self._attempt("encode", super().encode, x, return_dict)

    def decode(self, z: torch.Tensor, return_dict: bool = True) -> Any:
        """See AutoencoderKLWan. Raises torch.OutOfMemoryError when tiles are too large, too."""
        return self._attempt("decode", super().decode, z, return_dict)

    def _attempt(self, operation: Operation, run: Callable[..., Any], video: torch.Tensor, return_dict: bool) -> Any:
        def attempt() -> Any:
            try:
                return run(video, return_dict)
            except torch.OutOfMemoryError:
                self.clear_cache()  # what the layers keep of earlier frames
                raise

        return self._in_tiles_if_needed(self, operation, attempt, video.device)


class WanVaceEngine:
    """A pipeline of Wan VACE."""

    def __init__(self, pipeline: WanVACEPipeline) -> None:
        self.pipeline = pipeline
        self.multiple = pipeline.vae_scale_factor_spatial * pipeline.transformer.config.patch_size[1]
        self.arithmetic = (pipeline.transformer.dtype,)

    @property
    def tiled(self) -> Collection[str]:
        """See `Engine`."""
        return self.pipeline.vae.tiled

    def cut_prompt(self, prompt: str) -> tuple[str, str]:
        """See `Engine`."""
        return cut_prompt(self.pipeline.tokenizer, prompt, PROMPT_TOKENS)

    def plan(
        self,
        drawings: int,
        keyframes: Sequence[int],
        segment: int,
        holds: Sequence[int] | None = None,
        cuts: Collection[int] = (),
        corrections: Sequence[int] = (),
    ) -> tuple[Segment, ...]:
        """See `Engine`."""
        return plan_segments(
            drawings, keyframes, segment, OVERLAP, passed_on=0, holds=holds, cuts=cuts, corrections=corrections
        )

    def open(
        self,
        sketches: Sequence[torch.Tensor],
        references: Mapping[int, torch.Tensor],
        prompt: str,
        sampling: Sampling,
    ) -> "WanVaceShot":
        """See `Engine`."""
        segments = self.plan(
            len(sketches), list(references), sampling.segment, sampling.holds, sampling.cuts, sampling.corrections
        )
        return WanVaceShot(self.pipeline, segments, sketches, references, prompt, sampling)


class WanVaceShot:
    """A shot that Wan VACE colors."""

    def __init__(
        self,
        pipeline: WanVACEPipeline,
        segments: tuple[Segment, ...],
        sketches: Sequence[torch.Tensor],
        references: Mapping[int, torch.Tensor],
        prompt: str,
        sampling: Sampling,
    ) -> None:
        self.segments = segments
        self._pipeline = pipeline
        self._sketches = sketches
        self._references = references
        # Encoded once for the shot: the text encoder is most of the weights, and may have to be brought to the GPU.
        self._text = functools.cache(lambda: [_encode_text(pipeline, text) for text in (prompt, "")])
        self._sampling = sampling
        self._steps = max(1, sampling.steps // DRAFT) if sampling.quality == "draft" else sampling.steps
        self._finished: dict[int, torch.Tensor] = {}

    def color(self, index: int, on_step: StepCallback | None, hints: torch.Tensor | None) -> ColoredSegment:
        """See `ShotModel`. There are no hints."""
        segment = self.segments[index]
        colorings = [self._color(segment, number, on_step) for number in range(len(self._references[segment.keyframe]))]
        kept = torch.stack(colorings)[:, segment.places]
        return ColoredSegment(segment.drawings, (kept * 255).round().byte(), None)

    def remember(self, index: int, frames: torch.Tensor, tail: torch.Tensor | None) -> None:
        """See `ShotModel`. Frames that later segments continue are kept."""
        later = continued(self.segments[index + 1 :])
        known = self._finished | dict(zip(self.segments[index].drawings, frames.unbind(1), strict=True))
        self._finished = {drawing: frame.clone() for drawing, frame in known.items() if drawing in later}

    def _color(self, segment: Segment, number: int, on_step: StepCallback | None) -> torch.Tensor:
        """Return the frames [F, 3, H, W] in 0..1 of a segment's sequence in one of the colorings."""
        known = [self._known(drawing, number) for drawing in segment.sequence]
        count = next((place for place, frame in enumerate(known) if frame is None), len(known))
        temporal = self._pipeline.vae_scale_factor_temporal
        kept = 1 + (count - 1) // temporal * temporal if count else 0  # whole latents
        frames = [
            frame if frame is not None and place < kept else (1 - self._sketches[drawing]) / 2
            for place, (drawing, frame) in enumerate(zip(segment.sequence, known, strict=True))
        ]
        frames += frames[-1:] * (-(len(frames) - 1) % temporal)
        video = torch.stack(frames)[None]
        mask = torch.ones_like(video)
        mask[:, :kept] = 0
        reference = (self._references[segment.keyframe][number].permute(1, 2, 0) + 1) * 127.5
        text, negative = self._text()
        output = self._pipeline(
            prompt_embeds=text,
            negative_prompt_embeds=negative,
            video=video,
            mask=mask,
            reference_images=[Image.fromarray(reference.round().byte().numpy())],
            height=video.shape[-2],
            width=video.shape[-1],
            num_frames=len(frames),
            num_inference_steps=self._steps,
            guidance_scale=self._sampling.guidance,
            generator=torch.Generator().manual_seed(derived_seed(self._sampling.seed, segment.drawings[0], number)),
            output_type="pt",
            callback_on_step_end=step_callback(on_step, self._steps),
        )
        return output.frames[0].float().cpu()

    def _known(self, drawing: int, number: int) -> torch.Tensor | None:
        """Return the frame [3, H, W] in 0..1 of a drawing that is a keyframe or finished."""
        if drawing in self._references:
            return (self._references[drawing][number] + 1) / 2
        if drawing not in self._finished:
            return None
        frame = self._finished[drawing][number].permute(1, 2, 0).numpy()  # without the letterbox
        return (image_signal(frame, *self._sketches[drawing].shape[1:]) + 1) / 2


@torch.no_grad()
def _encode_text(pipeline: WanVACEPipeline, text: str) -> torch.Tensor:
    """Return text features [1, PROMPT_TOKENS, D], zero after the end of the text, as Wan was trained."""
    tokens = pipeline.tokenizer(
        " ".join(text.split()), padding="max_length", max_length=PROMPT_TOKENS, truncation=True, return_tensors="pt"
    ).to(pipeline._execution_device)
    features = pipeline.text_encoder(tokens.input_ids, tokens.attention_mask).last_hidden_state
    return features * tokens.attention_mask[..., None].to(features.dtype)


class WanVaceLoader:
    """Loads pipelines of Wan VACE."""

    def load(self, folder: Path, device: torch.device, workload: Workload, mode: str) -> WanVaceEngine:
        """See `EngineLoader`."""
        _check_alone(workload)
        modules = _skeleton(folder)
        check_weights(folder, modules)
        chosen = "full"
        if device.type == "cpu":
            check_cpu_mode(mode)
        else:
            chosen = self._choose(modules, device, workload, mode).mode
        dtype = work_dtype(device)
        # Decoding in 16 bits shows.
        vae = WanVae.from_pretrained(folder, subfolder="vae", dtype=torch.float32)
        pipeline = WanVACEPipeline.from_pretrained(folder, vae=vae, dtype=dtype)
        pipeline.set_progress_bar_config(disable=True)
        if chosen == "full":
            pipeline.to(device)
        else:
            pipeline.enable_model_cpu_offload(device=device)
        return WanVaceEngine(pipeline)

    def fit(self, folder: Path, device: torch.device, workload: Workload, mode: str) -> Plan:
        """See `EngineLoader`."""
        _check_alone(workload)
        return self._choose(_skeleton(folder), device, workload, mode)

    def _choose(self, modules: Mapping[str, nn.Module], device: torch.device, workload: Workload, mode: str) -> Plan:
        if mode not in ("auto", *MODES):
            raise MemoryModeError(f"Wan VACE has the memory modes {', '.join(MODES)}, not {mode!r}.")
        plans = [Plan(one, False, _footprint(modules, workload, one, work_dtype(device))) for one in MODES]
        return choose(plans, free_memory(device), mode)


def _check_alone(workload: Workload) -> None:
    """Raise ContextParallelError for a shot on several GPUs: Diffusers has a plan for Wan, but none for VACE's control
    layers."""
    if workload.context_parallel > 1:
        raise ContextParallelError(
            f"The preset's `context_parallel` is {workload.context_parallel}, but Wan VACE colors a shot on one GPU. "
            "Set it to 1; several GPUs take several jobs."
        )


def _skeleton(folder: Path) -> dict[str, nn.Module]:
    """Return the modules of a pipeline folder on the meta device."""
    with torch.device("meta"):
        return {
            "text_encoder": UMT5EncoderModel(UMT5Config.from_pretrained(folder, subfolder="text_encoder")),
            **{
                name: kind.from_config(kind.load_config(folder, subfolder=name))
                for name, kind in (("transformer", WanVACETransformer3DModel), ("vae", AutoencoderKLWan))
            },
        }


def _footprint(modules: Mapping[str, nn.Module], workload: Workload, mode: str, dtype: torch.dtype) -> Footprint:
    """Estimate the memory that a mode takes; see `server.longanimation.footprint.footprint`."""
    types: dict[str, torch.dtype] = {"text_encoder": dtype, "transformer": dtype, "vae": torch.float32}
    weights = {name: weight_bytes(module, types[name]) for name, module in modules.items()}
    config: Any = modules["transformer"].config
    vae: Any = modules["vae"].config
    width = config.num_attention_heads * config.attention_head_dim
    spatial = 2 ** len(vae.temperal_downsample) * config.patch_size[1]
    latents = 2 + (workload.drawings - 1) // 2 ** sum(vae.temperal_downsample)  # one more for the reference
    activations = {
        "text_encoder": 0,
        "transformer": (DENOISING_TENSORS + len(config.vace_layers))
        * latents
        * (workload.pixels // spatial**2)
        * width
        * dtype.itemsize,
        "vae": VAE_MAPS * vae.base_dim * 4 * 4 * workload.pixels + 2 * workload.drawings * 3 * workload.pixels * 4,
    }
    if mode == "full":
        needed = sum(weights.values()) + max(activations.values())
    else:
        needed = max(weights[name] + activations[name] for name in weights)
    return Footprint(MARGIN + needed, 0 if mode == "full" else MARGIN + sum(weights.values()))
