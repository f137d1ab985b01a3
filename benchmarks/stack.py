# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole stack with random weights at any width, in the published geometry: four drawings per latent, eight pixels
per latent, patches of 2×2×2 latents. For measurements that depend on sizes and not on trained weights."""

import torch
from diffusers import AutoencoderKLCogVideoX
from transformers import T5Config, T5EncoderModel

from server.longanimation import (
    DynamicGlobalLocalMemory,
    LongAnimationPipeline,
    LongAnimationTransformer3DModel,
    SketchDiT,
    VideoXL,
)
from server.longanimation.tiny import tiny_scheduler, tiny_tokenizer, tiny_video_tokenizer

HEAD = 64
TEXT = 32
CHANNELS = 4


def random_pipeline(width: int = 64, layers: int = 4, seed: int = 0) -> LongAnimationPipeline:
    """Return a pipeline whose transformer has `layers` blocks of `width`, a multiple of 64. SketchDiT has a seventh of
    the blocks, as published, and at least one.

    No weights are zero, as they would be in new modules whose training starts from zero.
    """
    torch.manual_seed(seed)
    transformer = {
        "num_attention_heads": width // HEAD,
        "attention_head_dim": HEAD,
        "in_channels": 2 * CHANNELS,
        "out_channels": CHANNELS,
        "time_embed_dim": 32,
        "ofs_embed_dim": 32,
        "text_embed_dim": TEXT,
        "patch_size_t": 2,
        "max_text_seq_length": 64,
        "use_rotary_positional_embeddings": True,
    }
    video_xl = VideoXL(
        vocab_size=len(tiny_tokenizer()),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=9,
        num_attention_heads=2,
        num_key_value_heads=1,
        beacon_window=40,
        beacon_stride=40,
        beacon_ratio=(4,),
        vision={
            "hidden_size": 16,
            "intermediate_size": 24,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "image_size": 28,
            "patch_size": 7,
        },
    )
    made = LongAnimationPipeline(
        tokenizer=tiny_tokenizer(),
        text_encoder=T5EncoderModel(
            T5Config(
                vocab_size=len(tiny_tokenizer()),
                d_model=TEXT,
                d_kv=16,
                d_ff=32,
                num_layers=1,
                num_heads=2,
                dropout_rate=0.0,
            )
        ),
        vae=AutoencoderKLCogVideoX(
            down_block_types=("CogVideoXDownBlock3D",) * 4,
            up_block_types=("CogVideoXUpBlock3D",) * 4,
            block_out_channels=(8,) * 4,
            latent_channels=CHANNELS,
            layers_per_block=1,
            norm_num_groups=2,
            invert_scale_latents=True,
            scaling_factor=0.7,
        ),
        transformer=LongAnimationTransformer3DModel(**transformer, num_layers=layers),
        sketch_dit=SketchDiT(**transformer, num_layers=max(1, layers // 7)),
        dynamic_memory=DynamicGlobalLocalMemory(
            dim=width, dim_head=HEAD, heads=width // HEAD, output_dim=width, mapping_sizes=(16, 24, 32)
        ),
        video_tokenizer=tiny_video_tokenizer(),
        video_xl=video_xl,
        scheduler=tiny_scheduler(),
    )
    for weight in (made.sketch_dit.zero_conv.weight, made.dynamic_memory.proj_out):
        torch.nn.init.normal_(weight, std=0.1)
    made.set_progress_bar_config(disable=True)
    return made
