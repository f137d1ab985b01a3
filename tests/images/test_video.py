# SPDX-License-Identifier: GPL-3.0-or-later
"""A film shows every frame in every player, with the right duration and colors."""

import io
import struct
import weakref
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from server.images.video import encode_mp4, exact_rate

PAINTS = [(255, 0, 0), (0, 160, 60), (30, 60, 200), (250, 220, 40), (240, 200, 175), (0, 0, 0), (255, 255, 255)]


def sheet(color, width: int = 64, height: int = 48) -> np.ndarray:
    return np.full((height, width, 3), color, np.uint8)


def film(frames, fps: float = 24) -> bytes:
    buffer = io.BytesIO()
    encode_mp4(frames, fps, buffer)
    return buffer.getvalue()


def shown(content: bytes) -> list[np.ndarray]:
    with av.open(io.BytesIO(content)) as container:
        return [picture.to_ndarray(format="rgb24").astype(int) for picture in container.decode(video=0)]


def boxes(content: bytes) -> list[str]:
    names, place = [], 0
    while place < len(content):
        size, name = struct.unpack_from(">I4s", content, place)
        names.append(name.decode())
        place += size
    return names


def test_held_frames_are_kept_one_by_one():
    paints = [PAINTS[0]] * 3 + [PAINTS[1]] * 2 + [PAINTS[0]] * 4
    frames = shown(film(map(sheet, paints)))
    assert len(frames) == 9
    assert all(np.abs(frame - paint).max() <= 4 for frame, paint in zip(frames, paints, strict=True))


@pytest.mark.parametrize(
    ("fps", "rate"),
    [
        (24, Fraction(24)),
        (23.976, Fraction(24000, 1001)),
        (24 / 1.001, Fraction(24000, 1001)),
        (29.97, Fraction(30000, 1001)),
        (59.94, Fraction(60000, 1001)),
        (12.5, Fraction(25, 2)),
        (1, Fraction(1)),
    ],
)
@pytest.mark.parametrize("count", [1, 5])
def test_a_film_lasts_exactly_as_long_as_its_frames(fps, rate, count):
    assert exact_rate(fps) == rate
    with av.open(io.BytesIO(film([sheet(PAINTS[0])] * count, fps))) as container:
        stream = container.streams.video[0]
        assert stream.average_rate == rate
        assert stream.duration * stream.time_base == count / rate
        times = [picture.pts * picture.time_base for picture in container.decode(stream)]
    assert times == [index / rate for index in range(count)]


def test_flat_colors_come_back_within_a_few_levels():
    picture = np.concatenate([sheet(paint, 37) for paint in PAINTS], axis=1)
    (back,) = shown(film([picture]))
    for index, paint in enumerate(PAINTS):
        inside = back[4:-4, index * 37 + 6 : index * 37 + 31]
        assert np.abs(inside - paint).max() <= 4, paint


def test_a_player_is_told_which_colors_and_which_kind_of_h264():
    with av.open(io.BytesIO(film([sheet(PAINTS[0])]))) as container:
        codec = container.streams.video[0].codec_context
        assert (codec.name, codec.profile, codec.pix_fmt) == ("h264", "High", "yuv420p")
        next(container.decode(video=0))
        assert (codec.colorspace, codec.color_range, codec.color_primaries, codec.color_trc) == (1, 1, 1, 1)


def test_a_full_hd_film_asks_no_more_of_a_player_than_level_4():
    content = film([sheet(PAINTS[0], 1920, 1080)])
    assert content[content.index(b"avcC") + 7] == 40


def test_playing_can_begin_before_the_whole_film_is_there():
    content = film(map(sheet, PAINTS))
    names = boxes(content)
    assert names[0] == "ftyp" and names.index("moov") < names.index("mdat")


@pytest.mark.parametrize(("width", "height"), [(27, 45), (28, 45), (27, 46), (1, 1)])
def test_an_odd_size_grows_by_one_pixel_of_the_edge(width, height):
    (back,) = shown(film([sheet(PAINTS[2], width, height)]))
    assert back.shape == (height + height % 2, width + width % 2, 3)
    assert np.abs(back - PAINTS[2]).max() <= 4


def test_another_decoder_plays_the_file_too(tmp_path):
    path = tmp_path / "film.mp4"
    encode_mp4(map(sheet, PAINTS), 23.976, path)
    video = cv2.VideoCapture(str(path))
    frames = []
    while (got := video.read())[0]:
        frames.append(got[1])
    assert video.get(cv2.CAP_PROP_FPS) == pytest.approx(24000 / 1001)
    video.release()
    assert [frame.shape for frame in frames] == [(48, 64, 3)] * len(PAINTS)


def test_frames_are_taken_when_their_turn_comes_and_not_kept():
    alive = peak = 0

    def gone():
        nonlocal alive
        alive -= 1

    def frames():
        nonlocal alive, peak
        for index in range(60):
            frame = sheet((index, 0, 0))
            weakref.finalize(frame, gone)
            alive += 1
            peak = max(peak, alive)
            yield frame
            del frame

    film(frames())
    assert peak <= 3  # the first, which gives the size, the last one, and the one that is being made


def test_no_frames_are_refused():
    with pytest.raises(ValueError, match="needs at least one frame"):
        film([])


def test_a_frame_of_another_size_is_named():
    with pytest.raises(ValueError, match="Frame 2 of the film is 66×48, the first is 64×48"):
        film([sheet(PAINTS[0]), sheet(PAINTS[0], 66)])


@pytest.mark.parametrize("fps", [0, -24, float("nan"), float("inf"), 5000])
def test_an_impossible_rate_is_refused(fps):
    with pytest.raises(ValueError, match="give a rate from"):
        film([sheet(PAINTS[0])], fps)


def test_a_film_that_fails_halfway_leaves_the_folder_as_it_was(tmp_path):
    path = tmp_path / "film.mp4"
    path.write_bytes(b"an earlier film")

    def frames():
        yield sheet(PAINTS[0])
        raise LookupError("frame 2 is gone")

    with pytest.raises(LookupError, match="frame 2 is gone"):
        encode_mp4(frames(), 24, path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["film.mp4"]
    assert path.read_bytes() == b"an earlier film"
