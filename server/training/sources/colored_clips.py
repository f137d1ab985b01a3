# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder of colored clips, as a studio has them or as Sakuga-42M is laid out, for fine-tuning (paper §4.1).

A clip is a video file or a folder of frames. Tables (`*.csv`, `*.parquet`) in the folder say more about the clips:

    identifier                                `VIDEO:CLIP`, or the clip's file name without its ending
    scene_start_time, scene_end_time          where the clip is in a whole video, HH:MM:SS.mmm
    aesthetic_score, dynamic_score, text_prob 0..1
    text_description                          a sentence

The columns are those of Sakuga-42M, whose videos are either whole (`VIDEO.mp4`) or cut
(`VIDEO/VIDEO-Scene-001.mp4`, in order). Only `identifier` is needed. Without a table, every clip is read, and only its
length is checked.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from server.coloring.line_art.difference_of_gaussians import DifferenceOfGaussians
from server.longanimation.line_extractor import LineExtractor
from shared.timing import Exposure

VIDEOS = {".avi", ".gif", ".m4v", ".mkv", ".mov", ".mp4", ".webm"}
IMAGES = {".bmp", ".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp"}

TABLE_COLUMNS = (
    *("identifier", "scene_start_time", "scene_end_time", "aesthetic_score", "dynamic_score", "text_prob"),
    *("text_description", "url_link", "fps"),
)
"""The columns that are read of tables. Sakuga-42M's have more."""

_HELD = 8.0
"""The largest difference, in gray levels of 255, between the frames of a held drawing, caused by compression."""
_GLANCE = (96, 54)
"""The size at which drawings are compared, so that noise averages out."""


@dataclass(frozen=True, slots=True)
class ClipFilter:
    """The criteria for good clips. The paper requires more than 91 frames, and "high-aesthetic and dynamic" clips
    without a number. A score that the tables lack is not checked.

    Attributes:
        frames: the smallest number of frames, including held ones.
        drawings: the smallest number of different drawings.
        aesthetic, dynamic: the smallest scores, 0..1.
        text: the largest probability that writing covers the picture, 0..1.
    """

    frames: int = 92
    drawings: int = 8
    aesthetic: float = 0.7
    dynamic: float = 0.6
    text: float = 0.1

    def admits(self, row: Mapping[str, str]) -> bool:
        """Return whether the scores in a row of a table are good enough."""
        aesthetic, dynamic, text = (_score(row, name) for name in ("aesthetic_score", "dynamic_score", "text_prob"))
        return (
            (aesthetic is None or aesthetic >= self.aesthetic)
            and (dynamic is None or dynamic >= self.dynamic)
            and (text is None or text <= self.text)
        )


@dataclass(frozen=True)
class ColoredClip:
    """Different drawings of a clip, in order.

    Attributes:
        name: file or identifier.
        color: uint8 [T,H,W,3].
        line_art: uint8 [T,H,W], 255 paper.
        exposure: which drawing every frame shows; the first frame is 0.
        sentence: a description, or empty.
    """

    name: str
    color: np.ndarray
    line_art: np.ndarray
    exposure: Exposure
    sentence: str


@dataclass(frozen=True, slots=True)
class _Entry:
    """A clip that may be read: seconds `start` to `end` of a file, a whole file, or a folder of frames."""

    name: str
    path: Path
    start: float = 0.0
    end: float = math.inf
    sentence: str = ""


def read_clips(
    folder: Path,
    width: int,
    height: int,
    wanted: ClipFilter | None = None,
    extractor: LineExtractor | None = None,
    longest: int = 500,
) -> Iterator[ColoredClip]:
    """Read the clips of a folder in the order of their names.

    Pictures are scaled to cover the size, and both sides are cropped evenly.

    Args:
        wanted: the criteria, by default the paper's.
        extractor: draws the lines; by default the classical one, which needs no weights.
        longest: the largest number of frames that are read of a clip.

    Raises:
        FileNotFoundError: the folder is missing or has no clips, or a table names a clip that is missing.
        ValueError: a table or a clip cannot be read.
    """
    wanted, extractor = wanted or ClipFilter(), extractor or DifferenceOfGaussians()
    for entry in _find(folder, wanted):
        drawings: list[np.ndarray] = []
        exposure: list[int] = []
        last: np.ndarray | None = None
        for frame in _frames(entry):
            if len(exposure) == longest:
                break
            picture = _cover(frame, width, height)
            glance = cv2.resize(picture, _GLANCE, interpolation=cv2.INTER_AREA).astype(np.float32)
            if last is None or np.abs(glance - last).max() > _HELD:
                drawings.append(picture)
                last = glance  # compares with the first frame of a hold, so that slow drifts are found too
            exposure.append(len(drawings) - 1)
        if len(exposure) < wanted.frames or len(drawings) < wanted.drawings:
            continue
        line_art = np.stack([extractor(drawing) for drawing in drawings])
        yield ColoredClip(entry.name, np.stack(drawings), line_art, Exposure(0, tuple(exposure)), entry.sentence)


def _find(folder: Path, wanted: ClipFilter) -> list[_Entry]:
    """Return the clips of a folder that are good enough according to its tables, if it has tables."""
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is not a folder: give one with videos or with folders of frames")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    videos = {path.stem: path for path in files if path.suffix.lower() in VIDEOS}
    videos |= {path.parent.name: path.parent for path in files if path.suffix.lower() in IMAGES}
    if not videos:
        raise FileNotFoundError(f"{folder} has no videos ({', '.join(sorted(VIDEOS))}) and no folders of images")
    tables = [path for path in files if path.suffix.lower() in (".csv", ".parquet")]
    if not tables:
        return [_Entry(name, path) for name, path in sorted(videos.items())]
    return [entry for table in tables for entry in _entries(table, videos, wanted)]


def _entries(table: Path, videos: Mapping[str, Path], wanted: ClipFilter) -> list[_Entry]:
    rows = list(read_table(table))
    if rows and "identifier" not in rows[0]:
        raise ValueError(
            f"{table} has no column `identifier` but {', '.join(rows[0])}; name the clips in such a column"
        )
    scenes: dict[str, list[int]] = {}
    for row in rows:
        video, _, clip = row["identifier"].partition(":")
        if clip:
            scenes.setdefault(video, []).append(int(clip))
    entries = []
    for row in rows:
        name = row["identifier"]
        video, _, clip = name.partition(":")
        number = sorted(scenes[video]).index(int(clip)) + 1 if clip else 0
        scene = (videos.get(f"{video}-Scene-{number:0{digits}}") for digits in (3, 4))
        cut = next((path for path in scene if path is not None), None)
        if not wanted.admits(row):
            continue
        sentence = row.get("text_description") or ""
        if cut is not None:
            entries.append(_Entry(name, cut, sentence=sentence))
        elif video in videos:
            start, end = seconds(row.get("scene_start_time"), 0.0), seconds(row.get("scene_end_time"), math.inf)
            entries.append(_Entry(name, videos[video], start, end, sentence))
        else:
            raise FileNotFoundError(f"{table} names {name}, but there is no video {video}: fetch it or delete the row")
    return entries


def read_table(table: Path) -> Iterator[dict[str, str]]:
    """Yield the rows of a table, *.csv or *.parquet. All values are text, and missing values are empty.

    Raises ValueError if it cannot be read.
    """
    if table.suffix.lower() == ".csv":
        with table.open(newline="", encoding="utf-8-sig") as file:
            yield from csv.DictReader(file)
        return
    try:
        from pyarrow import parquet  # type: ignore[import-not-found]
    except ImportError as error:
        raise ValueError(
            f"{table} needs the package `pyarrow`: .venv/bin/pip install --constraint requirements.lock pyarrow. Or "
            "save the table as CSV."
        ) from error
    with parquet.ParquetFile(table) as file:
        known = [name for name in file.schema_arrow.names if name in TABLE_COLUMNS]
        for batch in file.iter_batches(columns=known or None):  # the largest table does not fit into memory as text
            for row in batch.to_pylist():
                yield {name: "" if value is None else str(value) for name, value in row.items()}


def _score(row: Mapping[str, str], name: str) -> float | None:
    text = row.get(name) or "nan"
    try:
        score = float(text)
    except ValueError as error:
        raise ValueError(f"{name} of {row['identifier']} is {text!r}; it must be a number from 0 to 1") from error
    return None if math.isnan(score) else score


def seconds(text: str | None, default: float) -> float:
    """Turn HH:MM:SS.mmm, or seconds, into seconds."""
    if not text or text == "nan":
        return default
    try:
        return sum(float(part) * 60**power for power, part in enumerate(reversed(text.split(":"))))
    except ValueError as error:
        raise ValueError(f"the time {text!r} is neither HH:MM:SS.mmm nor seconds") from error


def _frames(entry: _Entry) -> Iterator[np.ndarray]:
    """Yield the frames of a clip, RGB uint8 [H,W,3]."""
    if entry.path.is_dir():
        for path in sorted(path for path in entry.path.iterdir() if path.suffix.lower() in IMAGES):
            image = cv2.imdecode(
                np.fromfile(path, np.uint8), cv2.IMREAD_COLOR
            )  # can read file names that imread cannot
            if image is None:
                raise ValueError(f"{path} cannot be read as an image; replace it or take it out of the folder")
            yield cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        return
    video = cv2.VideoCapture(str(entry.path))
    try:
        if not video.isOpened():
            raise ValueError(f"{entry.path} cannot be read as a video; convert it to MP4 (H.264), or to images")
        rate = video.get(cv2.CAP_PROP_FPS) or 24.0
        first, end = round(entry.start * rate), entry.end * rate
        number = 0
        while number < first and video.grab():  # exact, while seeking depends on the codec
            number += 1
        while number < end - 0.5:
            there, frame = video.read()
            if not there:
                return
            number += 1
            yield cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
    finally:
        video.release()


def _cover(frame: np.ndarray, width: int, height: int) -> np.ndarray:
    """Scale a frame so that it covers the size, and crop the sides."""
    scale = max(width / frame.shape[1], height / frame.shape[0])
    whole = (max(width, round(frame.shape[1] * scale)), max(height, round(frame.shape[0] * scale)))
    scaled = cv2.resize(frame, whole, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    top, left = (whole[1] - height) // 2, (whole[0] - width) // 2
    return np.ascontiguousarray(scaled[top : top + height, left : left + width])
