# SPDX-License-Identifier: GPL-3.0-or-later
"""A shot of any length is colored completely, with the same result however it is interrupted."""

from collections.abc import Sequence

import pytest
import torch

from benchmarks.stack import random_pipeline
from server.longanimation import ColoredSegment, LongAnimationPipeline, LongShot, SegmentOutput

HEIGHT, WIDTH, SEGMENT = 32, 48, 25
OVERLAP = 17


@pytest.fixture(scope="module")
def pipeline() -> LongAnimationPipeline:
    return random_pipeline()


def sketches(count: int) -> torch.Tensor:
    return torch.rand(count, 3, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(1)) * 2 - 1


def references(*keyframes: int, votes: int = 1) -> dict[int, torch.Tensor]:
    generator = torch.Generator().manual_seed(2)
    return {keyframe: torch.rand(votes, 3, HEIGHT, WIDTH, generator=generator) * 2 - 1 for keyframe in keyframes}


def long_shot(pipeline: LongAnimationPipeline, count: int, *keyframes: int, **settings) -> LongShot:
    settings = {"num_inference_steps": 2, "guidance_scale": 1.0, "segment": SEGMENT} | settings
    return LongShot(pipeline, sketches(count), references(*keyframes), **settings)


def frames_by_drawing(segments: Sequence[ColoredSegment]) -> dict[int, torch.Tensor]:
    return {
        drawing: frame
        for segment in segments
        for drawing, frame in zip(segment.drawings, segment.frames.unbind(1), strict=True)
    }


@pytest.mark.parametrize(("count", "keyframes"), [(1, (0,)), (2, (1,)), (9, (4,)), (30, (0,)), (44, (3, 40))])
def test_every_drawing_is_colored_exactly_once(pipeline: LongAnimationPipeline, count: int, keyframes: tuple):
    segments = list(long_shot(pipeline, count, *keyframes).run())
    colored = [drawing for segment in segments for drawing in segment.drawings]
    assert sorted(colored) == list(range(count))
    for segment in segments:
        assert segment.frames.shape == (1, len(segment.drawings), 3, HEIGHT, WIDTH)
        assert segment.frames.dtype == torch.uint8


@pytest.mark.slow
def test_a_run_goes_on_from_what_was_stored_to_the_same_pixels(pipeline: LongAnimationPipeline) -> None:
    whole = list(long_shot(pipeline, 40, 12).run())
    assert len(whole) >= 3
    for done in range(len(whole) + 1):
        rest = list(long_shot(pipeline, 40, 12).run(whole[:done]))
        assert [segment.drawings for segment in rest] == [segment.drawings for segment in whole[done:]]
        for again, before in zip(rest, whole[done:], strict=True):
            assert torch.equal(again.frames, before.frames)


def test_another_seed_gives_other_pixels(pipeline: LongAnimationPipeline) -> None:
    first, again, other = (frames_by_drawing(list(long_shot(pipeline, 5, 2, seed=s).run())) for s in (0, 0, 1))
    assert all(torch.equal(first[drawing], again[drawing]) for drawing in first)
    assert not any(torch.equal(first[drawing], other[drawing]) for drawing in first)


class Listener:
    """Stands between a shot and its pipeline, and records the arguments of each segment."""

    def __init__(self, pipeline: LongAnimationPipeline) -> None:
        self._pipeline = pipeline
        self.calls: list[dict] = []
        self.outputs: list[SegmentOutput] = []
        self.memories: list[tuple[int, int]] = []

    def __getattr__(self, name: str):
        return getattr(self._pipeline, name)

    def __call__(self, **arguments) -> SegmentOutput:
        self.calls.append(arguments)
        self.outputs.append(self._pipeline(**arguments))
        return self.outputs[-1]

    def remember(self, memory, frames: torch.Tensor, **settings):
        grown = self._pipeline.remember(memory, frames, **settings)
        grown.seen = getattr(memory, "seen", 0) + len(frames)
        return grown

    def map_memory(self, history, latest):
        self.memories.append((history[0].seen, latest[0].seen if latest else 0))
        return self._pipeline.map_memory(history, latest)


def test_a_segment_is_fused_with_the_one_it_continues(pipeline: LongAnimationPipeline) -> None:
    listener = Listener(pipeline)
    shot = LongShot(listener, sketches(SEGMENT + 8), references(0), segment=SEGMENT, num_inference_steps=2)  # type: ignore[arg-type]
    list(shot.run())
    first, second = listener.calls
    assert first["previous_tail"] is None
    assert torch.equal(second["previous_tail"], listener.outputs[0].tail)
    # Aligned: what the tail's four latents show is what latents 2..5 of the next segment show.
    assert torch.equal(first["sketches"][-OVERLAP:], second["sketches"][:OVERLAP])
    assert 1 + 4 * pipeline.geometry.temporal == OVERLAP


def test_fusion_reaches_what_is_delivered_on_the_later_side_of_a_cut(pipeline: LongAnimationPipeline) -> None:
    def colored(fusion_start: float) -> tuple[dict[int, torch.Tensor], dict[int, torch.Tensor]]:
        listener = Listener(pipeline)
        shot = LongShot(
            listener,  # type: ignore[arg-type]
            sketches(SEGMENT + 8),
            references(0),
            segment=SEGMENT,
            num_inference_steps=2,
            guidance_scale=1.0,
            fusion_start=fusion_start,
        )
        _, second = shot.run()
        earlier = dict(zip(shot.segments[0].sequence, listener.outputs[0].frames[0] * 255, strict=True))
        return frames_by_drawing([second]), earlier

    # Of two steps only the last one is fused: no later step can carry what fusion did on to other latents.
    (fused, earlier), (unfused, same) = colored(0.5), colored(1.0)
    assert all(torch.equal(earlier[drawing], same[drawing]) for drawing in earlier), "the first segment fuses nothing"
    both = sorted(fused.keys() & earlier.keys())
    assert len(both) == OVERLAP // 2
    for drawing in both:
        apart, close = ((frames[drawing][0] - earlier[drawing]).abs().mean() for frames in (unfused, fused))
        assert close < 0.9 * apart, "what both segments colored is brought closer"


def test_memory_holds_all_that_is_colored_and_the_latest_drawings(pipeline: LongAnimationPipeline) -> None:
    listener = Listener(pipeline)
    shot = LongShot(listener, sketches(60), references(30), segment=SEGMENT, num_inference_steps=1)  # type: ignore[arg-type]
    list(shot.run())
    # Forward 17 and 13, then backward 16 and 14: of the overlap of 17, the later segment keeps 8. Local is at most 20
    # drawings of the segment before, or of the first one at the keyframe.
    assert [len(segment.drawings) for segment in shot.segments] == [17, 13, 16, 14]
    assert listener.calls[0]["memory"] is None
    assert listener.memories == [(17, 17), (30, 17), (46, 16)]


def test_the_part_before_the_keyframe_sees_the_other_side_reversed(pipeline: LongAnimationPipeline) -> None:
    segments = long_shot(pipeline, 60, 30).segments
    assert segments[2].sequence[:3] == (30, 29, 28)
    assert segments[2].local == tuple(range(46, 29, -1))


def test_of_several_keyframes_each_drawing_takes_the_nearest_and_memory_sees_all_that_came_before(
    pipeline: LongAnimationPipeline,
) -> None:
    listener = Listener(pipeline)
    shot = LongShot(listener, sketches(12), references(2, 9, 11), segment=SEGMENT, num_inference_steps=1)  # type: ignore[arg-type]
    segments = list(shot.run())
    assert [seen for seen, _ in listener.memories] == [
        sum(len(segment.drawings) for segment in segments[:index]) for index in range(1, len(segments))
    ]
    owner = {drawing: segment.keyframe for segment in shot.segments for drawing in segment.drawings}
    assert [owner[drawing] for drawing in range(12)] == [2, 2, 2, 2, 2, 2, 9, 9, 9, 9, 9, 11]


@pytest.mark.slow
def test_a_keyframe_added_at_the_end_changes_no_segment_that_ends_before_halfway_to_it(
    pipeline: LongAnimationPipeline,
) -> None:
    before = list(long_shot(pipeline, 80, 2).run())
    after = list(long_shot(pipeline, 80, 2, 60).run())
    assert before[0].drawings == after[0].drawings and max(after[0].drawings) < 31
    assert torch.equal(before[0].frames, after[0].frames)
    assert long_shot(pipeline, 80, 60, 2).segments[0].keyframe == 60, "in the order given"


def test_of_finished_frames_only_a_few_are_kept(pipeline: LongAnimationPipeline) -> None:
    shot = long_shot(pipeline, 200, 0)
    for index, segment in enumerate(shot.segments):
        shot.remember(index, torch.zeros(1, len(segment.drawings), 3, HEIGHT, WIDTH, dtype=torch.uint8), torch.zeros(1))
        assert len(shot._recent) <= 20 and len(shot._tails) <= 1


def test_the_prompt_matters_in_any_language_and_its_suffix_is_added_once(pipeline: LongAnimationPipeline) -> None:
    plain, japanese = (
        frames_by_drawing(list(long_shot(pipeline, 2, 0, prompt=prompt).run())) for prompt in ("", "夕焼けの海岸")
    )
    assert not torch.equal(plain[1], japanese[1])
    listener = Listener(pipeline)
    pipeline.register_to_config(prompt_suffix=" High quality.")
    try:
        shot = LongShot(listener, sketches(30), references(0), prompt="Rain.", segment=SEGMENT, num_inference_steps=1)  # type: ignore[arg-type]
        list(shot.run())
    finally:
        pipeline.register_to_config(prompt_suffix="")
    expected = pipeline.encode_prompt("Rain. High quality.")
    assert all(torch.equal(call["prompt_embeds"], expected) for call in listener.calls)


def test_research_compatibility_does_as_the_authors_driver(pipeline: LongAnimationPipeline) -> None:
    listener = Listener(pipeline)
    shot = LongShot(
        listener,  # type: ignore[arg-type]
        sketches(160),
        references(0),
        prompt="Rain.",
        seed=42,
        compatibility="research",
        num_inference_steps=1,
    )
    assert [segment.sequence for segment in shot.segments] == [tuple(range(81)), tuple(range(65, 146))]
    colored = [drawing for segment in list(shot.run()) for drawing in segment.drawings]
    assert colored == list(range(1, 138))  # the first one, the last 8 of a segment and what fills none are dropped
    first, second = listener.calls
    assert torch.equal(second["reference_sketch"], sketches(160)[65])
    assert first["generator"].initial_seed() == second["generator"].initial_seed() == 42
    assert long_shot(pipeline, 81, 0, segment=81, seed=0, compatibility="research")._generator(0) is None
    assert not long_shot(pipeline, 80, 0, segment=81, compatibility="research").segments
    with pytest.raises(ValueError, match="from drawing 0 alone"):
        long_shot(pipeline, 81, 3, compatibility="research")


def test_keyframes_outside_the_shot_are_refused(pipeline: LongAnimationPipeline) -> None:
    with pytest.raises(ValueError, match="must lie among the 5 drawings"):
        long_shot(pipeline, 5, 5)
