# SPDX-License-Identifier: GPL-3.0-or-later
"""One segment through the whole stack: encode, denoise under control and memory, fuse, decode (paper Fig. 2)."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from diffusers import AutoencoderKLCogVideoX, CogVideoXDPMScheduler, DiffusionPipeline
from diffusers.utils.torch_utils import randn_tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from .denoiser import Denoiser
from .fusion import FUSED_LATENTS, color_consistency_fusion
from .geometry import Geometry
from .memory import DynamicGlobalLocalMemory, MappedMemory
from .rotary import rotary_embedding
from .sampling_schedule import EXACT, SamplingSchedule
from .sketch_dit import SketchDiT
from .solver import solve_step
from .transformer import LongAnimationTransformer3DModel
from .video_memory import Ratio, VideoMemory
from .video_xl import Crop, VideoXL

logger = logging.getLogger(__name__)

OFS = 2.0
"""CogVideoX-1.5's constant offset embedding."""

FUSION_START = 0.62
"""Share of the steps that pass before fusion begins: the research code fuses after the steps i > 30 of 50 (paper:
t_st = 20)."""

MEMORY_HEAD = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n"
MEMORY_TAIL = "\nCan you describe the scene and color in anime?<|im_end|>\n<|im_start|>assistant\n"
"""What Video-XL is told before and asked after the frames."""

Compatibility = Literal["research"]
"""`"research"` does as the authors' code does where ours does better; None, the default, does not."""

StepCallback = Callable[["LongAnimationPipeline", int, int, dict[str, Any]], dict[str, Any]]
"""Called after each step as in every Diffusers pipeline: (pipeline, index of the step, timestep, {"latents": …}); what
it returns may hold other latents. What it raises ends the run."""


class NonFiniteLatents(ArithmeticError):
    """The latents are no longer numbers; the message says since when and what to try."""


@dataclass(frozen=True)
class SegmentOutput:
    """A colored segment.

    frames: [B, F, 3, H, W] in 0..1; None when only latents were asked for.
    latents: [B, f, C, h, w], scaled, without the reference's.
    tail: for every fused step the last latents, [steps, B, 4, C, h, w]: what the next segment's fusion needs; None when
        the segment has fewer latents or no step is fused.
    """

    frames: torch.Tensor | None
    latents: torch.Tensor
    tail: torch.Tensor | None


class LongAnimationPipeline(DiffusionPipeline):
    """Colors one segment of sketches by a reference image; `LongShot` strings segments together.

    The reference rides at latent 0 with its own sketch; it is dropped before decoding. Published segments of 81
    drawings are 21 latents; with it they fill patches of two. The text parts may be missing (None) where embeddings are
    given, Video-XL where memory is.

    prompt_suffix: what is added to every prompt, as the weights saw it in training.
    """

    _optional_components = ["tokenizer", "text_encoder", "dynamic_memory", "video_tokenizer", "video_xl"]  # noqa: RUF012
    _callback_tensor_inputs = ["latents"]  # noqa: RUF012

    memory_mode = "full"
    """How the weights are kept, one of `placement.MODES`; set by who places them."""

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
        vae, transformer = self.vae.config, self.transformer.config
        return Geometry(
            spatial=2 ** (len(vae.block_out_channels) - 1),
            temporal=int(vae.temporal_compression_ratio),
            channels=vae.latent_channels,
            patch=transformer.patch_size,
            patch_time=transformer.patch_size_t or 1,
        )

    # What goes in

    def cut_prompt(self, prompt: str) -> tuple[str, str]:
        """Return the part of a prompt that the text encoder reads, and the rest."""
        limit = self.transformer.config.max_text_seq_length - 1  # one token says that the text ends
        tokens = self.tokenizer(prompt, add_special_tokens=False, verbose=False).input_ids
        if len(tokens) <= limit:
            return prompt, ""
        read = self.tokenizer.decode(tokens[:limit])
        return read, self.tokenizer.decode(tokens[limit:])

    @torch.no_grad()
    def encode_prompt(self, prompt: str) -> torch.Tensor:
        """Return text features [1, L, text_embed_dim]. Of a prompt over the limit of L tokens the end is left out, and
        a warning says which."""
        if rest := self.cut_prompt(prompt)[1]:
            logger.warning(
                "The prompt is longer than the %d tokens that the model reads; left out: %r. Shorten it.",
                self.transformer.config.max_text_seq_length,
                rest,
            )
        tokens = self.tokenizer(
            prompt,
            padding="max_length",
            max_length=self.transformer.config.max_text_seq_length,
            truncation=True,
            return_tensors="pt",
        ).input_ids
        return self.text_encoder(tokens.to(self._execution_device)).last_hidden_state

    def encode_video(self, signal: torch.Tensor, generator: torch.Generator | None) -> torch.Tensor:
        """Encode [B, F, 3, H, W] in −1..1 into an unscaled posterior sample [B, latents, C, h, w]."""
        video = signal.transpose(1, 2).to(self._execution_device, self.vae.dtype)
        return self.vae.encode(video).latent_dist.sample(generator).transpose(1, 2)

    def encode_sketches(
        self, reference_sketch: torch.Tensor, sketches: torch.Tensor, generator: torch.Generator | None = None
    ) -> torch.Tensor:
        """Return sketch latents [1, 1 + f, C, h, w], scaled: the sketch [3, H, W] of the reference image on its own,
        then the segment's [F, 3, H, W]."""
        parts = [self.encode_video(part[None], generator) for part in (reference_sketch[None], sketches)]
        return torch.cat(parts, dim=1) * self.vae.config.scaling_factor

    def encode_references(
        self,
        references: torch.Tensor,
        latents: int,
        generator: torch.Generator | None,
        hints: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Return image latents [B, latents, C, h, w]: the references [B, 3, H, W] at 0, then the hints [B, F, 3, H, W]
        or zeros.

        CogVideoX-1.5 (`invert_scale_latents`) was trained on them as they come from the VAE.
        """
        encoded = self.encode_video(references[:, None], generator)
        rest = encoded.new_zeros(len(encoded), latents - 1, *encoded.shape[2:])
        if hints is not None:
            rest = self.encode_video(hints, generator)
        image = torch.cat([encoded, rest], dim=1)
        return image if self.vae.config.invert_scale_latents else image * self.vae.config.scaling_factor

    def decode_video(self, latents: torch.Tensor) -> torch.Tensor:
        """Decode scaled latents [B, latents, C, h, w] into frames [B, F, 3, H, W] in 0..1."""
        video = latents.transpose(1, 2).to(self.vae.dtype) / self.vae.config.scaling_factor
        frames = self.vae.decode(video).sample.transpose(1, 2)
        return (frames.float() / 2 + 0.5).clamp(0, 1)

    # Memory (§3.2.2)

    def _video_ids(self, text: str) -> torch.Tensor:
        ids = self.video_tokenizer(text, add_special_tokens=False, return_tensors="pt").input_ids[0]
        return ids.to(self._execution_device)

    @torch.no_grad()
    def remember(
        self, memory: VideoMemory | None, frames: torch.Tensor, ratio: Ratio | None = None, crop: Crop = None
    ) -> VideoMemory:
        """Add finished frames [F, 3, H, W] in 0..1 to a memory, or begin one. What was compressed before stays as it
        is, so the cost is that of the new frames alone. ratio, crop: see `VideoXL.start` and `encode_frames`."""
        memory = self.video_xl.start(self._video_ids(MEMORY_HEAD), ratio) if memory is None else memory
        self.video_xl.append_frames(memory, frames, crop)
        return memory

    @torch.no_grad()
    def map_memory(self, history: Sequence[VideoMemory], latest: Sequence[VideoMemory] | None) -> MappedMemory:
        """Turn global memories (all frames so far) and local ones (the latest drawings), one of each for every
        coloring of a batch, into DGLM's keys and values: once a segment (Eq. 4)."""
        tail = self._video_ids(MEMORY_TAIL)
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
        fusion_start: float = FUSION_START,
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

        references: [B, 3, H, W] in −1..1; more than one gives as many colorings of the same drawings in one batch.
        reference_sketch: [3, H, W]; sketches: [F, 3, H, W]; both −1 paper, +1 line. Or sketch_latents: both encoded and
            scaled, [1, 1 + f, C, h, w].
        hints: [B, F, 3, H, W] in −1..1, what the drawings may look like, as carried from elsewhere; only for weights
            that were trained with them (the published ones were not).
        prompt: the pipeline's suffix is added. prompt_embeds, negative_prompt_embeds: the same encoded, [1, L, D].
        guidance_scale: 1 leaves the negative prompt out.
        generator: draws, in this order, the sketches' posterior (unless given), the references', the initial latents
            (unless given) and the noise of each step (unless given).
        memory: from `map_memory`, for all but the first segment.
        previous_tail: the previous segment's `SegmentOutput.tail`; its last latents must cover the drawings of this
            segment's latents 2..5, the reference's being 0.
        fusion_start: share of the steps that pass before fusion begins.
        latents: pure noise to begin with, [B, 1 + f, C, h, w]. step_noise: noise of each step, likewise.
        schedule: how much of the sampling is left out; a shot keeps to one.
        compatibility: "research" draws the noise of all steps but the first and the last twice and takes the second.
        Raises ValueError for inputs that do not fit, NonFiniteLatents when the model's arithmetic broke down.
        """
        self.geometry.check(references, reference_sketch, sketches, sketch_latents, latents, hints)
        guided = guidance_scale != 1.0
        batch, dtype, device = len(references), self.transformer.dtype, self._execution_device

        if prompt_embeds is None:
            prompt_embeds = self.encode_prompt(prompt + self.config.prompt_suffix)
        text = prompt_embeds.to(device, dtype).expand(batch, -1, -1)
        if guided:
            if negative_prompt_embeds is None:
                negative_prompt_embeds = self.encode_prompt(negative_prompt)
            text = torch.cat([negative_prompt_embeds.to(device, dtype).expand(batch, -1, -1), text])

        if sketch_latents is None:
            sketch_latents = self.encode_sketches(reference_sketch, sketches, generator)  # type: ignore[arg-type]
        sketch = sketch_latents.to(device, dtype).expand(batch, -1, -1, -1, -1)
        image = self.encode_references(references, sketch.shape[1], generator, hints).to(device, dtype)
        if latents is None:
            latents = randn_tensor(sketch.shape, generator=generator, device=device, dtype=dtype)
        latents = latents.to(device, dtype) * self.scheduler.init_noise_sigma

        denoiser = Denoiser(
            sketch_dit=self.sketch_dit,
            dynamic_memory=self.dynamic_memory,
            transformer=self.transformer,
            scheduler=self.scheduler,
            text=text,
            sketch=sketch,
            image=image,
            memory=memory,
            rotary=rotary_embedding(self.transformer, latents.shape[1], *latents.shape[3:]),
            ofs=torch.full((1,), OFS, device=device, dtype=dtype),
            guidance_scale=guidance_scale,
            steps=num_inference_steps,
            schedule=schedule,
        )
        self.scheduler.set_timesteps(num_inference_steps, device=device)
        first_fused = round(fusion_start * num_inference_steps)
        clean, timestep_before = None, None
        tail: list[torch.Tensor] = []
        with schedule.applied(self.transformer):
            for index, timestep in enumerate(self.progress_bar(self.scheduler.timesteps.tolist())):
                velocity = denoiser.velocity(index, timestep, latents)
                mean, deviation, clean = solve_step(self.scheduler, velocity, clean, timestep, timestep_before, latents)
                if step_noise is not None:
                    noise = step_noise[index].to(latents)
                else:
                    inner = 0 < index < num_inference_steps - 1
                    for _ in range(2 if compatibility == "research" and inner else 1):
                        noise = randn_tensor(latents.shape, generator=generator, device=device, dtype=dtype)
                latents = (mean + deviation * noise).to(dtype)
                timestep_before = timestep
                if not torch.isfinite(latents).all():
                    raise NonFiniteLatents(
                        f"The latents became NaN or infinite in step {index + 1} of {num_inference_steps}: the weights "
                        f"are damaged, or {dtype} is too narrow for them. Try float32, or convert the weights again."
                    )
                if index >= first_fused:
                    if previous_tail is not None:
                        latents = color_consistency_fusion(latents, previous_tail[index - first_fused].to(latents))
                    tail.append(latents[:, -FUSED_LATENTS:])
                if callback_on_step_end is not None:
                    outputs = callback_on_step_end(self, index, timestep, {"latents": latents})
                    latents = outputs.get("latents", latents)

        has_tail = bool(tail) and latents.shape[1] > FUSED_LATENTS + 1
        latents = latents[:, 1:]
        frames = self.decode_video(latents) if output_type == "pt" else None
        self.maybe_free_model_hooks()
        return SegmentOutput(frames, latents, torch.stack(tail) if has_tail else None)
