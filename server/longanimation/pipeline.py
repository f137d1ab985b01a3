# SPDX-License-Identifier: GPL-3.0-or-later
"""One segment through the whole stack: encode, denoise under control and memory, fuse, decode (paper Fig. 2)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from diffusers import AutoencoderKLCogVideoX, CogVideoXDPMScheduler, DiffusionPipeline
from diffusers.utils.torch_utils import randn_tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from .fusion import FUSED_LATENTS, color_consistency_fusion
from .memory import DynamicGlobalLocalMemory, MappedMemory
from .rotary import rotary_embedding
from .sketch_dit import SketchDiT
from .transformer import LongAnimationTransformer3DModel
from .video_xl import VideoMemory, VideoXL

OFS = 2.0
"""CogVideoX-1.5's constant offset embedding."""

MEMORY_HEAD = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n"
MEMORY_TAIL = "\nCan you describe the scene and color in anime?<|im_end|>\n<|im_start|>assistant\n"
"""What Video-XL is told before and asked after the frames."""


@dataclass(frozen=True)
class SegmentOutput:
    """A coloured segment.

    frames: [B, F, 3, H, W] in 0..1.
    tail: for every fused step the last latents, [steps, B, 4, C, h, w]: what the next segment's fusion needs; None when
        the segment has fewer latents or no step is fused.
    """

    frames: torch.Tensor
    tail: torch.Tensor | None


class LongAnimationPipeline(DiffusionPipeline):
    """Colours one segment of sketches by a reference image.

    The reference rides at latent 0 with its own sketch; it is dropped before decoding. Published segments of 81
    drawings are 21 latents; with it they fill patches of two.
    """

    model_cpu_offload_seq = "video_xl->text_encoder->sketch_dit->dynamic_memory->transformer->vae"

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        text_encoder: PreTrainedModel,
        vae: AutoencoderKLCogVideoX,
        transformer: LongAnimationTransformer3DModel,
        sketch_dit: SketchDiT,
        dynamic_memory: DynamicGlobalLocalMemory,
        video_tokenizer: PreTrainedTokenizerBase,
        video_xl: VideoXL,
        scheduler: CogVideoXDPMScheduler,
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

    @property
    def spatial_compression(self) -> int:
        """Pixels a latent, in each direction."""
        return 2 ** (len(self.vae.config.block_out_channels) - 1)

    @property
    def spatial_multiple(self) -> int:
        """Heights and widths must be multiples of this."""
        return self.spatial_compression * self.transformer.config.patch_size

    @property
    def temporal_compression(self) -> int:
        """Drawings a latent, after the first."""
        return int(self.vae.config.temporal_compression_ratio)

    def check_inputs(self, references: torch.Tensor, reference_sketch: torch.Tensor, sketches: torch.Tensor) -> None:
        """Raise ValueError when shapes do not fit each other or the model."""
        height, width = sketches.shape[-2:]
        multiple = self.spatial_multiple
        if height % multiple or width % multiple:
            raise ValueError(f"The size {width}×{height} must be a multiple of {multiple} in both directions.")
        if references.shape[-2:] != (height, width) or reference_sketch.shape[-2:] != (height, width):
            raise ValueError(
                f"References {tuple(references.shape)}, their sketch {tuple(reference_sketch.shape)} and the sketches "
                f"{tuple(sketches.shape)} must have the same height and width."
            )
        if (len(sketches) - 1) % self.temporal_compression:
            raise ValueError(
                f"A segment has {self.temporal_compression}·k + 1 drawings, not {len(sketches)}: repeat the last one."
            )
        if not self._fills_patches(len(sketches)):
            raise ValueError(
                f"{len(sketches)} drawings with the reference do not fill patches of "
                f"{self.transformer.config.patch_size_t} latents."
            )

    def segment_length(self, drawings: int) -> int:
        """The least number of drawings, at least `drawings`, that fills latents and patches."""
        while (drawings - 1) % self.temporal_compression or not self._fills_patches(drawings):
            drawings += 1
        return drawings

    def _fills_patches(self, drawings: int) -> bool:
        """Whether the latents of so many drawings and the reference's make whole patches."""
        latents = 1 + (drawings - 1) // self.temporal_compression + 1
        return latents % self.transformer.config.patch_size_t == 0

    def encode_prompt(self, prompt: str) -> torch.Tensor:
        """Return text features [1, L, text_embed_dim]; a prompt over the limit is cut there."""
        tokens = self.tokenizer(
            prompt,
            padding="max_length",
            max_length=self.transformer.config.max_text_seq_length,
            truncation=True,
            return_tensors="pt",
        ).input_ids
        return self.text_encoder(tokens.to(self.text_encoder.device)).last_hidden_state

    def encode_video(self, signal: torch.Tensor, generator: torch.Generator | None) -> torch.Tensor:
        """Encode [B, F, 3, H, W] in −1..1 into an unscaled posterior sample [B, latents, C, h, w]."""
        video = signal.transpose(1, 2).to(self.vae.device, self.vae.dtype)
        return self.vae.encode(video).latent_dist.sample(generator).transpose(1, 2)

    def decode_video(self, latents: torch.Tensor) -> torch.Tensor:
        """Decode scaled latents [B, latents, C, h, w] into frames [B, F, 3, H, W] in 0..1."""
        video = latents.transpose(1, 2).to(self.vae.dtype) / self.vae.config.scaling_factor
        frames = self.vae.decode(video).sample.transpose(1, 2)
        return (frames.float() / 2 + 0.5).clamp(0, 1)

    def _video_ids(self, text: str) -> torch.Tensor:
        ids = self.video_tokenizer(text, add_special_tokens=False, return_tensors="pt").input_ids[0]
        return ids.to(self.video_xl.device)

    @torch.no_grad()
    def remember(self, memory: VideoMemory | None, frames: torch.Tensor) -> VideoMemory:
        """Add finished frames [F, 3, H, W] in 0..1 to a memory, or begin one. What was compressed before stays as it
        is, so the cost is that of the new frames alone."""
        memory = self.video_xl.start(self._video_ids(MEMORY_HEAD)) if memory is None else memory
        self.video_xl.append(memory, self.video_xl.encode_frames(frames.to(self.video_xl.device)))
        return memory

    @torch.no_grad()
    def map_memory(self, history: Sequence[VideoMemory], latest: Sequence[VideoMemory]) -> MappedMemory:
        """Turn global memories (all frames so far) and local ones (the latest segment), one of each for every
        colouring of a batch, into DGLM's keys and values (§3.2.2)."""
        tail = self._video_ids(MEMORY_TAIL)
        asked = [torch.cat([self.video_xl.ask(m, tail)[0] for m in memories]) for memories in (history, latest)]
        return self.dynamic_memory.map_memory(*(memory.to(self.dynamic_memory.dtype) for memory in asked))

    @torch.no_grad()
    def __call__(
        self,
        references: torch.Tensor,
        reference_sketch: torch.Tensor,
        sketches: torch.Tensor,
        prompt: str = "",
        num_inference_steps: int = 50,
        guidance_scale: float = 6.0,
        generator: torch.Generator | None = None,
        memory: MappedMemory | None = None,
        previous_tail: torch.Tensor | None = None,
        fusion_start: float = 0.6,
        callback_on_step_end: Callable[[int, int], None] | None = None,
    ) -> SegmentOutput:
        """Colour one segment.

        references: [B, 3, H, W] in −1..1; more than one gives as many colourings of the same drawings in one batch.
        reference_sketch: [3, H, W]; sketches: [F, 3, H, W]; both −1 paper, +1 line.
        memory: from `map_memory`, for all but the first segment.
        previous_tail: the previous segment's `SegmentOutput.tail`; its last latents must cover the drawings of this
            segment's latents 1..4 (counted from 0).
        fusion_start: share of the steps that pass before fusion begins (the paper's t_st = 20 of 50 is 0.6).
        callback_on_step_end: called with (steps done, steps in all); what it raises ends the run.
        """
        self.check_inputs(references, reference_sketch, sketches)
        guided = guidance_scale != 1.0
        batch, dtype, device = len(references), self.transformer.dtype, self.transformer.device
        scale = self.vae.config.scaling_factor

        text = self.encode_prompt(prompt).to(device, dtype).expand(batch, -1, -1)
        if guided:
            text = torch.cat([self.encode_prompt("").to(device, dtype).expand(batch, -1, -1), text])

        reference = self.encode_video(references[:, None], generator).to(device, dtype)
        if not self.vae.config.invert_scale_latents:
            reference = reference * scale
        drawn = [self.encode_video(part[None], generator) for part in (reference_sketch[None], sketches)]
        sketch = (torch.cat(drawn, dim=1).to(device, dtype) * scale).expand(batch, -1, -1, -1, -1)
        image = torch.zeros_like(sketch)
        image[:, :1] = reference
        latents = randn_tensor(sketch.shape, generator=generator, device=device, dtype=dtype)
        latents = latents * self.scheduler.init_noise_sigma

        rotary = rotary_embedding(self.transformer, sketch.shape[1], *sketch.shape[3:])
        copies = 2 if guided else 1
        image, sketch_input = image.repeat(copies, 1, 1, 1, 1), sketch.repeat(copies, 1, 1, 1, 1)
        sketch_input = torch.cat([sketch_input, image], dim=2)
        ofs = torch.full((1,), OFS, device=device, dtype=dtype)

        self.scheduler.set_timesteps(num_inference_steps, device=device)
        first_fused = round(fusion_start * num_inference_steps)
        previous_sample, previous_timestep = None, None
        tail: list[torch.Tensor] = []
        for index, timestep in enumerate(self.scheduler.timesteps):
            times = timestep.expand(copies * batch)
            control = self.sketch_dit(sketch_input, text, times, ofs, rotary)
            if memory is not None:
                control = control + self.dynamic_memory.attend(memory, control)
            noisy = torch.cat([latents.repeat(copies, 1, 1, 1, 1), image], dim=2)
            (velocity,) = self.transformer(noisy, text, times, ofs, rotary, control, return_dict=False)
            velocity = velocity.float()
            if guided:
                unconditional, conditional = velocity.chunk(2)
                velocity = unconditional + guidance_scale * (conditional - unconditional)
            latents, previous_sample = self.scheduler.step(
                velocity, previous_sample, timestep, previous_timestep, latents, generator=generator, return_dict=False
            )
            latents = latents.to(dtype)
            previous_timestep = timestep
            if index >= first_fused:
                if previous_tail is not None:
                    latents = color_consistency_fusion(latents, previous_tail[index - first_fused].to(latents))
                tail.append(latents[:, -FUSED_LATENTS:])
            if callback_on_step_end is not None:
                callback_on_step_end(index + 1, num_inference_steps)

        has_tail = bool(tail) and latents.shape[1] > FUSED_LATENTS + 1
        return SegmentOutput(self.decode_video(latents[:, 1:]), torch.stack(tail) if has_tail else None)
