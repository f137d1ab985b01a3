# SPDX-License-Identifier: GPL-3.0-or-later
"""The messages between the Blender extension and the server.

Every message is a frozen dataclass that checks itself when built, so a message that exists is
valid. `to_json` and `from_json` turn messages into plain JSON values and back.
"""

from __future__ import annotations

import dataclasses
import math
import reprlib
import types
import typing
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from .digests import is_address
from .timing import Exposure

PROTOCOL_VERSION = 1
API_PREFIX = "/api/v1"

Finish = Literal["painted", "flats"]
Background = Literal["kept", "generated"]
Quality = Literal["exact", "final", "draft", "preview"]
Priority = Literal["low", "normal", "high"]
Role = Literal["submit", "admin"]
SegmentState = Literal["planned", "running", "done"]
JobState = Literal["queued", "running", "done", "failed", "cancelled"]
FINAL_STATES: tuple[JobState, ...] = ("done", "failed", "cancelled")

MAX_DIGITS = 30
"""Most digits of a number; Python refuses to write out those of thousands of digits."""

Message = TypeVar("Message")

_SHORT = reprlib.Repr()
_SHORT.maxstring = 100


class ProtocolError(ValueError):
    """A message is not as it should be.

    code: a stable name for programs; field: the dotted path of the field at fault.
    """

    def __init__(self, code: str, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.field = field
        self.sentence = sentence


def _require(condition: bool, code: str, field: str, sentence: str) -> None:
    if not condition:
        raise ProtocolError(code, field, sentence)


def _shown(value: object) -> str:
    """Write a value at fault as a sentence can hold it, however long or deep it is."""
    return _SHORT.repr(value)


@dataclass(frozen=True)
class Keyframe:
    """A painted image: the frame number it shows and the address of its PNG."""

    frame: int
    blob: str

    def __post_init__(self) -> None:
        _require(
            is_address(self.blob),
            "bad_address",
            "keyframes.blob",
            f"A keyframe's blob must be a SHA-256 address, not {_shown(self.blob)}.",
        )


@dataclass(frozen=True)
class ShotManifest:
    """One shot to color.

    name: for people; it never becomes a path.
    frame_start: first frame number; timing has one entry a frame.
    fps: frames a second.
    width, height: size in pixels of every drawing and keyframe.
    drawings: addresses of the distinct line drawings (PNG, dark lines on white).
    timing: for each frame, the index of its drawing in `drawings`.
    keyframes: at least one painted frame of the range, in the order in which the work goes out from them. A job that
        corrects another one appends its own: what does not depend on them is then taken from there.
    preset, prompt, seed, finish: how to color. A parent is the job this one corrects.
    quality: "draft" is for looking at a take, "final" is fast where nobody sees it, "exact" leaves nothing out.
        "preview" does without the model: colors are only carried along, which takes seconds and tells where keyframes
        leave them a guess.
    background: what the keyframes leave transparent is kept so, or "generated": the model paints it, from the prompt.
    priority: when it is this job's turn among those that wait; it can be changed later.
    """

    name: str
    frame_start: int
    fps: float
    width: int
    height: int
    drawings: tuple[str, ...]
    timing: tuple[int, ...]
    keyframes: tuple[Keyframe, ...]
    preset: str = "tiny"
    prompt: str = ""
    seed: int = 0
    finish: Finish = "flats"
    quality: Quality = "final"
    background: Background = "kept"
    priority: Priority = "normal"
    parent: str | None = None

    def __post_init__(self) -> None:
        _require(
            bool(self.timing),
            "empty_range",
            "timing",
            "The frame range is empty: the last frame must not lie before the first.",
        )
        _require(bool(self.drawings), "no_drawings", "drawings", "The shot has no drawings to color.")
        _require(
            bool(self.keyframes),
            "no_keyframe",
            "keyframes",
            "The shot has no keyframe: paint at least one of its frames.",
        )
        _require(
            self.width > 0 and self.height > 0,
            "bad_size",
            "width",
            f"The size must be positive, not {self.width}×{self.height}.",
        )
        _require(
            math.isfinite(self.fps) and self.fps > 0,
            "bad_fps",
            "fps",
            f"The frame rate must be positive, not {self.fps}.",
        )
        for index, drawing in enumerate(self.drawings):
            _require(
                is_address(drawing),
                "bad_address",
                f"drawings.{index}",
                f"A drawing must be given by its SHA-256 address, not {_shown(drawing)}.",
            )
        for index, drawing_index in enumerate(self.timing):
            _require(
                0 <= drawing_index < len(self.drawings),
                "bad_timing",
                f"timing.{index}",
                f"Frame {self.frame_start + index} shows drawing {drawing_index}, but there are "
                f"{len(self.drawings)} drawings.",
            )
        unused = set(range(len(self.drawings))) - set(self.timing)
        _require(not unused, "bad_timing", "timing", f"Drawings {_shown(sorted(unused))} are shown by no frame.")
        seen: set[int] = set()
        for index, keyframe in enumerate(self.keyframes):
            _require(
                keyframe.frame in self.exposure.frames,
                "keyframe_outside",
                f"keyframes.{index}.frame",
                f"Keyframe {keyframe.frame} lies outside the frame range "
                f"{self.frame_start}..{self.frame_end}: widen the range or choose a frame inside it.",
            )
            painted = self.exposure.drawing_at(keyframe.frame)
            _require(
                painted not in seen,
                "keyframe_twice",
                f"keyframes.{index}.frame",
                f"Keyframe {keyframe.frame} paints a drawing that another keyframe paints already: remove one of them.",
            )
            seen.add(painted)
        choices = (("finish", Finish), ("quality", Quality), ("background", Background), ("priority", Priority))
        for field, kind in choices:
            _require(
                getattr(self, field) in typing.get_args(kind),
                f"bad_{field}",
                field,
                f"The {field} must be one of {', '.join(typing.get_args(kind))}, not {_shown(getattr(self, field))}.",
            )
        _require(
            self.background == "kept" or bool(self.prompt.strip()),
            "no_prompt",
            "prompt",
            "A generated background needs a prompt that says what it shows.",
        )

    @property
    def exposure(self) -> Exposure:
        """Which drawing each frame shows."""
        return Exposure(self.frame_start, self.timing)

    @property
    def frame_end(self) -> int:
        """Number of the last frame (inclusive)."""
        return self.frame_start + len(self.timing) - 1

    @property
    def blobs(self) -> tuple[str, ...]:
        """Addresses of everything that must be uploaded, each once."""
        return tuple(dict.fromkeys((*self.drawings, *(keyframe.blob for keyframe in self.keyframes))))


@dataclass(frozen=True)
class Problem:
    """An error, as application/problem+json (RFC 9457).

    code: stable name for programs; title: a sentence a person understands, with what to do;
    field: what is at fault, when it is one field; missing: addresses of absent blobs.
    """

    status: int
    code: str
    title: str
    field: str | None = None
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class JobStatus:
    """Where a job stands. Times are seconds since the epoch; progress runs from 0 to 1.

    frames_done: numbers of the frames that can be downloaded. owner: the name of the token it came with, empty on a
    server that asks for none. queue: the class of devices that take it.
    """

    id: str
    name: str
    state: JobState
    preset: str
    frame_start: int
    frame_end: int
    segments_done: int
    segments_total: int
    progress: float
    frames_done: tuple[int, ...]
    created: float
    eta_seconds: float | None = None
    problem: Problem | None = None
    owner: str = ""
    priority: Priority = "normal"
    queue: str = ""
    finished: float | None = None


@dataclass(frozen=True)
class GuessedFrame:
    """The first frame of a drawing whose colors are a guess in this share of the picture."""

    frame: int
    share: float


@dataclass(frozen=True)
class SegmentStatus:
    """A segment of a job, in the order of work.

    frames: the numbers of the frames that show its drawings. seconds: how long it took, None until it is done. reused:
    an earlier job had the same one, so that nothing had to be colored. guesses: in the order of frames.
    """

    number: int
    frames: tuple[int, ...]
    state: SegmentState
    seconds: float | None = None
    reused: bool = False
    guesses: tuple[GuessedFrame, ...] = ()


@dataclass(frozen=True)
class QueueStatus:
    """A queue: the jobs that wait for one class of devices.

    paused: none of them begins; what runs ends. workers: how many serve it.
    """

    name: str
    paused: bool
    queued: int
    running: int
    workers: int


@dataclass(frozen=True)
class PriorityChange:
    """The body of a change of priority."""

    priority: Priority


@dataclass(frozen=True)
class JobEvent:
    """A numbered change of a job. Numbers grow; `GET …/events?after=N` gives what came since N."""

    number: int
    time: float
    kind: Literal["state", "progress", "segment"]
    state: JobState
    segments_done: int
    segments_total: int
    progress: float
    message: str = ""


@dataclass(frozen=True)
class PresetInfo:
    """A model that the server offers, with the licence of its weights and their size on disk."""

    name: str
    title: str
    licence: str
    bytes: int


@dataclass(frozen=True)
class Limits:
    """What the server accepts: bytes a blob, pixels an image, drawings and frames a job."""

    blob_bytes: int
    image_pixels: int
    drawings: int
    frames: int = 100_000


@dataclass(frozen=True)
class ServerInfo:
    """What `GET /info` says."""

    server_version: str
    protocol_version: int
    presets: tuple[PresetInfo, ...]
    devices: tuple[str, ...]
    limits: Limits
    queue_length: int


def to_json(message: Any) -> dict[str, Any]:
    """Turn a message into values that `json.dumps` writes."""
    return dataclasses.asdict(message)


def from_json(kind: type[Message], value: Any, field: str = "") -> Message:
    """Build a message of `kind` from decoded JSON.

    Unknown fields are ignored, so that a newer side may add some. Raises ProtocolError that names
    the field when one is missing or has the wrong type.
    """
    where = field or kind.__name__
    _require(isinstance(value, dict), "bad_type", where, f"{where} must be an object.")
    hints = typing.get_type_hints(kind)
    arguments: dict[str, Any] = {}
    for item in dataclasses.fields(kind):  # type: ignore[arg-type]
        path = f"{field}.{item.name}" if field else item.name
        if item.name in value:
            arguments[item.name] = _convert(hints[item.name], value[item.name], path)
        else:
            _require(item.default is not dataclasses.MISSING, "missing_field", path, f"{path} is missing.")
    return kind(**arguments)


def _convert(hint: Any, value: Any, path: str) -> Any:
    """Check `value` against a type hint; lists become tuples, objects become messages."""
    origin = typing.get_origin(hint)
    if origin in (types.UnionType, typing.Union):
        if value is None:
            return None
        return _convert(next(arm for arm in typing.get_args(hint) if arm is not type(None)), value, path)
    if origin is Literal:
        _require(
            value in typing.get_args(hint),
            "bad_value",
            path,
            f"{path} must be one of {', '.join(map(repr, typing.get_args(hint)))}, not {_shown(value)}.",
        )
        return value
    if origin is tuple:
        _require(isinstance(value, (list, tuple)), "bad_type", path, f"{path} must be a list.")
        return tuple(_convert(typing.get_args(hint)[0], item, f"{path}.{i}") for i, item in enumerate(value))
    if dataclasses.is_dataclass(hint):
        return from_json(typing.cast(type, hint), value, path)
    accepted = (int, float) if hint is float else (hint,)
    _require(
        isinstance(value, accepted) and not (isinstance(value, bool) and hint is not bool),
        "bad_type",
        path,
        f"{path} must be of type {hint.__name__}, not {'null' if value is None else type(value).__name__}.",
    )
    _require(
        not isinstance(value, int) or abs(value) < 10**MAX_DIGITS,
        "bad_number",
        path,
        f"{path} must be a number of at most {MAX_DIGITS} digits.",
    )
    return value
