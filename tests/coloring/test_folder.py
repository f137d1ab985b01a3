# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder is read by the frame numbers in its file names. Errors are reported before anything is written."""

import argparse
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from server.coloring import cli
from server.coloring.cli import colorize
from server.coloring.folder import read_folder
from server.coloring.numbered_files import FolderError, NumberedFiles
from server.coloring.shot import Guess, SegmentResult, Shot
from server.images.codec import (
    ImageError,
    encode_png,
    read_density,
    read_painted,
    read_rgba,
    read_size,
)

from .drawings import BLUE, RED, SKY, paper, scene, with_alpha


@pytest.fixture
def line_art(tmp_path: Path) -> Path:
    """Frames 8 to 12: 8 and 9 show one drawing, names sort otherwise than numbers, and 100 comes last."""
    art = tmp_path / "art"
    art.mkdir()
    for number, x in ((8, 50), (9, 50), (10, 70), (11, 90), (100, 110)):
        (art / f"shot2_{number}.png").write_bytes(encode_png(scene(x)[0]))
    (art / "notes.txt").write_text("not a drawing")
    return art


@pytest.fixture
def keyframe(tmp_path: Path) -> Path:
    path = tmp_path / "painted.png"
    path.write_bytes(encode_png(scene(70)[1]))
    return path


class Marks:
    """Colors each drawing with its own index, one segment a drawing; fails at segment `broken`."""

    note = "The prompt is too long."

    def __init__(self, shot: Shot, broken: int | None = None) -> None:
        self.shot, self.broken = shot, broken
        self.segments = range(len(shot.drawings))

    def color(self, index: int, on_step) -> SegmentResult:
        on_step(1, 2)
        if index == self.broken:
            raise KeyboardInterrupt
        rows, columns = self.shot.drawings[index].shape
        guesses = {index: [Guess("#e63c32", "#3c50d2", 0.1, 0.02, (1, 2, 3, 4))]} if index == 2 else {}
        return SegmentResult({index: np.full((rows, columns, 3), index, np.uint8)}, b"", guesses)


def test_frames_are_ordered_by_number_and_held_drawings_are_one(line_art, keyframe):
    source = read_folder(line_art, [f"{keyframe}@10"])
    assert [path.name for path in source.files] == [f"shot2_{n}.png" for n in (8, 9, 10, 11, 100)]
    assert source.exposure.drawing_of == (0, 0, 1, 2, 3)
    assert list(source.shot.keyframes) == [1]
    assert (source.shot.drawings[3] == scene(110)[0]).all()


def test_each_frame_is_written_under_its_drawings_name(line_art, keyframe, tmp_path):
    source = read_folder(line_art, [f"{keyframe}@10"])
    output = tmp_path / "new" / "colored"
    console = Console(file=io.StringIO())
    colorize(source, Marks(source.shot), output, console)
    assert "The prompt is too long." in console.file.getvalue()
    values = {path.name: int(read_painted(path)[0, 0, 0]) for path in sorted(output.glob("*.png"))}
    assert values == {"shot2_8.png": 0, "shot2_9.png": 0, "shot2_10.png": 1, "shot2_11.png": 2, "shot2_100.png": 3}


def test_a_frame_has_the_pixels_of_its_drawing_one_to_one_however_wide_they_are(line_art, keyframe, tmp_path):
    for path in line_art.glob("*.png"):
        path.write_bytes(encode_png(read_painted(path)[..., 0], (1, 2, 0)))
    for size, density in ((None, (1, 2, 0)), ((160, 90), None)):
        source = read_folder(line_art, [f"{keyframe}@10"], size)
        colorize(source, Marks(source.shot), tmp_path / "out", Console(quiet=True))
        assert read_size(tmp_path / "out" / "shot2_9.png") == (size or (320, 180))
        assert read_density(tmp_path / "out" / "shot2_9.png") == density


def test_what_is_a_guess_is_told_by_file(line_art, keyframe, tmp_path):
    source = read_folder(line_art, [f"{keyframe}@10"])
    console = Console(file=io.StringIO(), width=200)
    guesses = colorize(source, Marks(source.shot), tmp_path / "out", console)
    assert list(guesses) == ["shot2_11.png"] and guesses["shot2_11.png"][0].color == "#e63c32"
    assert "1 of 4 drawings" in console.file.getvalue() and "shot2_11.png" in console.file.getvalue()


def test_an_interrupted_run_leaves_whole_frames_only(line_art, keyframe, tmp_path):
    source = read_folder(line_art, [f"{keyframe}@10"])
    with pytest.raises(KeyboardInterrupt):
        colorize(source, Marks(source.shot, broken=2), tmp_path / "out", Console(quiet=True))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["shot2_10.png", "shot2_8.png", "shot2_9.png"]


def test_the_size_asked_for_is_the_size_of_drawings_and_keyframes(line_art, keyframe):
    source = read_folder(line_art, [f"{keyframe}@10"], size=(160, 90))
    assert source.shot.drawings[0].shape == (90, 160)
    assert source.shot.keyframes[1].shape == (90, 160, 4)


@pytest.mark.parametrize(
    ("text", "path", "number"),
    [
        ("a/key@12", "a/key", 12),
        ("key_0007.png", "key_0007.png", 7),
        ("shot2_key_9_v3.png", "shot2_key_9_v3.png", 9),
        ("sc04_key@-2", "sc04_key", -2),
        ("k1.png@3", "k1.png", 3),
    ],
)
def test_a_keyframe_names_its_frame(line_art, text, path, number):
    assert NumberedFiles.find(line_art).keyframe(text) == (Path(path), number)


def test_a_keyframe_whose_frame_is_unclear_says_what_to_do(line_art):
    found = NumberedFiles.find(line_art)
    for text, message in (
        ("painted.png", r"painted\.png@12"),
        ("a/v8.png", r"Which frame does a/v8\.png paint\? .*@8"),
        ("key_0010_final_8.png", r"10 or 8\? .*key_0010_final_8\.png@10"),
    ):
        with pytest.raises(FolderError, match=message):
            found.keyframe(text)


def test_files_that_are_not_clearly_numbered_ask_for_the_number(line_art, keyframe):
    for path in line_art.glob("*.png"):
        path.rename(path.with_name(f"{path.stem}_day{100 + int(path.stem[6:])}.png"))
    with pytest.raises(FolderError, match=r"is the frame, 100 or 200\? Say it with --number"):
        read_folder(line_art, [f"{keyframe}@10"])
    source = read_folder(line_art, [f"{keyframe}@10"], number=2)
    assert [path.name for path in source.files][:3] == [
        "shot2_8_day108.png",
        "shot2_9_day109.png",
        "shot2_10_day110.png",
    ]
    assert read_folder(line_art, [f"{keyframe}@110"], number=-1).exposure == source.exposure
    with pytest.raises(FolderError, match="has no number 4"):
        read_folder(line_art, [f"{keyframe}@10"], number=4)


def test_frames_below_zero_are_read_as_they_are_written(tmp_path):
    art = tmp_path / "art"
    art.mkdir()
    for number, x in ((-2, 50), (-1, 70), (0, 90), (1, 110)):
        (art / f"{number:04}.png").write_bytes(encode_png(scene(x)[0]))
    painted = tmp_path / "-001.png"
    painted.write_bytes(encode_png(scene(70)[1]))
    source = read_folder(art, [str(painted)])
    assert [path.name for path in source.files] == ["-002.png", "-001.png", "0000.png", "0001.png"]
    assert list(source.shot.keyframes) == [1]


def test_missing_numbers_and_pictures_of_another_format_are_named(line_art, keyframe):
    assert read_folder(line_art, [f"{keyframe}@10"]).notes == ("The line art has no frames 12 to 99.",)
    (line_art / "shot2_12.jpg").write_bytes(b"JPEG")
    (line_art / ".shot2_13.jpg").write_bytes(b"hidden")
    (line_art / "shot2_14.TIF").write_bytes(b"TIFF")
    assert "shot2_12.jpg, shot2_14.TIF are left out" in read_folder(line_art, [f"{keyframe}@10"]).notes[1]
    for path in line_art.iterdir():
        path.unlink()
    (line_art / "shot2_12.psd").write_bytes(b"PSD")
    with pytest.raises(FolderError, match=r"holds no images that can be read, only shot2_12\.psd .*PNG, JPEG"):
        read_folder(line_art, [f"{keyframe}@10"])


def test_line_art_of_another_format_is_read_and_its_frames_are_pngs(line_art, keyframe, tmp_path):
    for path in line_art.glob("*.png"):
        with Image.open(path) as image:
            image.save(path.with_suffix(".tif"), compression="tiff_lzw")
    (line_art / "shot2_100.png").rename(tmp_path / "100.png")
    source = read_folder(line_art, [f"{keyframe}@10"])
    assert [path.name for path in source.files] == [f"shot2_{n}.tif" for n in (8, 9, 10, 11, 100)]
    assert "shot2_11.png, shot2_8.png, shot2_9.png are left out" in source.notes[1]
    assert (source.shot.drawings[3] == scene(110)[0]).all()
    colorize(source, Marks(source.shot), tmp_path / "out", Console(quiet=True))
    assert {path.name for path in (tmp_path / "out").iterdir()} == {f"shot2_{n}.png" for n in (8, 9, 10, 11, 100)}


def test_a_generated_background_is_where_the_keyframe_is_transparent(line_art, keyframe, tmp_path):
    arguments = {"prompt": "a harbour at dusk", "background": "generated"}
    with pytest.raises(FolderError, match="No keyframe has a transparent part"):
        read_folder(line_art, [f"{keyframe}@10"], **arguments)
    painting = np.dstack([scene(70)[1], np.full(scene(70)[0].shape, 255, np.uint8)])
    painting[:, :40, 3] = 0
    (tmp_path / "masked.png").write_bytes(encode_png(painting))
    with pytest.raises(FolderError, match="--prompt"):
        read_folder(line_art, [f"{tmp_path / 'masked.png'}@10"], background="generated")
    shot = read_folder(line_art, [f"{tmp_path / 'masked.png'}@10"], size=(160, 90), **arguments).shot
    alpha = shot.keyframes[1][..., 3]
    assert alpha.shape == (90, 160)
    assert not alpha[:, :19].any() and (alpha[:, 21:] == 255).all()
    assert shot.is_generated
    kept = read_folder(line_art, [f"{tmp_path / 'masked.png'}@10"], prompt="dusk").shot
    assert not kept.is_generated and not kept.keyframes[1][:, :40, 3].any()


def test_bad_input_is_named_with_what_to_do(line_art, keyframe, tmp_path):
    def refused(message: str, keyframes=(f"{keyframe}@10",), art: Path = line_art) -> None:
        with pytest.raises((FolderError, ImageError), match=message):
            read_folder(art, keyframes)

    refused("no keyframe: paint one", ())
    refused("frame 12, but the line art has frames 8 to 100", (f"{keyframe}@12",))
    refused("does not exist", (f"{tmp_path / 'none.png'}@10",))
    refused("both paint frame 10", (f"{keyframe}@10", f"{keyframe}@10"))
    refused("is not a folder", art=tmp_path / "none")
    (tmp_path / "empty").mkdir()
    refused("holds no images that can be read", art=tmp_path / "empty")

    extra = line_art / "other_010.png"
    extra.write_bytes(encode_png(scene(70)[0]))
    refused(r"other_010\.png and shot2_10\.png are both frame 10")
    extra.unlink()
    extra = line_art / "shot2_12.png"
    extra.write_bytes(encode_png(paper(90, 160)))
    refused(r"shot2_8\.png is 320×180 but shot2_12\.png is 160×90")
    extra.write_bytes(b"not a picture")
    refused(r"shot2_12\.png is not an image that can be read")
    extra.unlink()
    (line_art / "title.png").write_bytes(encode_png(paper()))
    refused(r"title\.png has no frame number")


def test_blank_frames_are_said_and_do_not_stop_a_folder(line_art, keyframe):
    for number in (12, 13, 20):
        (line_art / f"shot2_{number}.png").write_bytes(encode_png(paper()))
    source = read_folder(line_art, [f"{keyframe}@10"])
    assert source.exposure.drawing_of == (0, 0, 1, 2, 3, 3, 3, 4)
    assert source.notes[-1] == "Blank frames show only what stands still: 12 to 13 and 20."
    for path in line_art.glob("*.png"):
        path.write_bytes(encode_png(paper()))
    with pytest.raises(FolderError, match="all its pictures are blank paper"):
        read_folder(line_art, [f"{keyframe}@10"])


def test_the_paint_of_a_held_drawing_may_change(line_art, keyframe, tmp_path):
    lit = tmp_path / "lit.png"
    lit.write_bytes(encode_png(np.where(scene(50)[1] == BLUE, np.uint8(255), scene(50)[1])))
    source = read_folder(line_art, [f"{keyframe}@8", f"{lit}@9"])
    assert source.exposure.drawing_of == (0, 1, 2, 3, 4)
    assert list(source.shot.keyframes) == [0, 1]
    assert (source.shot.drawings[0] == source.shot.drawings[1]).all()


def test_a_keyframe_that_cannot_be_right_stops_unless_it_is_meant_so(line_art, keyframe, tmp_path):
    clear = tmp_path / "clear.png"
    clear.write_bytes(encode_png(np.dstack([scene(70)[1], np.zeros(scene(70)[0].shape, np.uint8)])))
    with pytest.raises(FolderError, match=r"Frame 10 \(clear\.png\): .*transparent.*--accept-errors"):
        read_folder(line_art, [f"{clear}@10"])
    (note,) = read_folder(line_art, [f"{clear}@10"], accept_errors=True).notes[1:]
    assert note.startswith("Frame 10 (clear.png): The keyframe is completely transparent")
    (line_art / "shot2_12.png").write_bytes(encode_png(255 - scene(60)[0]))
    with pytest.raises(FolderError, match=r"Frame 12 \(shot2_12\.png\): .*black and white swapped"):
        read_folder(line_art, [f"{keyframe}@10"])


@pytest.mark.parametrize(
    ("painting", "words"),
    [
        (np.dstack([scene(70)[0]] * 3), "The keyframe has no colors"),
        (scene(110)[1], "The keyframe shows the drawing of frame 100"),
        (scene(70)[1], ""),
    ],
)
def test_doubts_about_a_keyframe_are_listed_with_its_frame(line_art, tmp_path, painting, words):
    (tmp_path / "doubtful.png").write_bytes(encode_png(painting))
    for size in (None, (640, 360)):
        notes = read_folder(line_art, [f"{tmp_path / 'doubtful.png'}@10"], size).notes
        doubts = [note for note in notes if note.startswith("Frame 10 (doubtful.png): The keyframe")]
        assert [words in doubt for doubt in doubts] == [True] * bool(words)


def arguments(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    cli.add_arguments(parser)
    return parser.parse_args(words)


def test_the_command_ends_with_2_and_a_sentence_and_writes_nothing(line_art, keyframe, tmp_path, capsys):
    output = tmp_path / "out"
    assert cli.run(arguments(str(line_art), "--output", str(output))) == 2
    assert "There is no keyframe" in capsys.readouterr().err
    assert cli.run(arguments(str(line_art), "--keyframe", f"{keyframe}@10", "--output", str(line_art))) == 2
    assert "shot2_8.png would be overwritten" in capsys.readouterr().err
    words = (str(line_art), "--keyframe", f"{keyframe}@10", "--output", str(output), "--preset", "nobody")
    assert cli.run(arguments(*words)) == 2
    assert "nobody" in capsys.readouterr().err
    words = (*words[:-2], "--background", "generated", "--prompt", "a harbour at dusk")
    assert cli.run(arguments(*words)) == 2
    assert "The preset tiny cannot paint a background from words" in capsys.readouterr().err
    assert not output.exists()


def test_nothing_that_was_read_is_overwritten(line_art, tmp_path, capsys):
    paint = tmp_path / "paint"
    paint.mkdir()
    painting = paint / "shot2_10.png"
    painting.write_bytes(encode_png(scene(70)[1]))
    other = tmp_path / "elsewhere"
    (tmp_path / "link").symlink_to(paint, target_is_directory=True)
    for output, more, named in (
        (paint, (), painting),
        (tmp_path / "link", (), painting),
        (paint / ".." / "paint", (), painting),
        (line_art, (), line_art / "shot2_8.png"),
        (other, ("--guesses", str(painting)), painting),
        (other, ("--guesses", str(line_art / "shot2_9.png")), line_art / "shot2_9.png"),
    ):
        files = {path: path.read_bytes() for path in (*paint.iterdir(), *line_art.iterdir())}
        assert cli.run(arguments(str(line_art), "--keyframe", str(painting), "--output", str(output), *more)) == 2
        assert f"{named} would be overwritten" in capsys.readouterr().err
        assert {path: path.read_bytes() for path in (*paint.iterdir(), *line_art.iterdir())} == files
    assert not other.exists()


@pytest.mark.parametrize("size", ["20", "0x5", "axb", "1920*1080"])
def test_a_size_must_be_written_as_one(size):
    with pytest.raises(SystemExit):
        arguments("art", "--output", "out", "--size", size)


def on(sheet: tuple[int, ...], ink: tuple[int, ...], line_art: np.ndarray) -> np.ndarray:
    """A drawing in ink on a sheet, both RGB or RGBA."""
    share = line_art[..., None] / 255
    return np.round(np.array(sheet) * share + np.array(ink) * (1 - share)).astype(np.uint8)


@pytest.mark.parametrize("gray", [210, 227])
def test_faint_pencil_is_no_blank_paper(line_art, keyframe, gray):
    for path in line_art.glob("*.png"):
        path.write_bytes(encode_png(on((255,) * 3, (gray,) * 3, read_painted(path)[..., 0])))
    drawing = read_folder(line_art, [f"{keyframe}@10"]).shot.drawings[3]
    assert (drawing[scene(110)[0] == 0] == 0).all()


def test_light_lines_on_a_dark_ground_are_refused(line_art, keyframe):
    (line_art / "shot2_12.png").write_bytes(encode_png(255 - scene(70)[0]))
    with pytest.raises(FolderError, match=r"shot2_12\.png\): .*black and white swapped"):
        read_folder(line_art, [f"{keyframe}@10"])


def test_drawings_that_differ_in_the_color_of_lines_only_are_two(line_art, keyframe):
    (line_art / "shot2_9.png").write_bytes(encode_png(on((255,) * 3, (200, 0, 0), scene(50)[0])))
    assert read_folder(line_art, [f"{keyframe}@10"]).exposure.drawing_of == (0, 1, 2, 3, 4)


def test_lines_of_another_size_keep_their_color(line_art, keyframe):
    for path in line_art.glob("*.png"):
        path.write_bytes(encode_png(on((255,) * 3, (200, 30, 90), read_painted(path)[..., 0])))
    ink = read_folder(line_art, [f"{keyframe}@10"], size=(640, 360)).shot.ink(1)
    assert ink.shape == (360, 640, 4)
    assert np.abs(ink[ink[..., 3] > 100][:, :3].astype(int) - (200, 30, 90)).max() <= 4


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sheet", "ink", "seen"),
    [
        ((180,) * 3, (0, 0, 0), (0, 0, 0)),
        ((250, 240, 205), (20, 20, 20), (20, 20, 20)),
        ((255,) * 3, (220, 40, 40), (220, 40, 40)),
        ((255,) * 3, (210,) * 3, (210,) * 3),
        ((255,) * 4, (255,) * 4, (255,) * 3),
    ],
    ids=["gray paper", "yellowed paper", "red lines", "faint pencil", "white lines on nothing"],
)
def test_paper_is_no_color_and_lines_stay_as_they_are_drawn(tmp_path, keyframe, sheet, ink, seen):
    (tmp_path / "art").mkdir()
    clean = {number: scene(x)[0] for number, x in ((1, 60), (2, 70), (3, 80))}
    for number, drawing in clean.items():
        picture = on(sheet, ink, drawing)
        if picture.shape[2] == 4:
            picture[..., 3] = 255 - drawing
        (tmp_path / "art" / f"{number}.png").write_bytes(encode_png(picture))
    words = (str(tmp_path / "art"), "--keyframe", f"{keyframe}@2", "--output", str(tmp_path / "out"))
    assert cli.run(arguments(*words, "--quality", "preview")) == 0
    for number, drawing in clean.items():
        frame = read_painted(tmp_path / "out" / f"{number}.png").astype(int)
        places = {(60, 40 + 10 * number): RED, (60, 70 + 10 * number): RED, (110, 200): BLUE, (20, 20): SKY}
        assert {place: tuple(frame[place]) for place in places} == places
        assert np.abs(frame[drawing == 0] - seen).max() <= 16  # what the paper took from dark ink cannot be known


@pytest.mark.slow
def test_translucent_paint_keeps_its_alpha_in_every_frame(line_art, tmp_path):
    painting = scene(70)[1]
    red, blue = ((painting == color).all(axis=-1) for color in (RED, BLUE))
    alpha = np.select([scene(70)[0] < 255, red, blue], [255, 100, 150], 0)
    (tmp_path / "painted.png").write_bytes(encode_png(with_alpha(painting, alpha)))
    words = (str(line_art), "--keyframe", f"{tmp_path / 'painted.png'}@10", "--output", str(tmp_path / "out"))
    assert cli.run(arguments(*words, "--quality", "preview")) == 0
    for number, x in ((8, 50), (10, 70), (11, 90)):
        frame = read_rgba(tmp_path / "out" / f"shot2_{number}.png")
        places = {(60, x): (*RED, 100), (110, 200): (*BLUE, 150), (20, 20): (0, 0, 0, 0)}
        assert {place: tuple(frame[place].tolist()) for place in places} == places


@pytest.mark.slow
def test_the_tiny_preset_colors_a_folder(line_art, keyframe, tmp_path):
    output = tmp_path / "out"
    words = (str(line_art), "--keyframe", f"{keyframe}@10", "--output", str(output), "--size", "160x90")
    words += ("--guesses", str(tmp_path / "guesses.json"))
    (tmp_path / "show.gpl").write_text("GIMP Palette\n230 60 50 Hat\n", encoding="utf-8")
    words += ("--palette", str(tmp_path / "show.gpl"))
    assert cli.run(arguments(*words)) == 0
    pictures = {path.name: read_painted(path) for path in output.iterdir()}
    assert sorted(pictures) == sorted(f"shot2_{n}.png" for n in (8, 9, 10, 11, 100))
    guesses = json.loads((tmp_path / "guesses.json").read_text())
    assert set(guesses) <= set(pictures)
    for guess in (one for found in guesses.values() for one in found):
        assert guess["name"] == ("Hat" if guess["color"] == "#e63c32" else None) and "runner_up_name" in guess
    assert all(picture.shape == (90, 160, 3) for picture in pictures.values())
    assert (pictures["shot2_8.png"] == pictures["shot2_9.png"]).all()
    assert tuple(pictures["shot2_10.png"][30, 35]) == (230, 60, 50)  # the keyframe's own paint


def test_a_palette_is_read_before_anything_is_colored(line_art, keyframe, tmp_path, capsys):
    (tmp_path / "show.gpl").write_text("GIMP Palette\n1 2 3 Hat\n1 2 4 Bow\n", encoding="utf-8")
    (tmp_path / "broken.gpl").write_text("GIMP Palette\n1 2 red", encoding="utf-8")
    words = (str(line_art), "--keyframe", f"{keyframe}@10", "--output", str(tmp_path / "out"), "--palette")
    args = arguments(*words, str(tmp_path / "show.gpl"))
    colors = [swatch.color for swatch in args.palette.swatches]
    assert list(read_folder(line_art, [f"{keyframe}@10"], palette=colors).shot.palette) == ["#010203", "#010204"]
    with pytest.raises(SystemExit):
        arguments(*words, str(tmp_path / "broken.gpl"))
    assert "broken.gpl: Line 2 is '1 2 red'" in capsys.readouterr().err
