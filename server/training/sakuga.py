# SPDX-License-Identifier: GPL-3.0-or-later
"""Sakuga-42M's clips (paper §4.1): from the tables that its authors published to a folder that `train clips` reads.

The tables name videos by their addresses, and say where in a video each clip is. A video is downloaded, its good clips
are cut out of it, and it is deleted. The folder then has `VIDEO/VIDEO-CLIP.mp4`, a table `clips.csv` of them, and a
report `failed.jsonl` of what could not be fetched.
"""

import csv
import io
import json
import logging
import re
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from urllib.parse import urlsplit

import av
import requests
from requests.adapters import HTTPAdapter
from rich.progress import Progress
from urllib3.util import Retry

from server.files import open_atomic, write_file

from .sources.colored_clips import VIDEOS, ClipFilter, read_table, seconds

_log = logging.getLogger(__name__)

TABLE, FAILED = "clips.csv", "failed.jsonl"
COLUMNS = ("identifier", "text_description", "aesthetic_score", "dynamic_score", "text_prob", "url_link")
"""The columns of `clips.csv`. An identifier there is a clip's file name without its ending."""

PAUSE = 0.35
"""Seconds between two requests. The dataset's own downloader waits as long, and asks to keep it so."""
AGENT = "longanimation-color (training; one video at a time per connection)"
RETRY = Retry(total=5, backoff_factor=1, backoff_jitter=1, status_forcelist=(429, 500, 502, 503, 504))
"""A server that is busy or broken is asked again after 0, 2, 4, 8 and 16 seconds, or when it says."""
TIMEOUT = 60
ENCODER = {"crf": "12", "preset": "medium"}
"""Options of x264: nearly without loss."""


@dataclass(frozen=True)
class Failure:
    """A clip that could not be fetched: its identifier in the table, its video's address, and why."""

    identifier: str
    url_link: str
    reason: str


@dataclass(frozen=True)
class Scene:
    """A clip in a video: seconds `start` to `end`, and its row of the table."""

    name: str
    start: float
    end: float
    row: dict[str, str]


@dataclass(frozen=True)
class Video:
    """A video and the clips to be cut from it."""

    name: str
    address: str
    scenes: list[Scene]


class Pace:
    """Lets threads begin requests one by one, `pause` seconds apart."""

    def __init__(self, pause: float) -> None:
        self.pause = pause
        self.next = 0.0
        self.lock = threading.Lock()

    def wait(self) -> None:
        """Return when it is this thread's turn."""
        with self.lock:
            time.sleep(max(0.0, self.next - time.monotonic()))
            self.next = time.monotonic() + self.pause


def fetch_sakuga(
    tables: Path, folder: Path, wanted: ClipFilter | None = None, connections: int = 2, pause: float = PAUSE
) -> tuple[int, int]:
    """Fetch the good clips of the tables in `tables`, a file or a folder, into `folder`. Clips that are there already
    are kept, and what failed before is tried again. Returns how many clips there are, and how many failed.

    wanted: the criteria for clips, by default the paper's. connections: number of downloads at the same time. pause:
    see `PAUSE`.

    Raises:
        FileNotFoundError: there is no table.
        ValueError: a table lacks a column, or is in `folder`.
    """
    wanted = wanted or ClipFilter()
    videos = find_videos(tables, folder, wanted)
    done = _kept_rows(folder)
    there = {row["identifier"] for row in done}
    missing = [
        Video(video.name, video.address, scenes)
        for video in videos
        if (scenes := [scene for scene in video.scenes if scene.name not in there])
    ]
    folder.mkdir(parents=True, exist_ok=True)
    _log.info("%d clips are there. %d of %d videos are to be fetched.", len(there), len(missing), len(videos))
    _write_table(folder, done)
    failed = 0
    with (
        (folder / TABLE).open("a", newline="", encoding="utf-8") as table,
        (folder / FAILED).open("w", encoding="utf-8") as report,
    ):
        for rows, failures in _fetch_all(missing, folder, connections, pause):
            table.write(_lines(rows))
            report.write("".join(f"{json.dumps(asdict(failure))}\n" for failure in failures))
            for file in (table, report):
                file.flush()
            done += rows
            failed += len(failures)
    _write_table(folder, done)
    _log.info("%d clips are in %s. %d could not be fetched: see %s.", len(done), folder, failed, folder / FAILED)
    return len(done), failed


def find_videos(tables: Path, folder: Path, wanted: ClipFilter) -> list[Video]:
    """Return the videos that have good clips, by their names. See `fetch_sakuga` for errors."""
    files = [tables] if tables.is_file() else sorted((*tables.rglob("*.csv"), *tables.rglob("*.parquet")))
    if not files:
        raise FileNotFoundError(f"{tables} has no table (*.parquet, *.csv): docs/training.md says where they are.")
    videos: dict[str, Video] = {}
    for file in files:
        if file.resolve().is_relative_to(folder.resolve()):
            raise ValueError(f"{file} is in the folder for the clips: give another folder with --output.")
        for row in read_table(file):
            if lacking := [name for name in ("identifier", "url_link") if name not in row]:
                raise ValueError(f"{file} has no column {' and no '.join(lacking)}: give Sakuga-42M's own tables.")
            scene = _scene(row)
            if wanted.admits(row) and _is_long(row, scene, wanted):
                name = row["identifier"].partition(":")[0]
                videos.setdefault(name, Video(name, row["url_link"], [])).scenes.append(scene)
    return [videos[name] for name in sorted(videos)]


def _scene(row: dict[str, str]) -> Scene:
    if not re.fullmatch(r"\w[\w.-]*(:\w+)?", row["identifier"]):  # it becomes the name of a file
        raise ValueError(f"{row['identifier']!r} is no identifier of a clip, which is VIDEO:CLIP.")
    start, end = seconds(row.get("scene_start_time"), 0.0), seconds(row.get("scene_end_time"), float("inf"))
    return Scene(row["identifier"].replace(":", "-"), start, end, row)


def _is_long(row: dict[str, str], scene: Scene, wanted: ClipFilter) -> bool:
    """Return whether a clip has enough frames, as far as the table says."""
    rate = seconds(row.get("fps"), float("inf"))
    return (scene.end - scene.start) * rate >= wanted.frames - 0.5


def _kept_rows(folder: Path) -> list[dict[str, str]]:
    """Return the complete rows of an earlier call whose clips are there."""
    if not (folder / TABLE).is_file():
        return []
    rows = [row for row in read_table(folder / TABLE) if None not in row.values()]
    return [row for row in rows if _place(folder, row["identifier"]).is_file()]


def _place(folder: Path, name: str) -> Path:
    return folder / name.rpartition("-")[0] / f"{name}.mp4"


def _write_table(folder: Path, rows: Sequence[dict[str, str]]) -> None:
    """Write `clips.csv`, sorted by name, so that it does not depend on which download was faster."""
    names = dict(zip(COLUMNS, COLUMNS, strict=True))
    lines = _lines([names, *sorted(rows, key=lambda row: row["identifier"])])
    write_file(folder / TABLE, lines.encode())


def _lines(rows: Iterable[dict[str, str]]) -> str:
    """Return rows as lines of `clips.csv`."""
    lines = io.StringIO(newline="")
    csv.DictWriter(lines, COLUMNS, restval="", extrasaction="ignore").writerows(rows)
    return lines.getvalue()


def _fetch_all(
    videos: Sequence[Video], folder: Path, connections: int, pause: float
) -> Iterator[tuple[list[dict[str, str]], list[Failure]]]:
    """Yield the rows and failures of each video, in the order in which they are finished."""
    session = requests.Session()
    session.headers["User-Agent"] = AGENT
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(pool_maxsize=connections, max_retries=RETRY))
    pace = Pace(pause)
    rest = iter(videos)
    with ThreadPoolExecutor(connections) as pool, Progress(transient=True) as progress:
        task = progress.add_task("Videos", total=len(videos))
        running: set[Future] = set()
        while True:
            running |= {
                pool.submit(_fetch, session, pace, video, folder)
                for _, video in zip(range(2 * connections - len(running)), rest, strict=False)
            }
            if not running:
                return
            finished, running = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                progress.advance(task)
                yield future.result()


def _fetch(
    session: requests.Session, pace: Pace, video: Video, folder: Path
) -> tuple[list[dict[str, str]], list[Failure]]:
    """Download a video and cut its clips. Returns the rows of the clips, and what failed."""
    ending = Path(urlsplit(video.address).path).suffix.lower()
    whole = folder / f".{video.name}{ending if ending in VIDEOS else '.mp4'}"
    places = {scene.name: _place(folder, scene.name) for scene in video.scenes}
    reason = "the video ends before it begins"
    try:
        pace.wait()
        _download(session, video.address, whole)
        cut_scenes(whole, [(scene.start, scene.end, places[scene.name]) for scene in video.scenes])
    except (requests.RequestException, av.FFmpegError, ValueError) as error:
        reason = f"{type(error).__name__}: {error}"
    finally:
        whole.unlink(missing_ok=True)
    there = [scene for scene in video.scenes if places[scene.name].is_file()]
    rows = [{**scene.row, "identifier": scene.name} for scene in there]
    lost = [scene.row["identifier"] for scene in video.scenes if scene not in there]
    return rows, [Failure(identifier, video.address, reason) for identifier in lost]


def _download(session: requests.Session, address: str, target: Path) -> None:
    """Download a file. Raises requests.RequestException, also if only a part of it arrives."""
    with session.get(address, stream=True, timeout=TIMEOUT) as response:
        response.raise_for_status()
        with open_atomic(target) as file:
            for block in response.iter_content(1 << 20):
                file.write(block)


class _Cut:
    """The film of one scene, which is written while its video is read once. Only `finish` gives it its name."""

    def __init__(self, target: Path, rate: Fraction, like: av.VideoFrame) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        self.target, self.part = target, target.with_name(f".{target.name}.part")
        self.container = av.open(self.part, "w", format="mp4")
        self.stream = self.container.add_stream("libx264", rate=rate, options=ENCODER)
        self.stream.width, self.stream.height = like.width - like.width % 2, like.height - like.height % 2
        self.stream.pix_fmt = "yuv420p"
        codec = self.stream.codec_context
        codec.colorspace, codec.color_range = like.colorspace, like.color_range
        codec.color_primaries, codec.color_trc = like.color_primaries, like.color_trc
        self.rate, self.count = rate, 0

    def add(self, frame: av.VideoFrame) -> None:
        """Write the next frame."""
        own = frame.reformat(self.stream.width, self.stream.height, "yuv420p")
        own.pts, own.time_base = self.count, 1 / self.rate
        self.container.mux(self.stream.encode(own))
        self.count += 1

    def finish(self) -> None:
        """Complete the film."""
        self.container.mux(self.stream.encode(None))
        self.container.close()
        self.part.replace(self.target)

    def drop(self) -> None:
        """Delete what is not finished."""
        if self.part.exists():
            self.container.close()
            self.part.unlink()


def cut_scenes(video: Path, scenes: Sequence[tuple[float, float, Path]]) -> None:
    """Cut scenes, seconds `start` to `end`, out of a video, exactly to the frame, as `read_clips` counts them. A scene
    that is not in the video gets no film.

    Raises av.FFmpegError or ValueError for a video that cannot be read.
    """
    cuts: dict[Path, _Cut] = {}
    try:
        with av.open(video) as container:
            if not container.streams.video:
                raise ValueError("it has no pictures")
            stream = container.streams.video[0]
            rate = stream.average_rate or Fraction(24)
            for number, frame in enumerate(container.decode(stream)):
                for start, end, target in scenes:
                    if round(start * rate) <= number < end * rate - 0.5:
                        if target not in cuts:
                            cuts[target] = _Cut(target, rate, frame)
                        cuts[target].add(frame)
        for cut in cuts.values():
            cut.finish()
    finally:
        for cut in cuts.values():
            cut.drop()
