# SPDX-License-Identifier: GPL-3.0-or-later
"""The published stack at its real size: the constructor arguments of each of its modules."""

from typing import Any

import torch
from diffusers import AutoencoderKLCogVideoX
from torch import nn
from transformers import T5Config, T5EncoderModel

from .memory import DynamicGlobalLocalMemory
from .sketch_dit import SketchDiT
from .transformer import LongAnimationTransformer3DModel
from .video_xl import VideoXL

TRANSFORMER: dict[str, Any] = {
    "num_attention_heads": 48,
    "attention_head_dim": 64,
    "in_channels": 32,
    "out_channels": 16,
    "time_embed_dim": 512,
    "ofs_embed_dim": 512,
    "text_embed_dim": 4096,
    "num_layers": 42,
    "sample_width": 300,
    "sample_height": 300,
    "sample_frames": 81,
    "patch_size": 2,
    "patch_size_t": 2,
    "patch_bias": False,
    "temporal_compression_ratio": 4,
    "max_text_seq_length": 226,
    "use_rotary_positional_embeddings": True,
}
"""CogVideoX1.5-5B-I2V, `transformer/config.json` (N = 42 layers)."""

SKETCH_DIT: dict[str, Any] = {**TRANSFORMER, "num_layers": 6}
"""SketchDiT: the same with L = 6 layers (§3.2.1)."""

DYNAMIC_MEMORY: dict[str, Any] = {
    "dim": 3072,
    "depth": 3,
    "dim_head": 96,
    "heads": 32,
    "output_dim": 3072,
    "ff_mult": 4,
    "mapping_sizes": (512, 1024, 2048),
}
"""DGLM (§3.2.2): one layer for each of Video-XL's layers −9, −5 and −1, whose keys are 4 heads of 128 wide."""

VAE: dict[str, Any] = {
    "down_block_types": ("CogVideoXDownBlock3D",) * 4,
    "up_block_types": ("CogVideoXUpBlock3D",) * 4,
    "block_out_channels": (128, 256, 256, 512),
    "latent_channels": 16,
    "layers_per_block": 3,
    "norm_num_groups": 32,
    "temporal_compression_ratio": 4,
    "sample_height": 480,
    "sample_width": 720,
    "scaling_factor": 0.7,
    "invert_scale_latents": True,
}
"""CogVideoX1.5-5B-I2V, `vae/config.json`."""

TEXT_ENCODER: dict[str, Any] = {
    "vocab_size": 32128,
    "d_model": 4096,
    "d_kv": 64,
    "d_ff": 10240,
    "num_layers": 24,
    "num_heads": 64,
    "feed_forward_proj": "gated-gelu",
    "tie_word_embeddings": False,
}
"""T5 v1.1 XXL's encoder, CogVideoX1.5-5B-I2V, `text_encoder/config.json`."""

VISION_TOWER: dict[str, Any] = {
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "projection_dim": 768,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "image_size": 336,
    "patch_size": 14,
}
"""CLIP-L/14 at 336 pixels: 24×24 patches, pooled to 144 visual tokens a frame."""

VIDEO_XL: dict[str, Any] = {
    "vocab_size": 152064,
    "hidden_size": 3584,
    "intermediate_size": 18944,
    "num_hidden_layers": 28,
    "num_attention_heads": 28,
    "num_key_value_heads": 4,
    "beacon_window": 1440,
    "beacon_stride": 1440,
    "beacon_ratio": (8,),
    "vision": VISION_TOWER,
    "vision_layer": -2,
}
"""Video-XL: Qwen2-7B with beacon projections, a two-layer projector and the tower."""

SCHEDULER: dict[str, Any] = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "clip_sample": False,
    "prediction_type": "v_prediction",
    "timestep_spacing": "trailing",
    "rescale_betas_zero_snr": True,
    "snr_shift_scale": 1.0,
}
"""The noise schedule of CogVideoX1.5-5B-I2V, run with `CogVideoXDPMScheduler`."""


PROMPT_SUFFIX = " High quality, masterpiece, best quality, highres, ultra-detailed, fantastic."
"""What the authors' driver adds to every prompt."""


def published_modules() -> dict[str, nn.Module]:
    """Return every module of the pipeline at its real size on the meta device, with names and shapes but no memory."""
    with torch.device("meta"):
        return {
            "text_encoder": T5EncoderModel(T5Config(**TEXT_ENCODER)),
            "vae": AutoencoderKLCogVideoX(**VAE),
            "transformer": LongAnimationTransformer3DModel(**TRANSFORMER),
            "sketch_dit": SketchDiT(**SKETCH_DIT),
            "dynamic_memory": DynamicGlobalLocalMemory(**DYNAMIC_MEMORY),
            "video_xl": VideoXL(**VIDEO_XL),
        }
