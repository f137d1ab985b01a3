# SPDX-License-Identifier: GPL-3.0-or-later
"""Colours a shot segment by segment, in a way that can stop after any of them and go on in another process."""

import functools
import io
import zlib
from collections.abc import Callable

import diffusers
import numpy as np
import torch
import transformers

from server.longanimation import LongAnimationPipeline, VideoMemory
from server.longanimation.fusion import FUSED_LATENTS
from server.longanimation.memory import MappedMemory
from server.longanimation.sketch import fitted_size, image_signal, sketch_signal, unfit

from .carry import carried_votes
from .finishing import cast_votes, fill_under_lines, flats, lay_lines, painted
from .palette import Palette, code_colors, decode_distances, extract_palette, recolor
from .plan import Segment, plan_segments
from .presets import Preset, find_preset
from .shot import SegmentResult, Shot

NEIGHBOUR_WEIGHT, KEYFRAME_WEIGHT = 2.0, 0.5
"""What the votes of the drawing before and of the keyframe count beside the model's, measured on procedural clips."""

StepCallback = Callable[[int, int], None]


class Colorizer:
    """A loaded preset, ready for shots."""

    def __init__(self, pipeline: LongAnimationPipeline, preset: Preset) -> None:
        self.pipeline = pipeline
        self.preset = preset

    @classmethod
    def from_preset(cls, name: str, device: str = "cpu") -> "Colorizer":
        """Load a preset onto a device; UnknownPreset when it is not installed."""
        preset = find_preset(name)
        # Progress is ours to show: of the shot, not of the files that are read before it.
        diffusers.utils.logging.disable_progress_bar()
        transformers.utils.logging.disable_progress_bar()
        dtype = torch.bfloat16 if _has_fast_bfloat16(device) else torch.float32
        pipeline = LongAnimationPipeline.from_pretrained(preset.folder, dtype=dtype).to(device)
        pipeline.set_progress_bar_config(disable=True)
        return cls(pipeline, preset)

    def open(self, shot: Shot) -> "Coloring":
        """Plan the colouring of a shot. Raises ValueError for keyframes outside the shot."""
        return Coloring(self.pipeline, self.preset, shot)


class Coloring:
    """The colouring of one shot, as a sequence of segments.

    The same shot and seed give the same frames, in one go or interrupted and restored.
    """

    def __init__(self, pipeline: LongAnimationPipeline, preset: Preset, shot: Shot) -> None:
        self.pipeline = pipeline
        self.preset = preset
        self.shot = shot
        overlap = 1 + FUSED_LATENTS * pipeline.temporal_compression
        self.segments = plan_segments(len(shot.drawings), shot.keyframes, preset.segment, overlap)
        rows, columns = shot.drawings[0].shape
        self.height, self.width = model_size(rows, columns, preset.pixels, pipeline.spatial_multiple)
        self._palettes: dict[int, Palette] = {}
        self._tails: dict[int, torch.Tensor] = {}
        self._labels: dict[int, np.ndarray] = {}
        # A drawing is looked at several times while it, or the next one, is finished; reading it may mean decoding it.
        self._line_art = functools.lru_cache(maxsize=4)(shot.drawings.__getitem__)
        # By keyframe: the colours of finished segments that memory has not seen yet, oldest first; and for each vote
        # the memory of all that it has seen, and that of the latest segment alone.
        self._unseen: dict[int, list[np.ndarray]] = {}
        self._history: dict[int, list[VideoMemory]] = {}
        self._latest: dict[int, list[VideoMemory]] = {}

    def color(self, index: int, on_step: StepCallback | None = None) -> SegmentResult:
        """Colour segment `index`; the one that it follows must have been coloured or restored.

        on_step is called with (steps done, steps in all); what it raises ends the run and changes nothing.
        """
        segment = self.segments[index]
        references, codes = self._references(segment.keyframe)
        output = self.pipeline(
            references=references,
            reference_sketch=self._sketch(segment.keyframe),
            sketches=torch.stack([self._sketch(drawing) for drawing in self._padded(segment)]),
            prompt=self.shot.prompt,
            num_inference_steps=self.preset.steps,
            guidance_scale=self.preset.guidance,
            generator=torch.Generator().manual_seed(_derived_seed(self.shot.seed, index)),
            memory=self._memory(segment.keyframe),
            previous_tail=None if segment.follows is None else self._tails[segment.follows],
            callback_on_step_end=on_step,
        )
        rows, columns = self._line_art(segment.drawings[0]).shape
        images = unfit(output.frames.permute(0, 1, 3, 4, 2).cpu().numpy(), rows, columns)
        frames, colors = {}, []
        neighbour = self._neighbour(segment)
        for place, drawing in enumerate(segment.drawings, start=len(segment.context)):
            color, labels = self._finish(drawing, segment.keyframe, images[:, place], codes, neighbour)
            neighbour = (drawing, labels)
            frames[drawing] = lay_lines(color, self._line_art(drawing))
            colors.append(_shrink(color, self.height, self.width))
        state = {"colors": np.stack(colors), "labels": neighbour[1]}
        if output.tail is not None:
            state["tail"] = output.tail.float().cpu().numpy()
        packed = io.BytesIO()
        np.savez_compressed(packed, allow_pickle=False, **state)
        result = SegmentResult(frames, packed.getvalue())
        self.restore(index, result)
        return result

    def restore(self, index: int, result: SegmentResult) -> None:
        """Take over a segment that was finished in an earlier process.

        The memory reads the frames as delivered (8 bits), so that it is the same in every process.
        """
        state = np.load(io.BytesIO(result.state), allow_pickle=False)
        if "tail" in state:
            self._tails[index] = torch.from_numpy(state["tail"])
        self._labels[index] = state["labels"]
        self._unseen.setdefault(self.segments[index].keyframe, []).append(state["colors"])

    def _memory(self, keyframe: int) -> MappedMemory | None:
        """What DGLM reads, None before the first segment. It looks at finished segments when the next one begins."""
        unseen = self._unseen.pop(keyframe, [])
        for colors in unseen:
            frames = [_frames_signal(images) for images in self._in_codes(keyframe, colors)]
            memories = self._history.get(keyframe, [None] * len(frames))
            self._history[keyframe] = [self.pipeline.remember(*each) for each in zip(memories, frames, strict=True)]
        if unseen:
            self._latest[keyframe] = [self.pipeline.remember(None, each) for each in frames]
        if keyframe not in self._history:
            return None
        return self.pipeline.map_memory(self._history[keyframe], self._latest[keyframe])

    def _neighbour(self, segment: Segment) -> tuple[int, np.ndarray]:
        """The drawing beside the segment's first one that is coloured already, with its palette entries [H, W]."""
        if segment.follows is None:
            return segment.keyframe, self._palette(segment.keyframe).labels
        return segment.context[-1], self._labels[segment.follows]

    def _padded(self, segment: Segment) -> list[int]:
        """The segment's drawings, the last one repeated until the model's lengths are met."""
        sequence = list(segment.sequence)
        return sequence + [sequence[-1]] * (self.pipeline.segment_length(len(sequence)) - len(sequence))

    def _sketch(self, drawing: int) -> torch.Tensor:
        return sketch_signal(self._line_art(drawing), self.height, self.width)

    def _palette(self, keyframe: int) -> Palette:
        if keyframe not in self._palettes:
            painting, line_art = self.shot.keyframes[keyframe], self._line_art(keyframe)
            self._palettes[keyframe] = extract_palette(painting, line_art)
        return self._palettes[keyframe]

    def _codes(self, keyframe: int) -> list[np.ndarray]:
        """The code colours that stand for the keyframe's palette, a set a vote."""
        count = len(self._palette(keyframe).colors)
        seeds = [_derived_seed(self.shot.seed, keyframe, vote) for vote in range(self.preset.votes)]
        return [code_colors(count, np.random.default_rng(seed)) for seed in seeds]

    def _in_codes(self, keyframe: int, images: np.ndarray) -> list[np.ndarray]:
        """Recolour images in the keyframe's palette, uint8 RGB [F, h, w, 3], by each vote's codes; without votes the
        images themselves."""
        if not self.preset.votes:
            return [images]
        labels = decode_distances(images / 255, self._palette(keyframe).colors).argmin(axis=-1)
        return [recolor(labels, code) for code in self._codes(keyframe)]

    def _references(self, keyframe: int) -> tuple[torch.Tensor, list[np.ndarray]]:
        """The reference images [B, 3, H, W]: the keyframe in each vote's code colours, which come with it; or the
        keyframe itself, without codes."""
        if not self.preset.votes:
            return image_signal(self.shot.keyframes[keyframe], self.height, self.width)[None], []
        labels = _shrink(self._palette(keyframe).labels, self.height, self.width)
        codes = self._codes(keyframe)
        images = [image_signal(recolor(labels, code), self.height, self.width) for code in codes]
        return torch.stack(images), codes

    def _finish(
        self,
        drawing: int,
        keyframe: int,
        images: np.ndarray,
        codes: list[np.ndarray],
        neighbour: tuple[int, np.ndarray],
    ) -> tuple[np.ndarray, np.ndarray]:
        """Turn the model's pictures of a drawing, float [B, h, w, 3] in 0..1, into its colours at full size, RGB uint8
        [H, W, 3] without lines, and its palette entries uint8 [H, W].

        neighbour: a coloured drawing beside this one and its palette entries. It votes too, and so does the keyframe:
        the one knows what moved step by step, the other cannot have gone astray.
        """
        line_art, palette = self._line_art(drawing), self._palette(keyframe)
        if drawing in self.shot.keyframes:
            return fill_under_lines(line_art, self.shot.keyframes[drawing]), palette.labels
        read_in = codes or [palette.colors]
        scores = np.sum([decode_distances(i, code) for i, code in zip(images, read_in, strict=True)], axis=0)
        votes = cast_votes(scores)
        carriers = {
            keyframe: (palette.labels, KEYFRAME_WEIGHT),
            neighbour[0]: (neighbour[1], NEIGHBOUR_WEIGHT),  # in the keyframe's place where it is the keyframe
        }
        for other, (labels, weight) in carriers.items():
            source = self._line_art(other)
            votes += weight * carried_votes(labels, source, line_art, len(palette.colors), votes.shape[:2])
        entries = flats(line_art, votes)
        if self.shot.finish == "flats":
            return palette.colors[entries], entries
        decoded = palette.colors[votes.argmax(axis=-1)] if codes else (images[0] * 255).round().astype(np.uint8)
        return painted(line_art, decoded), entries


def _has_fast_bfloat16(device: str) -> bool:
    """Tell whether the device multiplies bfloat16 in hardware; elsewhere it is far slower than float32."""
    if device == "cpu":
        return bool(torch.cpu.get_capabilities().get("avx512_bf16"))
    return torch.cuda.is_bf16_supported()


def model_size(rows: int, columns: int, pixels: int, multiple: int) -> tuple[int, int]:
    """Return the height and width at which the model works: the shot's shape, about `pixels` in area, both a multiple
    of `multiple`. Small shots are not enlarged beyond their own area."""
    scale = min(1.0, (pixels / (rows * columns)) ** 0.5)
    return (
        max(multiple, round(rows * scale / multiple) * multiple),
        max(multiple, round(columns * scale / multiple) * multiple),
    )


def _derived_seed(*parts: int) -> int:
    """A seed that depends on all its parts, the same on every machine."""
    return zlib.crc32(repr(parts).encode())


def _shrink(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Scale an image [H, W] or [H, W, 3] into `height` × `width` by nearest neighbour, so that no pixel mixes two
    colours into a third."""
    rows, columns = fitted_size(image.shape[0], image.shape[1], height, width)
    down = (np.arange(rows) + 0.5) * image.shape[0] // rows
    right = (np.arange(columns) + 0.5) * image.shape[1] // columns
    return image[down.astype(int)[:, None], right.astype(int)[None]]


def _frames_signal(images: np.ndarray) -> torch.Tensor:
    """Images uint8 [F, h, w, 3] as Video-XL reads them, [F, 3, h, w] in 0..1."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
