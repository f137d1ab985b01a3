# SPDX-License-Identifier: GPL-3.0-or-later
"""One segment through the whole stack: encode, denoise with control and memory, fuse, decode (paper Fig. 2)."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from diffusers import AutoencoderKLCogVideoX, CogVideoXDPMScheduler, DiffusionPipeline
from diffusers.utils.torch_utils import randn_tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from .companions import Companions, LeadingDenoiser
from .conditions import Conditions
from .denoiser import Denoiser
from .fusion import FUSION_START, RESEARCH_FUSION_START
from .geometry import Geometry
from .latent_codec import LatentCodecMixin
from .memory import DynamicGlobalLocalMemory, MappedMemory
from .prompts import MemoryPrompt, cut_prompt, memory_prompt, tokenize_prompts
from .rotary import rotary_embedding
from .sampler import NoiseSource, Sampler, StepHook
from .sampling_schedule import EXACT, SamplingSchedule
from .sketch_dit import SketchDiT
from .transformer import LongAnimationTransformer3DModel
from .video_memory import Ratio, VideoMemory
from .video_xl import Crop, VideoXL

logger = logging.getLogger(__name__)

Compatibility = Literal["research"]
"""`"research"` does what the authors' code does, even where ours is better. None, the default, does not."""

StepCallback = Callable[["LongAnimationPipeline", int, int, dict[str, Any]], dict[str, Any]]
"""Called after each step as in every Diffusers pipeline: (pipeline, index of the step, timestep, {"latents": …}). The
dictionary that it returns may hold other latents. An exception that it raises ends the run."""


@dataclass(frozen=True)
class SegmentOutput:
    """A colored segment.

    frames: [B, F, 3, H, W] in 0..1; None when only latents were asked for.
    latents: [B, f, C, h, w], scaled, without the reference's.
    tail: the last latents after every fused step, [steps, B, 4, C, h, w], which the next segment's fusion needs; None
        when the segment has fewer latents or no step is fused.
    """

    frames: torch.Tensor | None
    latents: torch.Tensor
    tail: torch.Tensor | None


class LongAnimationPipeline(DiffusionPipeline, LatentCodecMixin):
    """Colors one segment of sketches from a reference image. `LongShot` joins segments to a shot.

    The reference is at latent 0 with its own sketch, and is dropped before decoding. Published segments of 81 drawings
    have 21 latents, which fill patches of two together with the reference's latent.

    Args:
        tokenizer, text_encoder: for prompts; None if embeddings are given.
        vae: encodes sketches and references, and decodes frames.
        transformer: the denoising transformer.
        sketch_dit: makes the control signal.
        dynamic_memory: DGLM, which adds memory to the control signal; None if there is no memory.
        video_tokenizer, video_xl: for memory; None if mapped memory is given.
        scheduler: noise schedule and solver.
        prompt_suffix: added to every prompt, as the weights saw it in training.
    """

    _optional_components = ["tokenizer", "text_encoder", "dynamic_memory", "video_tokenizer", "video_xl"]  # noqa: RUF012

    memory_mode = "full"
    """How the weights are kept, one of `placement.MODES`; `placement` sets it."""

    companions: Companions | None = None
    """Processes that share the denoising; `placement` sets them."""

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase | None,
        text_encoder: PreTrainedModel | None,
        vae: AutoencoderKLCogVideoX,
        transformer: LongAnimationTransformer3DModel,
        sketch_dit: SketchDiT,
        dynamic_memory: DynamicGlobalLocalMemory | None,
        video_tokenizer: PreTrainedTokenizerBase | None,
        video_xl: VideoXL | None,
        scheduler: CogVideoXDPMScheduler,
        prompt_suffix: str = "",
    ) -> None:
        super().__init__()
        self.register_modules(
            tokenizer=tokenizer,
            text_encoder=text_encoder,
            vae=vae,
            transformer=transformer,
            sketch_dit=sketch_dit,
            dynamic_memory=dynamic_memory,
            video_tokenizer=video_tokenizer,
            video_xl=video_xl,
            scheduler=scheduler,
        )
        self.register_to_config(prompt_suffix=prompt_suffix)

    @property
    def geometry(self) -> Geometry:
        """How pixels and drawings become latents and patches."""
        return Geometry.of(self.vae, self.transformer)

    @property
    def denoiser(self) -> Denoiser:
        """The networks that predict velocities, whose work the companions share."""
        networks = self.sketch_dit, self.dynamic_memory, self.transformer
        return Denoiser(*networks) if self.companions is None else LeadingDenoiser(*networks, self.companions)

    # Prompts

    def cut_prompt(self, prompt: str) -> tuple[str, str]:
        """Return the part of a prompt that the text encoder reads before `prompt_suffix`, and the rest."""
        return self._cut_prompt(prompt, self.config.prompt_suffix)

    def _cut_prompt(self, prompt: str, suffix: str) -> tuple[str, str]:
        return cut_prompt(self.tokenizer, prompt, self.transformer.config.max_text_seq_length, suffix)

    @torch.no_grad()
    def encode_prompt(self, prompt: str, suffix: str = "") -> torch.Tensor:
        """Return text features [1, L, text_embed_dim] of a prompt and its suffix. If both have more than L tokens, the
        prompt is cut, and a warning says where."""
        prompt, rest = self._cut_prompt(prompt, suffix)
        if rest:
            logger.warning(
                "The prompt is longer than the %d tokens that the model reads; left out: %r. Shorten it.",
                self.transformer.config.max_text_seq_length,
                rest,
            )
        return self.text_features([prompt + suffix])

    def text_features(self, prompts: Sequence[str]) -> torch.Tensor:
        """Return text features [B, L, text_embed_dim] of prompts, cut to L tokens; with gradients."""
        ids = tokenize_prompts(self.tokenizer, prompts, self.transformer.config.max_text_seq_length)
        return self.text_encoder(ids.to(self._execution_device)).last_hidden_state

    # Memory (§3.2.2)

    def _memory_prompt(self) -> MemoryPrompt:
        return memory_prompt(self.video_tokenizer).to(self._execution_device)

    @torch.no_grad()
    def remember(
        self, memory: VideoMemory | None, frames: torch.Tensor, ratio: Ratio | None = None, crop: Crop = None
    ) -> VideoMemory:
        """Add finished frames [F, 3, H, W] in 0..1 to a memory, or start a new one. Earlier frames stay compressed, so
        only the new frames cost time. ratio, crop: see `VideoXL.start` and `encode_frames`."""
        memory = self.video_xl.start(self._memory_prompt().head, ratio) if memory is None else memory
        self.video_xl.append_frames(memory, frames, crop)
        return memory

    @torch.no_grad()
    def map_memory(self, history: Sequence[VideoMemory], latest: Sequence[VideoMemory] | None) -> MappedMemory:
        """Map global memories (all frames so far) and local memories (the latest drawings) to DGLM's keys and values,
        once per segment (Eq. 4). There is one of each for every coloring of a batch."""
        tail = self._memory_prompt().tail
        read = [
            None if memories is None else torch.cat([self.video_xl.read(memory, tail) for memory in memories])
            for memories in (history, latest)
        ]
        dtype, device = self.dynamic_memory.dtype, self._execution_device
        return self.dynamic_memory.map_memory(*(None if m is None else m.to(device, dtype) for m in read))

    # A segment

    @torch.no_grad()
    def __call__(
        self,
        references: torch.Tensor,
        reference_sketch: torch.Tensor | None = None,
        sketches: torch.Tensor | None = None,
        hints: torch.Tensor | None = None,
        prompt: str = "",
        negative_prompt: str = "",
        num_inference_steps: int = 50,
        guidance_scale: float = 6.0,
        generator: torch.Generator | None = None,
        memory: MappedMemory | None = None,
        previous_tail: torch.Tensor | None = None,
        fusion_start: float | None = None,
        prompt_embeds: torch.Tensor | None = None,
        negative_prompt_embeds: torch.Tensor | None = None,
        sketch_latents: torch.Tensor | None = None,
        latents: torch.Tensor | None = None,
        step_noise: Sequence[torch.Tensor] | None = None,
        schedule: SamplingSchedule = EXACT,
        compatibility: Compatibility | None = None,
        callback_on_step_end: StepCallback | None = None,
        output_type: Literal["pt", "latent"] = "pt",
    ) -> SegmentOutput:
        """Color one segment.

        When everything else is given, the generator draws only the posterior of the references. Otherwise it draws, in
        this order: the posterior of the sketches, that of the references, the initial latents, the noise of each step.

        Args:
            references: [B, 3, H, W] in −1..1. Several give as many colorings of the same drawings in one batch.
            reference_sketch: sketch of the reference, [3, H, W]: −1 paper, +1 line.
            sketches: of the segment's drawings, [F, 3, H, W]: −1 paper, +1 line.
            hints: what the drawings may look like, [B, F, 3, H, W] in −1..1, propagated from elsewhere. Only for
                weights that were trained with hints; the published ones were not.
            prompt: describes the shot. The pipeline's `prompt_suffix` is added. If both are too long, the prompt is
                cut.
            negative_prompt: describes what guidance avoids.
            num_inference_steps: number of denoising steps.
            guidance_scale: scale of classifier-free guidance; at 1 the negative prompt is not used.
            generator: of all random numbers that are not given.
            memory: from `map_memory`, for all segments but the first.
            previous_tail: `SegmentOutput.tail` of the previous segment. Its last latents must cover the drawings of
                this segment's latents 2..5; latent 0 is the reference's.
            fusion_start: share of the steps that pass before fusion begins; None for `FUSION_START`, and for
                `RESEARCH_FUSION_START` under `"research"`.
            prompt_embeds: features [1, L, D] instead of `prompt`.
            negative_prompt_embeds: features [1, L, D] instead of `negative_prompt`.
            sketch_latents: scaled latents [1, 1 + f, C, h, w] instead of `reference_sketch` and `sketches`.
            latents: initial noise [B, 1 + f, C, h, w].
            step_noise: noise of each step, each [B, 1 + f, C, h, w].
            schedule: what sampling leaves out for speed; all segments of a shot use the same.
            compatibility: `"research"` draws the noise twice in all steps but the first and the last, and uses the
                second draw, as the authors' code does. It also begins fusion a step later, and cuts a long suffix.
            callback_on_step_end: called after each step.
            output_type: `"pt"` decodes frames, `"latent"` returns latents only.

        Returns:
            The colored segment.

        Raises:
            ValueError: the inputs do not fit the model or each other.
            NonFiniteLatents: the model's arithmetic broke down.
            CompanionEnded: a process that shares the denoising ended.
        """
        self.geometry.check(references, reference_sketch, sketches, sketch_latents, latents, hints)
        batch, dtype, device = len(references), self.transformer.dtype, self._execution_device

        if prompt_embeds is None:
            suffix = self.config.prompt_suffix
            research = compatibility == "research"
            prompt_embeds = self.encode_prompt(prompt + suffix) if research else self.encode_prompt(prompt, suffix)
        text = prompt_embeds.to(device, dtype).expand(batch, -1, -1)
        negative = None
        if guidance_scale != 1.0:
            if negative_prompt_embeds is None:
                negative_prompt_embeds = self.encode_prompt(negative_prompt)
            negative = negative_prompt_embeds.to(device, dtype).expand(batch, -1, -1)

        if sketch_latents is None:
            sketch_latents = self.encode_sketches(reference_sketch, sketches, generator)  # type: ignore[arg-type]
        sketch = sketch_latents.to(device, dtype).expand(batch, -1, -1, -1, -1)
        image = self.encode_references(references, sketch.shape[1], generator, hints).to(device, dtype)
        if latents is None:
            latents = randn_tensor(sketch.shape, generator=generator, device=device, dtype=dtype)
        latents = latents.to(device, dtype) * self.scheduler.init_noise_sigma
        if fusion_start is None:
            fusion_start = RESEARCH_FUSION_START if compatibility == "research" else FUSION_START

        rotary = rotary_embedding(self.transformer, latents.shape[1], *latents.shape[3:])
        sampler = Sampler(
            self.denoiser,
            self.scheduler,
            Conditions(text, sketch, image, rotary, memory),
            negative,
            guidance_scale,
            num_inference_steps,
            schedule,
        )
        self.scheduler.set_timesteps(num_inference_steps, device=device)
        latents, tail = sampler.sample(
            latents,
            _noise_source(latents, num_inference_steps, generator, step_noise, compatibility),
            previous_tail,
            fusion_start,
            self.progress_bar,
            self._step_hook(callback_on_step_end),
        )
        latents = latents[:, 1:]
        frames = self.decode_video(latents) if output_type == "pt" else None
        self.maybe_free_model_hooks()
        return SegmentOutput(frames, latents, tail)

    def _step_hook(self, callback: StepCallback | None) -> StepHook | None:
        """Adapt a callback of a Diffusers pipeline to the sampler, which calls the result after each step."""
        if callback is None:
            return None

        def hook(index: int, timestep: int, latents: torch.Tensor) -> torch.Tensor:
            return callback(self, index, timestep, {"latents": latents}).get("latents", latents)

        return hook


def _noise_source(
    like: torch.Tensor,
    steps: int,
    generator: torch.Generator | None,
    given: Sequence[torch.Tensor] | None,
    compatibility: Compatibility | None,
) -> NoiseSource:
    """Return the source of noise for latents of the shape, device and type of `like`."""

    def noise(index: int) -> torch.Tensor:
        if given is not None:
            return given[index].to(like)
        if compatibility == "research" and 0 < index < steps - 1:
            randn_tensor(like.shape, generator=generator, device=like.device, dtype=like.dtype)
        return randn_tensor(like.shape, generator=generator, device=like.device, dtype=like.dtype)

    return noise
