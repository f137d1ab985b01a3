# SPDX-License-Identifier: GPL-3.0-or-later
"""The sources of the preset `longanimation-5b`: repositories on the hub, their files and their licenses."""

from dataclasses import dataclass
from typing import Any, Literal

PRESET = "longanimation-5b"

SETTINGS: dict[str, Any] = {
    "title": "LongAnimation 5B: for a CUDA GPU",
    "license": "CogVideoX License (research; commercial use after registration), Apache-2.0 (T5, Video-XL), MIT "
    "(CLIP); LongAnimation's own weights: not stated by the authors, whose paper says non-commercial research",
    "pixels": 1024 * 576,
    "segment": 81,
    "steps": 50,
    "guidance": 6.0,
    "votes": 0,
    "hints": False,
    "memory_ratio": 8,
    "gpu": True,
    "quality": "exact",
    "model_weight": 1.0,
    "lined_memory": True,
    "repeats_holds": False,
    "binary_sketches": True,
    "context_parallel": 1,
}
"""The preset's `preset.json`: the size, length and steps of the paper (§4.1). Nothing is left out for speed, because
that could not be measured with these weights. Video-XL watches finished frames as in the authors' code. The paper
chooses the memory's ratio by how much changes (§3.2.2, "dynamic"). The authors' driver, which came with the weights,
fixes 8."""


@dataclass(frozen=True)
class Download:
    """Files of one repository on the hub.

    folder: its name among the downloads. revision: a commit if its id is known, otherwise a branch, whose latest commit
    is used. patterns: patterns of the files that are needed; if there are two, the first that matches is used. kind: of
    the repository.
    """

    folder: str
    repository: str
    revision: str
    patterns: tuple[str, ...]
    what: str
    license: str
    kind: Literal["model", "space"] = "model"

    @property
    def address(self) -> str:
        """The page of the repository."""
        return f"https://huggingface.co/{'spaces/' if self.kind == 'space' else ''}{self.repository}"


DOWNLOADS = (
    Download(
        "CogVideoX1.5-5B-I2V",
        "zai-org/CogVideoX1.5-5B-I2V",
        "46c90528707aebbe69066390b4fe7e7d24c9c2a4",
        ("transformer/*", "vae/*", "text_encoder/*", "tokenizer/*", "scheduler/*"),
        "denoiser, video autoencoder and text encoder",
        "The CogVideoX License: free for academic research; commercial use after registration with its authors, up to "
        "a million visits a month; not for military or illegal purposes. The text encoder is T5 v1.1 XXL: Apache-2.0.",
    ),
    Download(
        "LongAnimation",
        "CNcreator0331/LongAnimation",
        "main",
        ("*control_module.safetensors", "*glm_module.safetensors"),
        "SketchDiT and dynamic memory",
        "Not stated by the authors for the weights. Their code's page shows Apache-2.0; their paper says: “Our work is "
        "solely for non-commercial scientific research” (§4.1).",
    ),
    Download(
        "Video_XL",
        "sy1998/Video_XL",
        "main",
        (
            "VideoXL_weight_8/*.json",
            "VideoXL_weight_8/merges.txt",
            "VideoXL_weight_8/*.safetensors|VideoXL_weight_8/pytorch_model*.bin",
        ),
        "long-video-understanding model, built on Qwen2-7B",
        "Apache-2.0, says the project's page, and that what it builds on keeps its own license (Qwen2-7B: Apache-2.0).",
    ),
    Download(
        "clip-vit-large-patch14-336",
        "openai/clip-vit-large-patch14-336",
        "ce19dc912ca5cd21c8a653c79e251e808ccabcd1",
        ("config.json", "model.safetensors|pytorch_model.bin"),
        "Video-XL's eyes",
        "MIT, the license of OpenAI's CLIP.",
    ),
)
