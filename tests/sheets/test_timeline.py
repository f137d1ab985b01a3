# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes as a timeline: OpenTimelineIO itself reads what was written, and finds the pictures of each clip."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import opentimelineio as otio
import pytest

ADDRESS = "0" * 64


@pytest.fixture
def timeline(addon: Callable[[str], ModuleType]) -> ModuleType:
    return addon("takes.timeline")


@pytest.fixture
def take(addon: Callable[[str], ModuleType], tmp_path: Path) -> Callable[..., Any]:
    """Make a take of a shot with these frames, at a place of the Sequencer."""
    takes, manifest = addon("takes.take"), addon("shared.manifest")

    def make(name: str, frames: range, start: int, scene: str = "Film", fps: float = 24.0, **more: Any) -> Any:
        shot = manifest.ShotManifest(
            name=name,
            frame_start=frames.start,
            fps=fps,
            width=16,
            height=9,
            drawings=(ADDRESS,),
            timing=(0,) * len(frames),
            keyframes=(manifest.Keyframe(frames.start, ADDRESS),),
        )
        folder = tmp_path / f"{name} 1 ü"
        return takes.Take(folder, f"job {name}", shot, takes.Placement("film.blend", scene, start), number=2, **more)

    return make


def read(path: Path) -> list[list[list[Any]]]:
    """The items of each track of a file as OpenTimelineIO reads it: name, frames, rate, and the range in the track."""
    found = otio.adapters.read_from_file(str(path))
    again = otio.adapters.read_from_string(otio.adapters.write_to_string(found, "otio_json"), "otio_json")
    assert again.is_equivalent_to(found)
    assert found.name == path.stem
    return [
        [
            [item.name, item.duration().value, item.duration().rate, item.range_in_parent().start_time.value]
            for item in track
        ]
        for track in found.video_tracks()
    ]


def test_takes_are_where_the_sequencer_shows_them(
    timeline: ModuleType, take: Callable[..., Any], tmp_path: Path
) -> None:
    path = tmp_path / "film.otio"
    takes = [take("run", range(1, 9), 120), take("walk", range(101, 113), 100), take("over", range(5, 9), 104)]
    timeline.write_timeline(path, takes)
    assert read(path) == [
        [["walk", 12, 24, 0], ["", 8, 24, 12], ["run", 8, 24, 20]],
        [["", 4, 24, 0], ["over", 4, 24, 4]],
    ]


@pytest.mark.parametrize("other", [{"scene": "Other"}, {"fps": 25.0}])
def test_takes_of_several_sequencers_or_rates_follow_each_other(
    timeline: ModuleType, take: Callable[..., Any], tmp_path: Path, other: dict[str, Any]
) -> None:
    path = tmp_path / "film.otio"
    timeline.write_timeline(path, [take("run", range(1, 9), 50), take("walk", range(1, 13), 1, **other)])
    assert [[item[:3] for item in track] for track in read(path)] == [
        [["run", 8, 24], ["walk", 12, other.get("fps", 24)]]
    ]


def test_a_clip_names_the_pictures_of_its_take(timeline: ModuleType, take: Callable[..., Any], tmp_path: Path) -> None:
    path, one = tmp_path / "film.otio", take("walk", range(98, 103), 1, note="after the fix", fps=23.976)
    timeline.write_timeline(path, [one])
    (clip,) = otio.adapters.read_from_file(str(path)).find_clips()
    pictures = clip.media_reference
    urls = [pictures.target_url_for_image_number(index) for index in range(pictures.number_of_images_in_sequence())]
    assert urls == [(one.colored / f"{frame:04d}.png").absolute().as_uri() for frame in range(98, 103)]
    assert pictures.frame_for_time(clip.source_range.start_time) == 98
    assert clip.available_range() == clip.source_range
    assert dict(clip.metadata["longanimation"]) == {
        **{"take": 2, "job": "job walk", "preset": "tiny", "seed": 0, "note": "after the fix"},
    }


def test_what_cannot_be_written_changes_nothing(
    timeline: ModuleType, take: Callable[..., Any], addon: Callable[[str], ModuleType], tmp_path: Path
) -> None:
    path = tmp_path / "film.otio"
    with pytest.raises(addon("shared.errors").ShotError, match="walk, take 2 begins at frame -3"):
        timeline.write_timeline(path, [take("walk", range(-3, 3), 1)])
    with pytest.raises(OSError):
        timeline.write_timeline(tmp_path / "gone" / "film.otio", [take("walk", range(3), 1)])
    assert not list(tmp_path.iterdir())
