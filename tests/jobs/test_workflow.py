# SPDX-License-Identifier: GPL-3.0-or-later
"""A job fails only for its own errors."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import sqlalchemy as sa
from dbos import DBOS

from server.coloring.colorizer import Colorizer
from server.config import Config
from server.images.codec import encode_png
from server.jobs.workflow import JobRunner
from server.storage.blobs import Blobs
from server.storage.catalogue import Catalogue
from server.storage.database import open_database
from server.storage.frames import Frames
from server.storage.job_changes import JobChanges
from server.storage.segments import Segments
from server.storage.space import NoSpace
from server.training.cartoon import draw_clip
from shared.manifest import Keyframe, ShotManifest
from tests.server.conftest import SmallShot
from tests.server.stand_in import StandIn


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = open_database(Config(tmp_path))
    yield engine
    engine.dispose()


class Faulty:
    """A colorizer that stops at a fault at once."""

    def __init__(self, fault: Exception) -> None:
        self._fault = fault

    def open(self, _shot: Any) -> Any:
        raise self._fault


def add_job(engine: sa.Engine, blobs: Blobs) -> None:
    shot = SmallShot()
    for content in shot.blobs.values():
        blobs.write(content)
    with engine.begin() as connection:
        JobChanges(engine).add(connection, "job", shot.manifest, queue="cpu", owner="", fingerprint="")


@pytest.mark.parametrize(
    ("fault", "state"),
    [
        (sa.exc.OperationalError("SELECT", {}, Exception("server closed the connection")), "running"),
        (NoSpace("no room"), "running"),
        (OSError(28, "No space left on device"), "running"),
        (RuntimeError("a fault of ours"), "failed"),
        (ValueError("a sentence for people"), "failed"),
    ],
    ids=["database away", "no space", "disk full", "fault", "sentence"],
)
def test_a_job_fails_by_its_own_faults_and_is_left_to_be_taken_up_after_others(
    engine: sa.Engine, tmp_path: Path, fault: Exception, state: str
) -> None:
    catalogue, blobs = Catalogue(engine), Blobs(engine, str(tmp_path / "blobs"))
    add_job(engine, blobs)
    runner = JobRunner("w", engine, blobs, lambda _preset: cast(Any, Faulty(fault)))
    with pytest.raises(type(fault)):
        runner.run("job")
    assert catalogue.state("job") == state
    assert catalogue.running_on("w") == (["job"] if state == "running" else []), "its worker queues it again"
    assert runner.current_job is None


def test_a_job_that_was_begun_under_another_plan_is_colored_by_this_one(
    engine: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs, changes = Blobs(engine, str(tmp_path / "blobs")), JobChanges(engine)
    add_job(engine, blobs)
    recorded = {0: {"frames": {"0": blobs.write(b"frame"), "1": "", "2": ""}, "state": blobs.write(b"state")}}
    changes.plan("job", [[0, 1, 2], [3, 4], [5], [6, 7]], 0.0)
    monkeypatch.setattr(DBOS, "run_step", lambda _options, color, index: recorded.get(index) or color(index))
    JobRunner("w", engine, blobs, lambda _preset: cast(Any, StandIn(tmp_path))).run("job")
    assert Catalogue(engine).state("job") == "done"
    assert [row.drawings for row in Segments(engine).of("job")] == [(0, 1), (2, 3), (4, 5), (6, 7)]
    assert all(row.finished for row in Segments(engine).of("job"))
    assert sorted(Frames(engine).blobs("job")) == list(range(8))


@pytest.mark.slow
def test_a_correction_takes_all_frames_but_those_nearest_to_it(
    engine: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = draw_clip(seed=123456789, drawings=24, width=160, height=96)
    paintings = clip.colors[clip.labels].round().astype(np.uint8)
    blobs, changes, frames = Blobs(engine, str(tmp_path / "blobs")), JobChanges(engine), Frames(engine)
    drawings = tuple(blobs.write(encode_png(drawing)) for drawing in clip.line_art)
    first, added = (Keyframe(at, blobs.write(encode_png(paintings[at])), at // 20) for at in (12, 20))
    shot = ShotManifest("fix", 0, 24.0, 160, 96, drawings, tuple(range(24)), (first,), quality="preview")
    colorizer = Colorizer.from_preset("tiny")
    colorizer.preset = replace(colorizer.preset, segment=6)
    runner = JobRunner("w", engine, blobs, lambda _preset: colorizer)
    monkeypatch.setattr(DBOS, "run_step", lambda _options, color, index: color(index))
    for job, manifest in (("job", shot), ("fix", replace(shot, keyframes=(first, added))), ("again", shot)):
        with engine.begin() as connection:
            changes.add(connection, job, manifest, queue="cpu", owner="", fingerprint="")
        runner.run(job)
    old, new = frames.blobs("job"), frames.blobs("fix")
    assert sorted(new) == list(range(24))
    assert [drawing for drawing in new if drawing >= 17 and new[drawing] == old[drawing]] == []
    assert all(new[drawing] == old[drawing] for drawing in range(17))
    rows = Segments(engine).of("fix")
    assert [row.reused for row in rows] == [not row.drawings or row.drawings[0] < 17 for row in rows]
    assert frames.blobs("again") == old, "the part of a segment that a correction needs serves no other job"
