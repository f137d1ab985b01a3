# SPDX-License-Identifier: GPL-3.0-or-later
"""Stage `describe`: Video-XL learns to describe which figure is where in which colors, so that its beacons' keys and
values contain this information. The paper uses a Video-XL that others trained (§3.2.2).
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch
from torch.nn import functional as F
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from server.coloring.code_colors import code_colors
from server.coloring.palette import recolor
from server.longanimation import VideoXL
from server.longanimation.prompts import memory_prompt, token_ids
from server.longanimation.tiny import tiny_video_tokenizer, tiny_video_xl
from server.longanimation.video_memory import VideoMemory

from ..clips import sample_cartoon
from ..description import describe
from ..sample_grid import sample_grid
from ..samples import CODE_SHARE, Sample, SampleShape, sample_batches, shown_batch
from ..stage import Settings, train_stage

SHOWN_TOKENS = 160
"""The length of the longest answer in a picture."""


def draw_video(seed: int, shape: SampleShape) -> Sample:
    """Draw a video of `shape.history` drawings, not all of them consecutive: `video` uint8 [F, H, W, 3] without lines,
    and the `sentence` that describes it. For a video in the artist's colors, the sentence also names the figures."""
    rng = np.random.default_rng(seed)
    step = int(rng.integers(1, max(1, shape.clip_drawings // shape.history) + 1))
    start = int(rng.integers(0, shape.clip_drawings - step * (shape.history - 1)))
    at = [start + step * index for index in range(shape.history)]
    clip = sample_cartoon(seed, shape.clip_drawings, shape.width, shape.height, at, shape.sources)
    coded = rng.random() < CODE_SHARE
    colors = code_colors(len(clip.colors), rng) if coded else clip.colors
    sentence = describe(clip.labels, clip.parts, colors)
    return {
        "video": recolor(clip.labels, colors),
        "sentence": sentence if coded else f"{sentence}. {clip.sentence}",
    }


class DescribeStage:
    """Video-XL and the loss of its next-token prediction."""

    def __init__(self, folder: Path, shape: SampleShape, base: Path | None) -> None:
        if not shape.history:
            raise ValueError("--history 0 leaves no drawings to describe: use 1 or more.")
        place = next((place for place in (folder, base) if place and (place / "video_xl").is_dir()), None)
        self.video_xl = (VideoXL.from_pretrained(place / "video_xl") if place else tiny_video_xl()).float()
        self.tokenizer: PreTrainedTokenizerBase = (
            AutoTokenizer.from_pretrained(base / "video_tokenizer") if base else tiny_video_tokenizer()
        )
        self.prompt = memory_prompt(self.tokenizer)
        self.draw = partial(draw_video, shape=shape)
        self.modules = {"video_xl": self.video_xl}
        self.measures: dict[str, float] = {}

    def to(self, device: torch.device) -> None:
        """See `Stage`."""
        self.prompt = self.prompt.to(device)

    def batches(self, settings: Settings, first: int) -> Iterator[dict]:
        """See `Stage`."""
        return sample_batches(self.draw, settings, first)

    def watch(self, video: torch.Tensor) -> VideoMemory:
        """Return the memory of a video uint8 [F, H, W, 3]."""
        memory = self.video_xl.start(self.prompt.head)
        self.video_xl.append_frames(memory, video.permute(0, 3, 1, 2).float() / 255)
        return memory

    def loss(self, batch: dict) -> torch.Tensor:
        """Return the mean cross-entropy of the sentences' next tokens, given the videos' beacons."""
        samples = zip(batch["video"], batch["sentence"], strict=True)
        return torch.stack([self._sentence_loss(*sample) for sample in samples]).mean()

    def _sentence_loss(self, video: torch.Tensor, sentence: str) -> torch.Tensor:
        end = torch.tensor([self.tokenizer.eos_token_id])
        answer = torch.cat([token_ids(self.tokenizer, sentence), end]).to(self.prompt.tail.device)
        _, logits = self.video_xl.ask(self.watch(video), torch.cat([self.prompt.tail, answer[:-1]]))
        return F.cross_entropy(logits[0, len(self.prompt.tail) - 1 :].float(), answer)

    @torch.no_grad()
    def answer(self, video: torch.Tensor) -> str:
        """Return Video-XL's description of a video uint8 [F, H, W, 3], made of the most likely tokens."""
        memory, tokens = self.watch(video), self.prompt.tail
        for _ in range(SHOWN_TOKENS):
            _, logits = self.video_xl.ask(memory, tokens)
            token = logits[0, -1:].argmax(dim=1)
            if token.item() == self.tokenizer.eos_token_id:
                break
            tokens = torch.cat([tokens, token])
        return self.tokenizer.decode(tokens[len(self.prompt.tail) :])

    def picture(self) -> np.ndarray:
        """Return videos, Video-XL's descriptions, and the true ones."""
        batch = shown_batch(self.draw, 2)
        groups = []
        for video, sentence in zip(batch["video"], batch["sentence"], strict=True):
            texts = [self.answer(video.to(self.prompt.tail.device)), sentence]
            groups.append([video.numpy(), *(_write_text(text, *video.shape[:3]) for text in texts)])
        return sample_grid(groups)


def _write_text(text: str, count: int, height: int, width: int) -> np.ndarray:
    """Return a text as a row of images uint8 [count, H, W, 3]."""
    scale = height / 250
    page = np.full((height, count * width, 3), 255, np.uint8)
    longest = int(count * width / (19 * scale))
    plain = text.encode("ascii", "replace").decode()
    for line, start in enumerate(range(0, len(plain), longest), 1):
        at = (4, int(40 * scale * line))
        part = plain[start : start + longest]
        cv2.putText(page, part, at, cv2.FONT_HERSHEY_SIMPLEX, scale, (0, 0, 0), lineType=cv2.LINE_AA)
    return np.ascontiguousarray(page.reshape(height, count, width, 3).transpose(1, 0, 2, 3))


def train_describe(folder: Path, shape: SampleShape, settings: Settings) -> None:
    """Train the stage and write the averaged weights to `folder`/video_xl. It starts from the weights there, if any."""
    train_stage("describe", folder, DescribeStage(folder, shape, settings.base), settings, shape=shape)
