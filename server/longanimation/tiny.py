# SPDX-License-Identifier: GPL-3.0-or-later
"""The stack at small width: the same modules as the published stack, for a laptop's processor.

It differs from the published configuration in three points:

- The VAE compresses space four times, and does not compress time, because animation on twos has too much motion between
  drawings to share a latent.
- A token covers a patch of 4×4 latents of one drawing.
- The text encoder reads UTF-8 bytes, so that any language works without a vocabulary file.
"""

from diffusers import AutoencoderKLCogVideoX, CogVideoXDPMScheduler
from transformers import ByT5Tokenizer, T5Config, T5EncoderModel

from .memory import DynamicGlobalLocalMemory
from .published import SCHEDULER
from .sketch_dit import SketchDiT
from .transformer import LongAnimationTransformer3DModel
from .video_xl import VideoXL

LATENT_CHANNELS = 8
TEXT_DIM = 128
TEXT_LENGTH = 64
WIDTH = 256
SPATIAL_MULTIPLE = 16
"""Heights and widths must be multiples of this: four times the VAE's compression, four latents a patch."""


def tiny_vae() -> AutoencoderKLCogVideoX:
    """A causal video autoencoder, 4× in space, 1× in time."""
    return AutoencoderKLCogVideoX(
        down_block_types=("CogVideoXDownBlock3D",) * 3,
        up_block_types=("CogVideoXUpBlock3D",) * 3,
        block_out_channels=(16, 32, 64),
        latent_channels=LATENT_CHANNELS,
        layers_per_block=1,
        norm_num_groups=1,
        temporal_compression_ratio=1,
        sample_height=144,
        sample_width=256,
        scaling_factor=1.0,
    )


def _transformer_config(num_layers: int) -> dict:
    return {
        "num_attention_heads": WIDTH // 64,
        "attention_head_dim": 64,
        "in_channels": 2 * LATENT_CHANNELS,
        "out_channels": LATENT_CHANNELS,
        "time_embed_dim": 128,
        "ofs_embed_dim": 128,
        "text_embed_dim": TEXT_DIM,
        "num_layers": num_layers,
        "sample_width": 64,
        "sample_height": 36,
        "sample_frames": 9,
        "patch_size": 4,
        "patch_size_t": 1,
        "temporal_compression_ratio": 1,
        "max_text_seq_length": TEXT_LENGTH,
        "use_rotary_positional_embeddings": True,
    }


def tiny_transformer() -> LongAnimationTransformer3DModel:
    """The denoiser: 4 blocks of width 256 (published: 42 of 3072)."""
    return LongAnimationTransformer3DModel(**_transformer_config(4))


def tiny_sketch_dit() -> SketchDiT:
    """SketchDiT: 3 blocks of width 256 (published: 6 of 3072)."""
    return SketchDiT(**_transformer_config(3))


def tiny_video_xl() -> VideoXL:
    """Video-XL: 36 visual tokens per frame, windows of ten frames, four tokens per beacon (published: 144, ten, eight).
    It reads bytes, like the text encoder."""
    return VideoXL(
        vocab_size=len(tiny_tokenizer()),
        hidden_size=96,
        intermediate_size=192,
        num_hidden_layers=9,
        num_attention_heads=4,
        num_key_value_heads=2,
        beacon_window=360,
        beacon_stride=360,
        beacon_ratio=(4,),
        eos_token_id=1,
        bos_token_id=0,
        pad_token_id=0,
        vision={
            "hidden_size": 96,
            "intermediate_size": 192,
            "num_hidden_layers": 3,
            "num_attention_heads": 4,
            "image_size": 96,
            "patch_size": 8,
        },
    )


def tiny_memory() -> DynamicGlobalLocalMemory:
    """DGLM for the width of `tiny_video_xl`."""
    return DynamicGlobalLocalMemory(
        dim=WIDTH, dim_head=64, heads=4, output_dim=WIDTH, ff_mult=2, mapping_sizes=(48, 96, 128)
    )


def tiny_text_encoder() -> T5EncoderModel:
    """A byte-level T5 encoder."""
    return T5EncoderModel(
        T5Config(
            vocab_size=len(tiny_tokenizer()),
            d_model=TEXT_DIM,
            d_kv=32,
            d_ff=256,
            num_layers=2,
            num_heads=4,
            feed_forward_proj="gated-gelu",
            dropout_rate=0.0,
        )
    )


def tiny_tokenizer() -> ByT5Tokenizer:
    """UTF-8 bytes as tokens, without a vocabulary file."""
    return ByT5Tokenizer(model_max_length=TEXT_LENGTH)


def tiny_video_tokenizer() -> ByT5Tokenizer:
    """The same tokenizer for Video-XL, whose prompt is longer."""
    return ByT5Tokenizer(model_max_length=1024)


def tiny_scheduler() -> CogVideoXDPMScheduler:
    """The published noise schedule."""
    return CogVideoXDPMScheduler(**SCHEDULER)
