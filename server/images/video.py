# SPDX-License-Identifier: GPL-3.0-or-later
"""A shot as a film: frames encoded as an MP4 that every browser plays (H.264, 4:2:0, index first)."""

import itertools
import math
import shutil
from collections.abc import Iterable
from contextlib import nullcontext
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

import av
import numpy as np
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc

from server.files import open_atomic

ENCODER = {"crf": "16", "preset": "medium", "tune": "animation", "refs": "4", "rc-lookahead": "10"}
"""Options of x264. On its own, the tuning for animation uses so many reference frames that 1080p needs level 5, which
small players reject. A short lookahead halves the memory and costs nothing on flat colors."""


def encode_mp4(frames: Iterable[np.ndarray], fps: float, target: BinaryIO | Path) -> None:
    """Encode `frames`, RGB uint8 [H, W, 3] of one size, as an MP4 at `fps` frames a second (see `exact_rate`).

    Every frame is encoded, even if it equals the one before. An odd width or height grows by one pixel, which repeats
    the edge, because 4:2:0 has colors for pairs of pixels. Frames are read one at a time and not kept, so memory does
    not grow with the length (200 MB at 1080p, 800 MB at 4K, 2.6 GB at 8K). The film is written to a temporary file
    first, because its index comes first but is known last. A path has either the whole film or its earlier content.

    Raises ValueError if there is no frame, if sizes differ, or if the rate is out of range.
    """
    rate = exact_rate(fps)
    with (
        open_atomic(target) if isinstance(target, Path) else nullcontext(target) as output,
        TemporaryDirectory(prefix="film-") as folder,
    ):
        film = Path(folder) / "film.mp4"
        _encode(frames, rate, film)
        with film.open("rb") as content:
            shutil.copyfileobj(content, output)


def exact_rate(fps: float) -> Fraction:
    """Return the frame rate that `fps` stands for: 23.976 and 23.98 are 24000/1001, 12.5 is 25/2.

    Raises ValueError outside of 0.01 to 1000 frames per second.
    """
    if not 0.01 <= fps <= 1000:
        raise ValueError(f"A film cannot have {fps} frames per second: give a rate from 0.01 to 1000.")
    broadcast = Fraction(math.ceil(fps) * 1000, 1001)
    if fps != round(fps) and abs(float(broadcast) - fps) < 0.005:
        return broadcast
    return Fraction(fps).limit_denominator(1001)


def _encode(frames: Iterable[np.ndarray], rate: Fraction, path: Path) -> None:
    rest = iter(frames)
    first = next(rest, None)
    if first is None:
        raise ValueError("A film needs at least one frame, and there is none: wait until a frame is finished.")
    height, width = first.shape[:2]
    with av.open(path, "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=rate, options=ENCODER)
        stream.width, stream.height = width + width % 2, height + height % 2
        stream.pix_fmt = "yuv420p"
        codec = stream.codec_context
        codec.gop_size = math.ceil(rate)  # one second, so that seeking in the film is fast
        codec.colorspace, codec.color_range = Colorspace.ITU709, ColorRange.MPEG
        codec.color_primaries, codec.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
        for index, frame in enumerate(itertools.chain([first], rest)):
            if frame.shape != first.shape:
                raise ValueError(
                    f"Frame {index + 1} of the film is {frame.shape[1]}×{frame.shape[0]}, "
                    f"the first is {width}×{height}: give frames of one size."
                )
            container.mux(stream.encode(_picture(frame, index)))
        container.mux(stream.encode(None))


def _picture(frame: np.ndarray, index: int) -> av.VideoFrame:
    height, width = frame.shape[:2]
    even = np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(even), format="rgb24").reformat(
        format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
    )
    picture.pts = index
    return picture
