# SPDX-License-Identifier: GPL-3.0-or-later
"""Wan 2.1 VACE at small width, with random weights, in the files of the published repository."""

from pathlib import Path

import torch
from diffusers import AutoencoderKLWan, UniPCMultistepScheduler, WanVACEPipeline, WanVACETransformer3DModel
from transformers import AutoTokenizer, UMT5Config, UMT5EncoderModel

from tests.longanimation.miniature import PIECES, write_json, write_t5_tokenizer

SETTINGS = {
    "title": "Miniature",
    "license": "GPL-3.0-or-later",
    "pixels": 96 * 64,
    "segment": 9,
    "steps": 2,
    "guidance": 5.0,
    "votes": 0,
    "hints": False,
    "gpu": False,
    "engine": "wan-vace",
}


def write_wan(folder: Path) -> None:
    """Write the pipeline and a `preset.json`."""
    torch.manual_seed(0)
    write_t5_tokenizer(folder / "tokenizer")
    pipeline = WanVACEPipeline(
        tokenizer=AutoTokenizer.from_pretrained(folder / "tokenizer"),
        text_encoder=UMT5EncoderModel(
            UMT5Config(vocab_size=PIECES + 100, d_model=32, d_kv=16, d_ff=32, num_layers=1, num_heads=2)
        ),
        vae=AutoencoderKLWan(
            base_dim=8, z_dim=4, dim_mult=[1, 1, 1, 1], num_res_blocks=1, latents_mean=[0.0] * 4, latents_std=[1.0] * 4
        ),
        transformer=WanVACETransformer3DModel(
            num_attention_heads=2,
            attention_head_dim=12,
            in_channels=4,
            out_channels=4,
            text_dim=32,
            freq_dim=32,
            ffn_dim=32,
            num_layers=2,
            vace_layers=[0, 1],
            vace_in_channels=2 * 4 + 64,
        ),
        scheduler=UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0),
    )
    pipeline.save_pretrained(folder)
    write_json(folder / "preset.json", SETTINGS)
