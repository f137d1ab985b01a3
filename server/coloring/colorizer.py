# SPDX-License-Identifier: GPL-3.0-or-later
"""Colors a shot segment by segment, in a way that can stop after any of them and go on in another process."""

import functools
import io
from collections.abc import Callable

import diffusers
import numpy as np
import torch
import transformers
from torch.nn import functional as F

from server.coloring.line_art.compositing import fill_under_lines, lay_lines
from server.coloring.matching import LineMatcher
from server.longanimation import EXACT, SCHEDULES, LongAnimationPipeline, LongShot
from server.longanimation.footprint import Workload, skeleton
from server.longanimation.long_shot import derived_seed
from server.longanimation.placement import ROUNDED_MODES, fit, load_pipeline, work_dtype
from server.longanimation.plan import Segment
from server.longanimation.sketch import fitted_size, image_signal, sketch_signal, unfit
from server.presets.preset import WEIGHTS, Preset, find_preset
from shared.digests import address_of

from .ablation import FULL, Ablation
from .finishing import cast_votes, make_clear, over_white, painted, shaded, soft_colors
from .palette import Palette, code_colors, decode_distances, extract_palette, recolor
from .propagation import Propagated, Propagator
from .region_labels import RegionLabels, label_regions
from .shot import Drawings, Guess, SegmentResult, Shot

MODEL_WEIGHT = 0.1
"""What the model's votes count beside those that the line matcher carries: little, since on procedural clips they add
nothing to them yet."""

DRAFT_VOTES = 1
"""Most votes of a draft."""

StepCallback = Callable[[int, int], None]


class Colorizer:
    """A loaded preset, ready for shots."""

    def __init__(self, pipeline: LongAnimationPipeline, matcher: LineMatcher, preset: Preset) -> None:
        self.pipeline = pipeline
        self.matcher = matcher
        self.preset = preset

    @classmethod
    def from_preset(cls, name: str, device: str | None = None, memory_mode: str = "auto") -> "Colorizer":
        """Load a preset onto a device, by default a GPU where there is one; memory_mode: see
        `server.longanimation.placement`.

        Raises UnknownPreset when it is not installed, MemoryModeError when it does not fit.
        """
        preset = find_preset(name)
        # Progress is ours to show: of the shot, not of the files that are read before it.
        diffusers.utils.logging.disable_progress_bar()
        transformers.utils.logging.disable_progress_bar()
        device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        pipeline = load_pipeline(preset.folder, device, _workload(preset), memory_mode)
        pipeline.set_progress_bar_config(disable=True)
        dtype = work_dtype(torch.device(device))
        matcher = LineMatcher.from_pretrained(WEIGHTS / "line_matcher", torch_dtype=dtype)
        return cls(pipeline, matcher.to(device, memory_format=torch.channels_last), preset)

    @staticmethod
    def check_memory(preset: Preset, device: str, memory_mode: str = "auto") -> None:
        """Check that a preset fits into what memory a GPU has free now, in some mode; raises MemoryModeError."""
        fit(skeleton(preset.folder), torch.device(device), _workload(preset), memory_mode)

    def open(self, shot: Shot, ablation: Ablation = FULL) -> "Coloring":
        """Plan the coloring of a shot, with some parts of the stack off to compare."""
        return Coloring(self.pipeline, self.matcher, self.preset, shot, ablation)


class Coloring:
    """The coloring of one shot, as a sequence of segments.

    The same shot and seed give the same frames, in one go or interrupted and restored.
    """

    def __init__(
        self, pipeline: LongAnimationPipeline, matcher: LineMatcher, preset: Preset, shot: Shot, ablation: Ablation
    ) -> None:
        self.pipeline = pipeline
        self.preset = preset
        self.shot = shot
        self.ablation = ablation
        rows, columns = shot.drawings[0].shape
        self.height, self.width = model_size(rows, columns, preset.pixels, pipeline.geometry.multiple)
        # A drawing is looked at several times while it, or the next one, is finished; reading it may mean decoding it.
        self._line_art = functools.lru_cache(maxsize=8)(shot.drawings.__getitem__)
        self._labels: dict[int | None, np.ndarray] = {}
        self._entries: dict[int, np.ndarray] = {}
        self._keyframes = list(shot.keyframes)
        self._propagator = Propagator(matcher, self._line_art, len(self._palette.colors))
        self._long_shot = LongShot(
            pipeline,
            sketches=Drawings(range(len(shot.drawings)), self._sketch),
            references=self._references(),
            prompt=pipeline.cut_prompt(shot.prompt)[0],
            seed=shot.seed,
            segment=preset.segment,
            num_inference_steps=preset.steps,
            guidance_scale=preset.guidance,
            schedule=SCHEDULES.get(shot.quality, EXACT),
            memory=ablation.memory,
            fusion_start=ablation.fusion_start,
        )
        self.segments = self._long_shot.segments

    @property
    def note(self) -> str:
        """What the animator should know beforehand; empty where there is nothing to say."""
        read, rest = self.pipeline.cut_prompt(self.shot.prompt)
        if not rest:
            return ""
        return f"The prompt is too long for this preset, which reads it up to “…{read[-20:]}”. Left out: “{rest}”."

    @property
    def fingerprint(self) -> str:
        """Digest of what every segment depends on beside its drawings, its keyframe and its history."""
        arithmetic = (self.pipeline.dtype, self.pipeline.memory_mode in ROUNDED_MODES)
        palette = self._palette.has_clear, self._palette.colors.tolist()
        text = repr((self.height, self.width, self.ablation, arithmetic, palette))
        return address_of(text.encode())

    def color(self, index: int, on_step: StepCallback | None = None) -> SegmentResult:
        """Color segment `index`; all before it must have been colored or restored.

        on_step is called with (steps done, steps in all); what it raises ends the run and changes nothing.
        """
        segment = self.segments[index]
        propagated = self._propagate(index) if self.ablation.propagated or self._is_preview else {}
        images, tail = self._model_pictures(index, propagated, on_step)
        frames, colors, entries, guesses = {}, [], [], {}
        for drawing, pictures in zip(segment.drawings, images, strict=True):
            color, labels, regions = self._finish(drawing, pictures, segment.keyframe, propagated.get(drawing))
            frames[drawing] = lay_lines(color, self._line_art(drawing))
            entries.append(_shrink(labels, self.height, self.width))
            if regions and (uncertain := self._guesses(regions)):
                guesses[drawing] = uncertain
            if self._plain:
                colors.append(_shrink(over_white(color), self.height, self.width))
        state = {"entries": np.stack(entries), "labels": labels}
        if self._plain:
            state["colors"] = np.stack(colors)
        if tail is not None:
            state["tail"] = tail.float().cpu().numpy()
        packed = io.BytesIO()
        np.savez_compressed(packed, allow_pickle=False, **state)
        result = SegmentResult(frames, packed.getvalue(), guesses)
        self.restore(index, result)
        return result

    def _model_pictures(
        self, index: int, propagated: dict[int, Propagated], on_step: StepCallback | None
    ) -> tuple[np.ndarray, torch.Tensor | None]:
        """Let the model paint a segment: its pictures of each drawing, uint8 [F, B, h, w, 3], and what the next segment
        fuses with. In a preview B is 0, and it fuses with nothing."""
        segment = self.segments[index]
        if self._is_preview:
            if on_step is not None:
                on_step(0, 1)
            return np.empty((len(segment.drawings), 0, self.height, self.width, 3), np.uint8), None
        hints = self._hints(segment, propagated) if self.preset.hints and propagated else None
        colored = self._long_shot.color(index, _step_callback(on_step, self.preset.steps), hints)
        rows, columns = self._line_art(segment.drawings[0]).shape
        return unfit(colored.frames.permute(1, 0, 3, 4, 2).numpy(), rows, columns), colored.tail

    def restore(self, index: int, result: SegmentResult) -> None:
        """Take over a segment that was finished in an earlier process.

        The memory reads the frames as delivered (8 bits), so that it is the same in every process.
        """
        state = np.load(io.BytesIO(result.state), allow_pickle=False)
        self._labels.pop(self.segments[index].follows, None)  # only a follower looks at them
        self._labels[index] = state["labels"]
        self._entries |= zip(self.segments[index].drawings, state["entries"], strict=True)
        if self._is_preview:
            return
        tail = torch.from_numpy(state["tail"]) if "tail" in state else None
        videos = [recolor(state["entries"], code) for code in self._codes]
        images = np.stack([*videos, state["colors"]] if self._plain else videos)
        self._long_shot.remember(index, torch.from_numpy(images).permute(0, 1, 4, 2, 3), tail)

    def _propagate(self, index: int) -> dict[int, Propagated]:
        """Carry the colors of the keyframe, and of the drawing colored beside the segment, to its drawings."""
        segment = self.segments[index]
        known = {segment.keyframe: self._painted_labels(segment.keyframe)}
        neighbor = segment.keyframe
        if segment.follows is not None:
            neighbor = segment.sequence[segment.first - 1]
            known[neighbor] = self._labels[segment.follows]
        drawings = [drawing for drawing in segment.drawings if drawing not in self.shot.keyframes]
        return dict(zip(drawings, self._propagator.propagate(drawings, segment.keyframe, neighbor, known), strict=True))

    def _hints(self, segment: Segment, propagated: dict[int, Propagated]) -> torch.Tensor:
        """The drawings of a segment as far as they are carried or finished, in each vote's colors, [B, F, 3, H, W]."""
        hints = []
        for drawing in segment.sequence:
            if drawing in propagated:
                labels = _shrink(propagated[drawing].entries, self.height, self.width)
            elif drawing in self.shot.keyframes:
                labels = _shrink(self._painted_labels(drawing), self.height, self.width)
            else:
                labels = self._entries[drawing]
            colors = self._codes + ([self._palette.colors] if self._plain else [])
            images = [image_signal(recolor(labels, code), self.height, self.width) for code in colors]
            hints.append(torch.stack(images))
        return torch.stack(hints, dim=1)

    def _sketch(self, drawing: int) -> torch.Tensor:
        return sketch_signal(self._line_art(drawing), self.height, self.width)

    @functools.cached_property
    def _palette(self) -> Palette:
        """The colors of the keyframes; where there are masks, one more entry stands for what they cover."""
        masks = [self.shot.masks[drawing] for drawing in self._keyframes] if self.shot.masks else []
        palette = extract_palette(
            [self.shot.keyframes[drawing] for drawing in self._keyframes],
            [self._line_art(drawing) for drawing in self._keyframes],
            clear=[] if self.shot.is_generated else masks,
        )
        if not self.shot.is_generated:
            return palette
        colors = np.concatenate([palette.colors, np.full((1, 3), 255, np.uint8)])
        return Palette(colors, np.where(masks, np.uint8(len(palette.colors)), palette.labels))

    def _painted_labels(self, keyframe: int) -> np.ndarray:
        """The palette entries [H, W] of a keyframe."""
        return self._palette.labels[self._keyframes.index(keyframe)]

    @functools.lru_cache(maxsize=2)  # noqa: B019 - lives as long as the coloring itself
    def _painting(self, keyframe: int) -> np.ndarray:
        """A keyframe's colors uint8 [H, W, 3], RGBA [H, W, 4] if any keyframe is transparent, without its lines."""
        painting = self.shot.keyframes[keyframe]
        if self._palette.has_clear:
            painting = make_clear(painting, self.shot.masks[keyframe])
        return fill_under_lines(self._line_art(keyframe), painting)

    @functools.cached_property
    def _codes(self) -> list[np.ndarray]:
        """The code colors that stand for the palette, a set a vote."""
        count = len(self._palette.colors)
        votes = min(self.preset.votes, DRAFT_VOTES) if self.shot.quality == "draft" else self.preset.votes
        seeds = [derived_seed(self.shot.seed, 0, vote) for vote in range(votes)]
        return [code_colors(count, np.random.default_rng(seed)) for seed in seeds]

    @property
    def _is_preview(self) -> bool:
        """Whether colors are only carried along, without the model."""
        return self.shot.quality == "preview"

    @property
    def _plain(self) -> bool:
        """Whether the last picture of each drawing is colored after the keyframe itself, not after a code."""
        return not self.preset.votes or self.shot.is_generated

    def _references(self) -> dict[int, torch.Tensor]:
        """By keyframe the reference images [B, 3, H, W]: its painting in each vote's code colors, and as it is where
        that is wanted (§4.2: what is masked is white)."""
        references: dict[int, torch.Tensor] = {}
        for keyframe, painting in self.shot.keyframes.items():
            labels = _shrink(self._painted_labels(keyframe), self.height, self.width)
            images = [recolor(labels, code) for code in self._codes] + ([painting] if self._plain else [])
            references[keyframe] = torch.stack([image_signal(image, self.height, self.width) for image in images])
        return references

    def _finish(
        self, drawing: int, images: np.ndarray, keyframe: int, propagated: Propagated | None
    ) -> tuple[np.ndarray, np.ndarray, RegionLabels | None]:
        """Turn the model's pictures of a drawing, uint8 [B, h, w, 3], and what is carried to it into its colors at
        full size, uint8 [H, W, 3 or 4] without lines, its palette entries uint8 [H, W], and its regions."""
        line_art, colors, regions = self._line_art(drawing), self._palette.colors, None
        if drawing in self.shot.keyframes:
            color, entries = self._painting(drawing), self._painted_labels(drawing)
        else:
            votes = self._votes(images, propagated)
            regions = label_regions(line_art, votes)
            entries = regions.entries
            if self.shot.finish == "flats":
                color = colors[entries]
            elif self._codes or not len(images):
                color = shaded(line_art, entries, soft_colors(votes, entries, self._palette.opaque))
            else:
                color = painted(line_art, images[0])
            if self._palette.has_clear:
                color = make_clear(color, entries == len(colors) - 1)
            if propagated is not None:
                entries = np.where(propagated.static, self._painted_labels(keyframe), entries)
                color = np.where(propagated.static[..., None], self._painting(keyframe), color)
        if self.shot.is_generated:
            has_entries = self._codes or drawing in self.shot.keyframes
            generated = entries == len(colors) - 1 if has_entries else np.ones_like(entries, bool)
            color = np.where(generated[..., None], painted(line_art, images[-1]), color)
        return color, entries, regions

    def _guesses(self, regions: RegionLabels) -> list[Guess]:
        names = ["#" + bytes(color).hex() for color in self._palette.opaque] + ["#ffffff00"] * self._palette.has_clear
        guesses = []
        for region in regions.uncertain():
            own, other = (names[entry] for entry in region.entries)
            guesses.append(Guess(own, other, region.margin, region.share, region.box))
        return guesses

    def _votes(self, images: np.ndarray, propagated: Propagated | None) -> np.ndarray:
        """The votes float32 [h, w, N] for a drawing: the model's and those that are carried to it."""
        if propagated is None:
            return self._model_votes(images)
        if not len(images):
            return propagated.votes
        return propagated.votes + MODEL_WEIGHT * _resize_votes(self._model_votes(images), propagated.votes.shape[:2])

    def _model_votes(self, images: np.ndarray) -> np.ndarray:
        """The model's votes float32 [h, w, N] for a drawing. A color alone is no vote for what is transparent."""
        read_in = self._codes or [self._palette.opaque]
        coded = images[: len(read_in)]  # a plain one may follow
        scores = [decode_distances(image / 255, code) for image, code in zip(coded, read_in, strict=True)]
        votes = cast_votes(np.sum(scores, axis=0))
        return np.pad(votes, [(0, 0), (0, 0), (0, len(self._palette.colors) - votes.shape[2])])


def _workload(preset: Preset) -> Workload:
    return Workload(preset.pixels, preset.segment, max(1, preset.votes), preset.guidance != 1.0)


def _resize_votes(votes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Scale votes float32 [h, w, N] to size (height, width)."""
    planes = torch.from_numpy(votes).permute(2, 0, 1)[None]
    return F.interpolate(planes, size, mode="bilinear", antialias=True)[0].permute(1, 2, 0).numpy()


def _step_callback(on_step: StepCallback | None, steps: int) -> Callable | None:
    """Make of a callback for people's progress one for the pipeline."""
    if on_step is None:
        return None

    def callback(pipeline: LongAnimationPipeline, index: int, timestep: int, tensors: dict) -> dict:
        on_step(index + 1, steps)
        return tensors

    return callback


def model_size(rows: int, columns: int, pixels: int, multiple: int) -> tuple[int, int]:
    """Return the height and width at which the model works: the shot's shape, about `pixels` in area, both a multiple
    of `multiple`. Small shots are not enlarged beyond their own area."""
    scale = min(1.0, (pixels / (rows * columns)) ** 0.5)
    return (
        max(multiple, round(rows * scale / multiple) * multiple),
        max(multiple, round(columns * scale / multiple) * multiple),
    )


def _shrink(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Scale an image [H, W] or [H, W, 3] into `height` × `width` by nearest neighbor, so that no pixel mixes two
    colors into a third."""
    rows, columns = fitted_size(image.shape[0], image.shape[1], height, width)
    down = (np.arange(rows) + 0.5) * image.shape[0] // rows
    right = (np.arange(columns) + 0.5) * image.shape[1] // columns
    return image[down.astype(int)[:, None], right.astype(int)[None]]
