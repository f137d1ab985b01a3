# SPDX-License-Identifier: GPL-3.0-or-later
"""The source of the preset `wan-vace-1.3b`: Wan 2.1 VACE as its authors publish it for Diffusers."""

from typing import Any

from .published_preset import Download

PRESET = "wan-vace-1.3b"

SETTINGS: dict[str, Any] = {
    "title": "Wan 2.1 VACE 1.3B: for a laptop's GPU",
    "license": "Apache-2.0",
    "pixels": 832 * 480,
    "segment": 81,
    "steps": 50,
    "guidance": 5.0,
    "votes": 0,
    "hints": False,
    "gpu": True,
    "engine": "wan-vace",
    "quality": "exact",
    "model_weight": 1.0,
    "lined_memory": True,
    "binary_sketches": False,
}
"""The preset's `preset.json`: size, length, steps and guidance are those of Diffusers' pipeline for it. It was trained
on soft scribbles, not on binary ones. Segments continue finished frames, with their lines."""

DOWNLOADS = (
    Download(
        PRESET,
        "Wan-AI/Wan2.1-VACE-1.3B-diffusers",
        "main",
        ("model_index.json", "scheduler/*", "text_encoder/*", "tokenizer/*", "transformer/*", "vae/*"),
        "denoiser with control layers, video autoencoder and text encoder",
        "Apache-2.0, says the authors' page. The text encoder is Google's UMT5 XXL: Apache-2.0.",
    ),
)
