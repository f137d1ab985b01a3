# SPDX-License-Identifier: GPL-3.0-or-later
"""Prompts as tokens: the animator's prompt for the text encoder, and the fixed prompt around Video-XL's frames."""

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

import torch
from transformers import PreTrainedTokenizerBase

MEMORY_HEAD = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n"
"""Video-XL's prompt before the frames."""
MEMORY_TAIL = "\nCan you describe the scene and color in anime?<|im_end|>\n<|im_start|>assistant\n"
"""Video-XL's prompt after the frames."""


class MemoryPrompt(NamedTuple):
    """Token ids [L] before and after the frames."""

    head: torch.Tensor
    tail: torch.Tensor

    def to(self, device: torch.device) -> "MemoryPrompt":
        """The same on a device."""
        return MemoryPrompt(self.head.to(device), self.tail.to(device))


def memory_prompt(tokenizer: PreTrainedTokenizerBase) -> MemoryPrompt:
    """Return Video-XL's prompt as its tokenizer reads it."""
    return MemoryPrompt(token_ids(tokenizer, MEMORY_HEAD), token_ids(tokenizer, MEMORY_TAIL))


def token_ids(tokenizer: PreTrainedTokenizerBase, text: str) -> torch.Tensor:
    """Return the token ids [L] of a text, without special tokens."""
    return tokenizer(text, add_special_tokens=False, return_tensors="pt").input_ids[0]


def tokenize_prompts(tokenizer: PreTrainedTokenizerBase, prompts: Sequence[str], length: int) -> torch.Tensor:
    """Return token ids [B, length] for the text encoder, cut and padded to `length`."""
    return tokenizer(
        list(prompts), padding="max_length", max_length=length, truncation=True, return_tensors="pt"
    ).input_ids


def cut_prompt(tokenizer: PreTrainedTokenizerBase, prompt: str, length: int, suffix: str = "") -> tuple[str, str]:
    """Return the part of a prompt that fits in `length` tokens together with the suffix, and the rest. The last token
    marks the end."""

    def is_too_long(characters: int) -> bool:
        tokens = tokenizer(prompt[:characters] + suffix, add_special_tokens=False, verbose=False).input_ids
        return len(tokens) >= length

    if not is_too_long(len(prompt)):
        return prompt, ""
    fitting = max(0, bisect_left(range(len(prompt)), True, key=is_too_long) - 1)
    return prompt[:fitting], prompt[fitting:]
