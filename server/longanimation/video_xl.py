# SPDX-License-Identifier: GPL-3.0-or-later
"""Video-XL, the model for understanding long videos whose keys and values are the memory (paper §3.2.2).

Frames become visual tokens (CLIP tower, projector, 2×2 average pool). Beacons compress windows of tokens. DGLM reads
the keys and values of three layers.
"""

from typing import Any, Literal

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from diffusers.utils.accelerate_utils import apply_forward_hook
from torch import nn
from torch.nn import functional as F
from transformers import CLIPVisionConfig, CLIPVisionModel
from transformers.image_utils import OPENAI_CLIP_MEAN, OPENAI_CLIP_STD

from .beacon import BeaconModel
from .video_memory import Ratio, VideoMemory

MEMORY_LAYERS = (-9, -5, -1)
"""The layers that DGLM reads."""

FRAMES_AT_ONCE = 16
"""Frames that pass through the vision tower together. This limits its memory for videos of any length."""

Crop = Literal["center"] | None


class VideoXL(ModelMixin, ConfigMixin):
    """The language model with beacons, and the vision tower if `vision` has its CLIP configuration.

    The arguments are those of the published configuration. Beacon arguments with unsupported values are refused.
    `beacon_window` counts visual tokens. `beacon_ratio` has the number of visual tokens that share a beacon.

    Two arguments are not in the published configuration:

    - `change_threshold`: how much CLIP's features may change within a segment of the dynamic ratio, as the sum of
      1 − cosine between neighbors. At the default, eight frames form one segment if the mean similarity of neighbors is
      at least 0.986, and four frames if it is at least 0.967. The paper gives no number. This one is a choice, not a
      fit.
    - `beacon_limit`: the largest number of beacons that are remembered. The default is 650 frames at ratio 8, where the
      research code begins to resample. When a window exceeds the limit, every second window of the older half is
      forgotten (`kept_windows`). Memory and the time per window are therefore bounded for any length. The remaining
      beacons are not computed again, and were computed with the forgotten ones in view.
    """

    @register_to_config
    def __init__(
        self,
        vocab_size: int = 152064,
        hidden_size: int = 3584,
        intermediate_size: int = 18944,
        num_hidden_layers: int = 28,
        num_attention_heads: int = 28,
        num_key_value_heads: int = 4,
        max_position_embeddings: int = 32768,
        rms_norm_eps: float = 1e-6,
        rope_theta: float = 1e6,
        tie_word_embeddings: bool = False,
        use_sliding_window: bool = False,
        beacon_window: int = 1440,
        beacon_stride: int = 1440,
        beacon_attn: str = "full-coverage",
        beacon_attend_prev: bool = True,
        beacon_sink_size: int = 0,
        beacon_ratio: tuple[int, ...] = (8,),
        beacon_ratio_mix: str = "step-random",
        beacon_param: tuple[str, ...] = ("q", "k", "v"),
        beacon_pos: str = "interleave",
        beacon_parallel_window: int = 1,
        beacon_embed_init: str = "eos",
        beacon_accum: bool = True,
        eos_token_id: int = 151645,
        bos_token_id: int = 151643,
        pad_token_id: int = 151643,
        vision: dict[str, Any] | None = None,
        vision_layer: int = -2,
        change_threshold: float = 0.1,
        beacon_limit: int = 11_700,
    ) -> None:
        super().__init__()
        found = (beacon_attn, beacon_pos, beacon_parallel_window, beacon_sink_size, tuple(beacon_param))
        accepted = ("full-coverage", "interleave", 1, 0, ("q", "k", "v"))
        if found != accepted or beacon_stride != beacon_window or tie_word_embeddings or use_sliding_window:
            raise ValueError(f"Only beacons as Video-XL has them are implemented: {accepted}, not {found}.")
        self.model = BeaconModel(
            vocab_size,
            hidden_size,
            intermediate_size,
            num_hidden_layers,
            num_attention_heads,
            num_key_value_heads,
            rms_norm_eps,
            rope_theta,
        )
        self.lm_head = nn.Linear(hidden_size, vocab_size, bias=False)
        if vision is not None:
            tower = CLIPVisionModel(CLIPVisionConfig(**vision))
            self.model.vision_tower = tower
            self.model.mm_projector = nn.Sequential(
                nn.Linear(tower.config.hidden_size, hidden_size), nn.GELU(), nn.Linear(hidden_size, hidden_size)
            )

    @property
    def memory_width(self) -> int:
        """The width of a key or value that DGLM reads."""
        return self.config.hidden_size // self.config.num_attention_heads * self.config.num_key_value_heads

    @apply_forward_hook
    def encode_frames(self, frames: torch.Tensor, crop: Crop = None) -> torch.Tensor:
        """Turn frames [F, 3, H, W] in 0..1, on any device, into visual tokens [F · tokens a frame, hidden].

        The whole frame is squeezed into the tower's square. `crop="center"` keeps the proportions and crops the sides,
        44 % of a 16:9 frame, as CLIP's own preprocessing does, and therefore the research code.
        Raises ValueError for frames of another shape or range, or with values that are not finite.
        """
        return torch.cat([self._encode(part, crop)[0] for part in frames.split(FRAMES_AT_ONCE)]).flatten(0, 1)

    def _encode(self, frames: torch.Tensor, crop: Crop) -> tuple[torch.Tensor, torch.Tensor]:
        """Visual tokens [F, tokens a frame, hidden] and CLIP's pooled class tokens [F, width], from one pass."""
        _check_frames(frames)
        tower = self.model.vision_tower
        side = tower.config.image_size
        size = (side, side)
        if crop == "center":
            height, width = (side * length // min(frames.shape[-2:]) for length in frames.shape[-2:])
            size = (height, width)
        pixels = F.interpolate(frames.to(self.device).float(), size, mode="bicubic", antialias=True).clamp(0, 1)
        top, left = (size[0] - side) // 2, (size[1] - side) // 2
        pixels = pixels[..., top : top + side, left : left + side]
        mean, deviation = (pixels.new_tensor(c).view(3, 1, 1) for c in (OPENAI_CLIP_MEAN, OPENAI_CLIP_STD))
        seen = tower(((pixels - mean) / deviation).to(tower.dtype), output_hidden_states=True)
        tokens = self.model.mm_projector(seen.hidden_states[self.config.vision_layer][:, 1:])
        grid = side // tower.config.patch_size
        tokens = F.avg_pool2d(tokens.transpose(1, 2).unflatten(2, (grid, grid)), 2)
        return tokens.flatten(2).transpose(1, 2), seen.pooler_output

    @apply_forward_hook
    def start(self, head_ids: torch.Tensor, ratio: Ratio | None = None) -> VideoMemory:
        """Start a memory with the tokens [L] before the image. They are not compressed.

        ratio: the number of visual tokens that share a beacon, a divisor of the window; by default the configuration's.
        With "dynamic" (§3.2.2), a segment has 2, 4 or 8 frames (`segment_length`). Each segment is a window that is
        compressed 2, 4 or 8 to one, so it costs as many beacons as a frame has tokens. A single frame at the end is
        compressed like two. (Video-XL's paper also makes intervals finer where more happens. Its released code has one
        ratio throughout, or in training a random one for each window.)
        Raises ValueError for any other ratio.
        """
        ratio = self.config.beacon_ratio[0] if ratio is None else ratio
        window = self.config.beacon_window
        if ratio != "dynamic" and (not isinstance(ratio, int) or ratio < 1 or window % ratio):
            raise ValueError(f'The ratio is "dynamic" or divides the window of {window} tokens; {ratio!r} does not.')
        embeddings = self.model.embed_tokens(head_ids)
        memory = VideoMemory(ratio, tokens=embeddings[:0])
        self.model.extend(embeddings[None], memory.cache)
        return memory

    @apply_forward_hook
    def append_frames(self, memory: VideoMemory, frames: torch.Tensor, crop: Crop = None) -> None:
        """Encode frames as `encode_frames` does and add them to the memory, a few at a time."""
        for part in frames.split(FRAMES_AT_ONCE):
            tokens, features = self._encode(part, crop)
            self.append(memory, tokens.flatten(0, 1), features)

    @apply_forward_hook
    def append(self, memory: VideoMemory, tokens: torch.Tensor, features: torch.Tensor | None = None) -> None:
        """Add visual tokens [N, hidden], N a multiple of the ratio.

        Full windows are compressed immediately. The remaining tokens wait, so that the result does not depend on how
        the tokens were grouped. A dynamic ratio also needs CLIP's features [F, width] of the F frames.
        Raises ValueError if these do not fit.
        """
        memory.add(tokens, features)
        self._compress(memory, finish=False)

    @apply_forward_hook
    def read(self, memory: VideoMemory, tail_ids: torch.Tensor) -> torch.Tensor:
        """Return what DGLM reads: [1, 2 (K, V), 3 layers, N, memory_width]. N counts the prompt, the beacons and the
        tokens [L] after the image. The memory does not change: its waiting tokens are compressed in a copy."""
        return self._finish(memory, tail_ids)[0]

    def read_video(
        self, head_ids: torch.Tensor, frames: torch.Tensor, tail_ids: torch.Tensor, ratio: Ratio | None = None
    ) -> torch.Tensor:
        """Return the result of `read` for a whole video [F, 3, H, W]. ratio: see `start`."""
        memory = self.start(head_ids, ratio)
        self.append_frames(memory, frames)
        return self.read(memory, tail_ids)

    @apply_forward_hook
    def ask(self, memory: VideoMemory, tail_ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the result of `read`, and the logits [1, L, vocab_size] of the tail."""
        found, hidden = self._finish(memory, tail_ids)
        return found, self.lm_head(hidden)

    def _finish(self, memory: VideoMemory, tail_ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        memory = memory.copy()
        self._compress(memory, finish=True)
        cache = memory.cache
        hidden = self.model.extend(self.model.embed_tokens(tail_ids)[None], cache)
        stacked = [
            torch.stack([tensors[layer].transpose(1, 2).flatten(2) for layer in MEMORY_LAYERS], dim=1)
            for tensors in (cache.keys, cache.values)
        ]
        return torch.stack(stacked, dim=1), hidden

    def _compress(self, memory: VideoMemory, finish: bool) -> None:
        """Compress the windows that are complete, or with `finish` all waiting tokens."""
        config = self.config
        while taken := memory.take_window(config.beacon_window, config.change_threshold, finish):
            tokens, ratio = taken
            self.model.extend(tokens[None], memory.cache, ratio)
            memory.close_window(len(tokens) // ratio, config.beacon_limit)
        memory.tokens = memory.tokens.clone()  # a view would keep all the taken tokens in memory


def _check_frames(frames: torch.Tensor) -> None:
    if frames.ndim != 4 or frames.shape[1] != 3 or not len(frames):
        raise ValueError(f"Frames are [F, 3, H, W], at least one, not {[*frames.shape]}.")
    low, high = (float(bound) for bound in frames.aminmax())
    if not frames.is_floating_point() or not (low >= 0 and high <= 1):  # "not" for NaN's sake
        raise ValueError(
            f"Frames are floats in 0..1, not {frames.dtype} from {low:g} to {high:g}: divide bytes by 255 or clamp."
        )
