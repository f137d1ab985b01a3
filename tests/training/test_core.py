# SPDX-License-Identifier: GPL-3.0-or-later
"""The denoiser's training: its target, noise, conditions and samples, and what a run writes."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from server.longanimation.convert import plan_conversion
from server.longanimation.published import PROMPT_SUFFIX
from server.longanimation.sketch import sketch_signal, to_sketch_signal
from server.longanimation.solver import solve_step
from server.training import run, samples
from server.training.cartoon import PaintedClip
from server.training.clips import sample_cartoon
from server.training.footage import DrawnCartoon
from server.training.hints import Hints
from server.training.recipe import PAPER, TINY
from server.training.samples import CODE_SHARE, SampleShape, draw_sample, sample_batches, to_signal
from server.training.stage import Settings, train_stage
from server.training.stages.denoising import FULL_NOISE_SHARE
from server.training.stages.sketch import SketchStage
from tests.longanimation.miniature import write_downloads

SHAPE = SampleShape(drawings=9, height=32, width=32, history=6)
"""Nine drawings are three latents of the published VAE."""


@pytest.fixture(scope="module")
def sketch(tmp_path_factory: pytest.TempPathFactory) -> SketchStage:
    """The sketch stage on a converted published pipeline of small width."""
    folder = tmp_path_factory.mktemp("published")
    plan_conversion(write_downloads(folder)[0], folder / "base", torch.float32).run()
    return SketchStage(folder / "output", SHAPE, Settings(base=folder / "base"), Hints(0.5, None))


@pytest.fixture(scope="module")
def batch(sketch: SketchStage) -> dict:
    """Two samples, of which the first alone has hints."""
    return next(sketch.batches(Settings(batch=2, workers=0), 9))


class Oracle:
    """Stands for the transformer: it knows the clean latents, finds the noise that it is shown, and answers `sign`
    times the velocity. It keeps what it was given."""

    def __init__(self, stage: SketchStage, monkeypatch: pytest.MonkeyPatch, sign: float = 1.0) -> None:
        self.stage, self.encode, self.sign = stage, stage.encode, sign
        self.encoded: list[torch.Tensor] = []
        monkeypatch.setattr(stage, "encode", self.remember)
        monkeypatch.setattr(stage.pipeline.transformer, "forward", self.answer)

    def remember(self, signal: torch.Tensor) -> torch.Tensor:
        self.encoded.append(signal)
        self.clean = self.encode(signal)  # the last that the loss encodes is the colors
        return self.clean

    def answer(self, hidden: torch.Tensor, text: torch.Tensor, timestep: torch.Tensor, *rest, **options) -> tuple:
        self.text, self.timestep = text, timestep
        self.noisy, self.image = hidden.chunk(2, dim=2)
        alpha = self.stage.pipeline.scheduler.alphas_cumprod[timestep].float().view(-1, 1, 1, 1, 1)
        self.noise = (self.noisy - alpha.sqrt() * self.clean) / (1 - alpha).sqrt()
        self.velocity = alpha.sqrt() * self.noise - (1 - alpha).sqrt() * self.clean
        return (self.sign * self.velocity,)


@pytest.mark.parametrize(("sign", "least", "most"), [(1.0, 0.0, 1e-4), (-1.0, 0.3, 100.0), (0.0, 0.08, 100.0)])
def test_the_loss_is_zero_for_the_velocity_and_for_nothing_else(
    sketch: SketchStage, batch: dict, monkeypatch: pytest.MonkeyPatch, sign: float, least: float, most: float
) -> None:
    torch.manual_seed(0)
    oracle = Oracle(sketch, monkeypatch, sign)
    loss = sketch.loss(batch)
    assert least <= loss.item() < most
    assert torch.allclose(loss, ((sign - 1) * oracle.velocity).square().mean(), atol=1e-4), "all latents count alike"
    assert oracle.noise.mean().abs() < 0.1 and 0.9 < oracle.noise.std() < 1.1
    latents = oracle.noise.flatten(2).flatten(0, 1)
    assert (latents.corrcoef() - torch.eye(len(latents))).abs().max() < 0.5, "each latent has noise of its own"
    if sign == 1:
        (scheduler := sketch.pipeline.scheduler).set_timesteps(20)
        *_, found = solve_step(scheduler, oracle.velocity[:1], None, int(oracle.timestep[0]), None, oracle.noisy[:1])
        assert torch.allclose(found, oracle.clean[:1], atol=1e-3), "the sampler reads the velocity as the loss does"


def test_both_networks_get_the_same_reference_hints_text_and_timestep(
    sketch: SketchStage, batch: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    oracle = Oracle(sketch, monkeypatch)
    seen: list[torch.Tensor] = []
    references: list[torch.Tensor] = []
    hook = sketch.pipeline.sketch_dit.register_forward_pre_hook(lambda _, given: seen.extend(given[:3]))
    encode = sketch.pipeline.encode_references
    monkeypatch.setattr(
        sketch.pipeline, "encode_references", lambda given, *others: references.append(given) or encode(given, *others)
    )
    sketch.loss(batch)
    hook.remove()
    control, text, timestep = seen
    assert torch.equal(references[0], to_signal(batch["color"])[:, 0]), "the first drawing is the reference"
    assert torch.equal(oracle.encoded[0], to_sketch_signal(batch["line_art"]))
    assert torch.equal(oracle.encoded[1], to_signal(batch["color"]))
    assert torch.equal(control.chunk(2, dim=2)[1], oracle.image)
    assert torch.equal(text, oracle.text) and torch.equal(timestep, oracle.timestep)
    assert oracle.image[:, 0].flatten(1).any(1).all(), "the reference is at latent 0"
    hinted = oracle.image[:, 1:].flatten(1).any(1).tolist()
    assert hinted == batch["hinted"].tolist() == [True, False], "zeros where there is no hint"


def test_the_prompts_suffix_reaches_the_text_encoder(
    sketch: SketchStage, batch: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompts = ["", "a girl"]
    for prompt, features in zip(prompts, sketch.conditions(batch | {"prompt": prompts}).text, strict=True):
        assert torch.allclose(features, sketch.pipeline.encode_prompt(prompt, PROMPT_SUFFIX)[0], atol=1e-5)
        assert not torch.allclose(features, sketch.pipeline.encode_prompt(prompt)[0], atol=1e-2)
    told: list[str] = []
    features = sketch.pipeline.text_features
    monkeypatch.setattr(sketch.pipeline, "text_features", lambda given: told.extend(given) or features(given))
    monkeypatch.setattr(sketch.pipeline, "cut_prompt", lambda prompt: (prompt, ""))  # the miniature reads 16 tokens
    sketch.conditions(batch | {"prompt": prompts})
    assert told == [PROMPT_SUFFIX, "a girl" + PROMPT_SUFFIX], "once, and last"


def test_a_wordless_sample_gets_the_empty_negative_prompt(sketch: SketchStage, batch: dict) -> None:
    wordless = batch | {"prompt": ["a girl", "a girl"], "wordless": torch.tensor([False, True])}
    told, untold = sketch.conditions(wordless).text
    assert torch.allclose(told, sketch.pipeline.encode_prompt("a girl", PROMPT_SUFFIX)[0], atol=1e-5)
    assert torch.allclose(untold, sketch.pipeline.encode_prompt("")[0], atol=1e-5)
    assert not torch.allclose(told, untold, atol=1e-2)


def timesteps_of(stage: SketchStage, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """The timesteps of 4,000 samples in the loss; each is noised as much as its timestep says."""
    asked: list[torch.Tensor] = []
    torch.manual_seed(0)

    def predict(noisy: torch.Tensor, timestep: torch.Tensor, given: None) -> torch.Tensor:
        asked.append(timestep)
        alpha = stage.pipeline.scheduler.alphas_cumprod[timestep].float()
        assert torch.allclose(noisy.flatten(1).std(1), (1 - alpha).sqrt(), rtol=0.3)
        return torch.zeros_like(noisy)

    monkeypatch.setattr(stage, "conditions", lambda batch: None)
    monkeypatch.setattr(stage, "encode", lambda signal: torch.zeros(len(signal), 1, 4, 8, 8))
    monkeypatch.setattr(stage, "predict", predict)
    stage.loss({"color": torch.zeros(4000, 1, 1, 1, 3)})
    return asked[0].numpy()


def test_on_a_base_all_timesteps_are_as_likely(sketch: SketchStage, monkeypatch: pytest.MonkeyPatch) -> None:
    many = sketch.draw_timesteps(40_000)
    assert many.min() == 0 and many.max() == 999, "the first and the last too"
    steps = timesteps_of(sketch, monkeypatch)
    assert np.histogram(steps, 10, (0, 1000))[0] / len(steps) == pytest.approx(0.1, abs=0.02)


def test_for_few_steps_timesteps_lean_to_full_noise(sketch: SketchStage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sketch, "few_steps", True)
    steps = timesteps_of(sketch, monkeypatch)
    assert np.mean(steps == 999) == pytest.approx(FULL_NOISE_SHARE, abs=0.03)
    below = [np.mean(steps[steps < 999] < limit) for limit in (250, 500, 750)]
    assert below == pytest.approx([1 / 16, 1 / 4, 9 / 16], abs=0.05), "the density grows linearly"


class StubFootage:
    """Stands for a clip: it notes what is asked of it. The drawings of one real cartoon stand for all."""

    def __init__(self, clip: PaintedClip) -> None:
        self.length = SHAPE.clip_drawings
        drawn = DrawnCartoon(clip)
        pictures = drawn.pictures()  # once, because it is slow
        self.drawn = SimpleNamespace(
            line_art=drawn.line_art, sentence=drawn.sentence, pictures=lambda: pictures, fills=drawn.fills
        )
        self.asked: list[list[int]] = []

    def draw(self, at: list[int]) -> SimpleNamespace:
        self.asked.append(list(at))
        return self.drawn


def draw_many(shape: SampleShape) -> list[SimpleNamespace]:
    """A thousand samples: which drawings they take, whose colors, and what the model is told."""
    count = 1 + shape.drawings
    clip = sample_cartoon(3, shape.clip_drawings, 32, 32, range(count + shape.history), None)
    fills = clip.colors[clip.labels][:count]
    footage = StubFootage(clip)
    found = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(samples, "choose_footage", lambda seed, shape: footage)
        for seed in range(1000):
            sample = draw_sample(seed, shape)
            at = footage.asked[-1]
            found.append(SimpleNamespace(reference=at[0], run=at[1:count], history=at[count:]))
            found[seed].flat = np.array_equal(sample["color"], fills)
            found[seed].pictured = np.array_equal(sample["color"], footage.drawn.pictures()[:count])
            found[seed].prompted, found[seed].wordless = bool(sample["prompt"]), bool(sample["wordless"])
    return found


@pytest.fixture(scope="module")
def drawn() -> list[SimpleNamespace]:
    """Samples for the tiny stack."""
    return draw_many(SHAPE)


@pytest.fixture(scope="module")
def drawn_on_base() -> list[SimpleNamespace]:
    """Samples of the paper's recipe."""
    return draw_many(replace(SHAPE, recipe=PAPER))


def test_samples_for_a_base_have_the_sketches_of_inference_and_the_tiny_stack_keeps_gray_ones() -> None:
    recipes = (replace(TINY, binary_sketches=is_binary) for is_binary in (True, False))
    binary, gray = (draw_sample(5, replace(SHAPE, recipe=recipe))["line_art"] for recipe in recipes)
    assert set(np.unique(binary)) == {0, 255} and len(np.unique(gray)) > 2
    for one, other in zip(to_sketch_signal(torch.from_numpy(binary)), gray, strict=True):
        assert torch.equal(one, sketch_signal(other, SHAPE.height, SHAPE.width))


def test_half_of_the_references_are_near_and_half_anywhere_in_the_clip(drawn: list[SimpleNamespace]) -> None:
    references, starts = np.array([(sample.reference, min(sample.run)) for sample in drawn]).T
    distances = abs(references - starts)
    by_chance = np.mean(abs(np.arange(SHAPE.clip_drawings) - starts[:, None]) <= 4)
    assert np.mean(distances <= 4) == pytest.approx(0.5 + 0.5 * by_chance, abs=0.04)
    far = references[distances > 4]
    assert min(np.histogram(far, 4, (0, SHAPE.clip_drawings))[0]) > 0.15 * len(far), "far ones are spread"
    near = (references - starts)[(distances <= 4) & (starts >= 4)]
    assert min(np.histogram(near, 9, (-4.5, 4.5))[0]) > 0.06 * len(near), "near ones are on both sides"


def test_the_history_is_no_part_of_the_run_and_ends_beside_it(drawn: list[SimpleNamespace]) -> None:
    for sample in drawn:
        first, step = sample.run[0], sample.run[1] - sample.run[0]
        assert sample.run == [first + step * index for index in range(SHAPE.drawings)] and abs(step) == 1
        assert len({*sample.run, *sample.history}) == SHAPE.drawings + SHAPE.history
        assert sample.history[-1] == first - step or first - step not in range(SHAPE.clip_drawings)
    assert np.mean([sample.run[0] > sample.run[1] for sample in drawn]) == pytest.approx(0.5, abs=0.05)


def test_a_share_of_samples_is_in_code_colors_and_half_have_prompts(drawn: list[SimpleNamespace]) -> None:
    assert np.mean([not sample.flat for sample in drawn]) == pytest.approx(CODE_SHARE, abs=0.04)
    assert np.mean([sample.prompted for sample in drawn]) == pytest.approx(0.5, abs=0.05)
    assert not any(sample.pictured or sample.wordless for sample in drawn)


def test_on_a_base_references_are_anywhere_in_the_clip(drawn_on_base: list[SimpleNamespace]) -> None:
    references = [sample.reference for sample in drawn_on_base]
    assert np.histogram(references, 4, (0, SHAPE.clip_drawings))[0] / 1000 == pytest.approx(0.25, abs=0.05)


def test_on_a_base_segments_run_forward_from_what_came_before(drawn_on_base: list[SimpleNamespace]) -> None:
    for sample in drawn_on_base:
        first = sample.run[0]
        assert sample.run == list(range(first, first + SHAPE.drawings)), "in the clip's order"
        assert sample.history == sorted(set(sample.history)) and len(sample.history) == SHAPE.history
        assert sample.history[-1] == first - 1, "the latest is beside the segment"
    starts = [sample.run[0] for sample in drawn_on_base]
    assert min(starts) == SHAPE.history and max(starts) == SHAPE.clip_drawings - SHAPE.drawings


def test_on_a_base_samples_are_pictures_with_descriptions_and_a_tenth_is_wordless(
    drawn_on_base: list[SimpleNamespace],
) -> None:
    assert all(sample.pictured and not sample.flat and sample.prompted for sample in drawn_on_base)
    assert np.mean([sample.wordless for sample in drawn_on_base]) == pytest.approx(0.1, abs=0.03)


def test_a_stage_goes_on_with_other_samples_and_noise_and_writes_averages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "WARMUP_STEPS", 1)
    line = torch.nn.Linear(3, 1)
    seeds, noises, before, written = [], [], [], []

    def loss(batch: dict) -> torch.Tensor:
        seeds.extend(batch["seed"].tolist())
        noises.append(torch.randn(3))
        before.append(line.weight.detach().clone())
        return (line(noises[-1]) - 5).square().mean()

    line.save_pretrained = lambda path: written.append(line.weight.detach().clone())  # type: ignore[assignment]
    stage = SimpleNamespace(modules={"line": line}, measures={}, to=lambda device: None, loss=loss)
    stage.batches = lambda settings, first: sample_batches(lambda seed: {"seed": seed}, settings, first)
    stage.picture = lambda: np.zeros((8, 8, 3), np.uint8)
    for steps in (3, 5):
        train_stage("line", tmp_path, stage, Settings(steps=steps, batch=2, rate=0.1, workers=0, seen=100))
    assert seeds == list(range(100, 110)) and len(torch.stack(noises).unique(dim=0)) == 5
    average, *later = *before, torch.load(tmp_path / "line-run" / "checkpoint.pt")["modules"]["line"]["weight"]
    for step, weight in enumerate(later, 1):
        average = average.lerp(weight, 1 - (1 + step) / (10 + step))
    assert torch.allclose(written[-1], average, atol=1e-6) and not torch.allclose(written[-1], weight, atol=1e-2)
