# SPDX-License-Identifier: GPL-3.0-or-later
"""Video-XL's memory: the same however frames were added, as fine as the motion requires, and bounded."""

from itertools import pairwise

import pytest
import torch
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from server.longanimation import VideoMemory, VideoXL
from server.longanimation.compression import feature_changes, kept_windows, segment_length

HEAD, TAIL = torch.arange(14), torch.arange(16)
SMALL = {
    "vocab_size": 20,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 9,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}
TOWER = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
SMALL_TOWER = TOWER | {"image_size": 32, "patch_size": 8}
FRAME = 4  # tokens a frame of the small geometries


@pytest.fixture(autouse=True)
def repeatable() -> None:
    torch.manual_seed(0)


def small_model(window: int = 16, ratio: int = 4, **settings) -> VideoXL:
    model = VideoXL(**SMALL, beacon_window=window, beacon_stride=window, beacon_ratio=(ratio,), **settings)
    return model.eval()


def remembered(model: VideoXL, memory: VideoMemory) -> torch.Tensor:
    with torch.no_grad():
        return model.ask(memory, TAIL)[0]


@torch.no_grad()
def grow(
    model: VideoXL, frames: torch.Tensor, groups: list[int], ratio=None, features: torch.Tensor | None = None
) -> VideoMemory:
    """A memory of frames [F, T, hidden], appended in groups of so many frames."""
    memory = model.start(HEAD, ratio)
    described = [None] * len(groups) if features is None else features.split(groups)
    for part, known in zip(frames.split(groups), described, strict=True):
        model.append(memory, part.flatten(0, 1), known)
    return memory


def test_the_published_geometry_is_the_same_in_one_pass_and_in_odd_groups() -> None:
    model = small_model(window=1440, ratio=8)
    frames = torch.randn(23, 144, 32)
    expected = remembered(model, grow(model, frames, [23]))
    assert expected.shape == (1, 2, 3, len(HEAD) + 18 * 23 + len(TAIL), 16)
    for groups in ([1] * 23, [5, 1, 7, 3, 7]):
        torch.testing.assert_close(remembered(model, grow(model, frames, groups)), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("ratio", [8, "dynamic"])
def test_frames_give_the_same_memory_in_groups_and_all_at_once(ratio: int | str) -> None:
    model = small_model(window=1440, ratio=8, vision=TOWER | {"image_size": 336, "patch_size": 14})
    frames = torch.rand(11, 3, 45, 80)
    once, grown = model.start(HEAD, ratio), model.start(HEAD, ratio)
    with torch.no_grad():
        model.append_frames(once, frames)
        for part in frames.split([1, 7, 3]):
            model.append_frames(grown, part)
    assert once.windows == grown.windows != []
    torch.testing.assert_close(remembered(model, grown), remembered(model, once), rtol=0, atol=1e-5)


@pytest.mark.parametrize("ratio", [2, 4, 8])
def test_any_ratio_that_divides_the_window_can_be_chosen(ratio: int) -> None:
    model = small_model(window=16)
    memory = grow(model, torch.randn(6, 8, 32), [6], ratio)
    assert remembered(model, memory).shape[3] == len(HEAD) + 6 * 8 // ratio + len(TAIL)
    assert model.start(HEAD).ratio == 4


@pytest.mark.parametrize("ratio", [0, 3, 2.0, "fast"])
def test_another_ratio_is_refused(ratio) -> None:
    with pytest.raises(ValueError, match="divides the window of 16 tokens"):
        small_model(window=16).start(HEAD, ratio)


def test_reading_changes_nothing_and_needs_no_logits() -> None:
    model = small_model()
    memory = grow(model, torch.randn(7, FRAME, 32), [7])
    before = remembered(model, memory)
    model.lm_head.register_forward_hook(lambda *_: pytest.fail("the logits were computed"))
    with torch.no_grad():
        assert torch.equal(model.read(memory, TAIL), before)
    assert len(memory.cache) == len(HEAD) + 4
    assert len(memory.tokens) == 3 * FRAME


def test_a_copy_grows_on_its_own() -> None:
    model = small_model()
    frames = torch.randn(12, FRAME, 32)
    memory = grow(model, frames[:7], [7])
    before = remembered(model, memory)
    copy = memory.copy()
    with torch.no_grad():
        model.append(copy, frames[7:].flatten(0, 1))
    assert torch.equal(remembered(model, memory), before)
    assert torch.equal(remembered(model, copy), remembered(model, grow(model, frames, [7, 5])))


def test_what_waits_holds_on_to_no_more_than_itself() -> None:
    memory = grow(small_model(), torch.randn(41, FRAME, 32), [41])
    assert memory.tokens.untyped_storage().nbytes() == memory.tokens.nbytes == FRAME * 32 * 4


def test_gradients_reach_the_frames_through_windows_and_what_waits() -> None:
    model = small_model(vision=SMALL_TOWER)
    memory = model.start(HEAD)
    model.append(memory, model.encode_frames(torch.rand(6, 3, 32, 32)))
    assert memory.windows
    model.ask(memory, TAIL)[0].square().sum().backward()
    for name in ("embed_tokens", "beacon_embed_tokens", "layers.0.self_attn.beacon_k_proj", "mm_projector.0"):
        assert model.model.get_submodule(name).weight.grad.abs().sum() > 0


# How segments are chosen (§3.2.2).


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([0.01] * 7, 8),
        ([0.05] * 7, 2),
        ([0.03] * 7, 4),
        ([0, 0, 0, 0.5, 0, 0, 0], 4),
        ([0.5, 0, 0, 0, 0, 0, 0], 2),
        ([0.01] * 6, 4),
        ([0.01] * 2, 2),
        ([0.5], 2),
        ([], 1),
    ],
)
def test_the_calmer_the_frames_the_longer_the_segment(changes: list[float], expected: int) -> None:
    assert segment_length(changes, threshold=0.1) == expected


def test_change_is_one_minus_the_cosine_of_neighbors() -> None:
    features = torch.tensor([[1.0, 0], [2, 0], [0, 3], [1, 3**0.5]])
    assert feature_changes(features) == pytest.approx([0, 1, 1 - 3**0.5 / 2])


def turning(changes: list[float]) -> torch.Tensor:
    """Features [F, 2] whose neighbors differ by these changes."""
    angles = torch.tensor([0.0, *changes]).neg().add(1).arccos().cumsum(0)
    return torch.stack([angles.cos(), angles.sin()], dim=1)


@pytest.mark.parametrize(("change", "frames"), [(0.0, 8), (0.03, 4), (0.5, 2)])
def test_a_dynamic_segment_is_a_window_compressed_by_its_own_length(change: float, frames: int) -> None:
    dynamic, fixed = small_model(), small_model(window=frames * FRAME, ratio=frames)
    fixed.load_state_dict(dynamic.state_dict())
    tokens = torch.randn(16, FRAME, 32)
    found = grow(dynamic, tokens, [16], "dynamic", turning([change] * 15))
    assert remembered(dynamic, found).shape[3] == len(HEAD) + FRAME * 16 // frames + len(TAIL)
    assert torch.equal(remembered(dynamic, found), remembered(fixed, grow(fixed, tokens, [16])))


@pytest.mark.parametrize("count", [1, 9, 17])
def test_a_single_frame_at_the_end_is_compressed_like_two(count: int) -> None:
    model = small_model()
    memory = grow(model, torch.randn(count, FRAME, 32), [count], "dynamic", torch.ones(count, 2))
    assert remembered(model, memory).shape[3] == len(HEAD) + FRAME * (count // 8) + FRAME // 2 + len(TAIL)


@pytest.mark.parametrize("groups", [[1] * 40, [7, 13, 1, 19]])
def test_dynamic_segments_do_not_depend_on_the_grouping(groups: list[int]) -> None:
    model = small_model()
    frames, features = torch.randn(40, FRAME, 32), turning((torch.rand(39) ** 4 / 5).tolist())
    once, grown = (grow(model, frames, grouped, "dynamic", features) for grouped in ([40], groups))
    assert torch.equal(remembered(model, grown), remembered(model, once))
    spans = [end - start for start, end in pairwise([0, *_segment_ends(features)])]
    assert set(spans[:-1]) == {2, 4, 8}, "the case has segments of every length"
    assert len(once.windows) == len([end for end in _segment_ends(features) if end <= 40 - len(once.features)])


def _segment_ends(features: torch.Tensor) -> list[int]:
    """The segments, chosen with all frames known."""
    changes, ends = feature_changes(features), [0]
    while ends[-1] < len(features):
        ends.append(ends[-1] + segment_length(changes[ends[-1] :], 0.1))
    return ends[1:]


def test_still_frames_are_compressed_more_than_others() -> None:
    model = small_model(vision=SMALL_TOWER)
    still, busy = torch.rand(3, 32, 32).expand(16, -1, -1, -1), torch.rand(16, 3, 32, 32)
    for frames, threshold, windows in ((still, 1e-4, 2), (busy, 1e-4, 5)):
        model.register_to_config(change_threshold=threshold)
        memory = model.start(HEAD, "dynamic")
        with torch.no_grad():
            model.append_frames(memory, frames)
        assert len(memory.windows) == windows


# The bound.


@pytest.mark.parametrize(
    ("count", "kept"), [(5, [0, 2, 3, 4]), (6, [0, 2, 3, 4, 5]), (11, [0, 2, 4, 5, 6, 7, 8, 9, 10])]
)
def test_every_second_window_of_the_older_half_is_forgotten_but_never_the_first(count: int, kept: list[int]) -> None:
    assert kept_windows(count) == kept


def test_memory_is_bounded_for_thousands_of_frames() -> None:
    model = small_model(window=64, beacon_limit=160)  # ten windows of sixteen frames
    memory = model.start(HEAD)
    frames, sizes = torch.randn(12, FRAME, 32), []
    with torch.no_grad():
        for _ in range(200):
            model.append(memory, frames.flatten(0, 1))
            sizes.append(len(memory.cache))
    assert max(sizes) == len(HEAD) + 160
    assert min(sizes[-100:]) > len(HEAD) + 100
    assert len(memory.tokens) < 64
    assert remembered(model, memory).isfinite().all()


@pytest.mark.parametrize("groups", [[1] * 75, [31, 3, 41]])
def test_beyond_the_bound_the_memory_does_not_depend_on_the_grouping(groups: list[int]) -> None:
    model = small_model(beacon_limit=40)
    frames = torch.randn(75, FRAME, 32)
    expected = remembered(model, grow(model, frames, [75]))
    assert expected.shape[3] <= len(HEAD) + 40 + len(TAIL)
    assert torch.equal(remembered(model, grow(model, frames, groups)), expected)


def test_forgetting_starts_beyond_the_bound_and_leaves_the_rest_as_it_was() -> None:
    free = small_model()
    bound = small_model(beacon_limit=40)
    bound.load_state_dict(free.state_dict())
    frames = torch.randn(44, FRAME, 32)
    assert torch.equal(*(remembered(model, grow(model, frames[:40], [40])) for model in (free, bound)))

    full, thinned = (grow(model, frames, [44]) for model in (free, bound))
    prompt, windows = full.cache.keys[-1].split([len(HEAD), 44], dim=2)
    kept = windows.unflatten(2, (11, 4))[:, :, kept_windows(11)].flatten(2, 3)
    assert torch.equal(thinned.cache.keys[-1], torch.cat([prompt, kept], dim=2))


def test_asking_keeps_to_the_bound_too() -> None:
    model = small_model(beacon_limit=40)
    memory = grow(model, torch.randn(41, FRAME, 32), [41])
    assert len(memory.cache) == len(HEAD) + 40
    assert remembered(model, memory).shape[3] == len(HEAD) + 41 - 2 * 4 + len(TAIL)


def test_a_bound_of_less_than_four_windows_is_refused() -> None:
    with pytest.raises(ValueError, match=r"beacon_limit is 15, but a window has 4 beacons: allow 16"):
        grow(small_model(beacon_limit=15), torch.randn(4, FRAME, 32), [4])


# Frames.


def test_few_frames_at_once_pass_through_the_tower() -> None:
    model = small_model(vision=SMALL_TOWER)
    batches: list[int] = []
    model.model.vision_tower.register_forward_hook(lambda _, inputs, output: batches.append(len(inputs[0])))
    memory = model.start(HEAD)
    with torch.no_grad():
        model.append_frames(memory, torch.rand(200, 3, 8, 8))
        model.encode_frames(torch.rand(40, 3, 8, 8))
    assert sum(batches) == 240
    assert max(batches) <= 16


@torch.no_grad()
@pytest.mark.parametrize("size", [(45, 80), (80, 45), (32, 57)])
def test_center_crop_is_what_clip_itself_does(size: tuple[int, int]) -> None:
    model = small_model(vision=SMALL_TOWER)
    frames = torch.randint(64, 192, (2, 3, *size), dtype=torch.uint8)
    processor = CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    pixels = processor(list(frames.permute(0, 2, 3, 1).numpy()), return_tensors="pt").pixel_values
    seen: list[torch.Tensor] = []
    model.model.vision_tower.register_forward_hook(lambda _, inputs, output: seen.append(inputs[0]))
    model.encode_frames(frames / 255, crop="center")
    # Pillow rounds to bytes, in each direction; one is 0.015 here.
    torch.testing.assert_close(seen[0], pixels, rtol=0, atol=0.03)


@torch.no_grad()
def test_without_crop_the_edges_of_the_frame_are_seen() -> None:
    model = small_model(vision=SMALL_TOWER)
    frames = torch.rand(1, 3, 36, 64)
    cut = frames.clone()
    cut[..., :6] = 0
    assert not torch.allclose(model.encode_frames(cut), model.encode_frames(frames), atol=1e-3)
    torch.testing.assert_close(*(model.encode_frames(f, crop="center") for f in (cut, frames)))


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (torch.full((1, 3, 8, 8), float("nan")), r"0\.\.1, not torch.float32 from nan"),
        (torch.full((1, 3, 8, 8), float("inf")), r"0\.\.1, not torch.float32 from inf"),
        (torch.full((1, 3, 8, 8), -0.5), r"0\.\.1, not torch.float32 from -0.5"),
        (torch.zeros(1, 3, 8, 8, dtype=torch.uint8), r"uint8 .* divide bytes by 255"),
        (torch.zeros(3, 8, 8), r"\[F, 3, H, W\], at least one, not \[3, 8, 8\]"),
        (torch.zeros(1, 4, 8, 8), r"not \[1, 4, 8, 8\]"),
    ],
)
def test_frames_that_are_none_are_refused(frames: torch.Tensor, message: str) -> None:
    model = small_model(vision=SMALL_TOWER)
    with pytest.raises(ValueError, match=message):
        model.append_frames(model.start(HEAD), frames)


@pytest.mark.parametrize(
    ("ratio", "tokens", "features", "message"),
    [
        (4, (8, 31), None, r"\[N, 32\].* not \[8, 31\]"),
        (4, (8,), None, r"not \[8\]"),
        (4, (6, 32), None, "6 tokens cannot be compressed 4 to one"),
        ("dynamic", (8, 32), None, "use append_frames"),
        ("dynamic", (8, 32), (3, 2), "8 tokens do not fit 3 rows"),
        ("dynamic", (6, 32), (2, 2), "even number"),
        ("dynamic", (16, 32), (2, 2), "the same"),
    ],
)
def test_tokens_that_do_not_fit_are_refused(ratio, tokens: tuple, features: tuple | None, message: str) -> None:
    model = small_model()
    memory = model.start(HEAD, ratio)
    if message == "the same":
        model.append(memory, torch.zeros(4, 32), torch.ones(1, 2))
    with pytest.raises(ValueError, match=message):
        model.append(memory, torch.zeros(tokens), None if features is None else torch.ones(features))
