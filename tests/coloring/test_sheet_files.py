# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder is read by an exposure sheet: each cel is colored once, and the colored folder gets a sheet."""

import argparse
import io
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from server.coloring import cli
from server.coloring.folder import read_folder
from server.coloring.numbered_files import FolderError
from server.coloring.sheet_files import SheetFiles
from server.images.codec import encode_png, read_painted
from shared import xdts
from shared.exposure_sheet import Column, ExposureSheet

from .drawings import BLUE, RED, SKY, scene
from .test_folder import Marks

CELLS = ("", "1", "1", "2", "2", "3a", "3a", "1", "1", "")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The drawings of cels 1, 2 and 3a, and one that the sheet does not show."""
    art = tmp_path / "A"
    art.mkdir()
    for name, x in (("A_0001", 50), ("A_0002", 70), ("A_0003a", 90), ("A_0009", 110)):
        (art / f"{name}.png").write_bytes(encode_png(scene(x)[0]))
    return art


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    """A sheet of two columns on ten frames."""
    path = tmp_path / "cut 12.xdts"
    other = Column("B", ("7",) * len(CELLS))
    path.write_bytes(xdts.write(ExposureSheet((other, Column("A", CELLS, {2: "SYMBOL_TICK_1"})), "Cut", "3", "12")))
    return path


@pytest.fixture
def keyframe(tmp_path: Path) -> Path:
    path = tmp_path / "A_0002_painted.png"
    path.write_bytes(encode_png(scene(70)[1]))
    return path


def words(folder: Path, *more: object) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    cli.add_arguments(parser)
    return parser.parse_args([str(folder), *map(str, more)])


def test_the_sheet_says_what_each_frame_shows(folder: Path, sheet: Path, keyframe: Path) -> None:
    by_sheet = SheetFiles.find(folder, sheet)
    source = read_folder(folder, [str(keyframe)], by_sheet=by_sheet)
    assert [path.stem for path in source.files] == [
        *["A_0001"] * 2,
        *["A_0002"] * 2,
        *["A_0003a"] * 2,
        *["A_0001"] * 2,
    ]
    assert source.exposure.drawing_of == (0, 0, 1, 1, 2, 2, 0, 0)
    assert source.shot.holds == (2, 2, 2) and list(source.shot.keyframes) == [1]
    assert source.notes[:2] == (
        "The column 'A' has no cel in frames 1 and 10.",
        "A_0009.png is not in the exposure sheet, and not colored.",
    )


def test_each_cel_is_written_once_even_if_two_are_equal_and_painted_differently(folder: Path, sheet: Path) -> None:
    (folder / "A_0002.png").write_bytes((folder / "A_0001.png").read_bytes())
    paintings = []
    for cel in ("1", "2"):
        paintings.append(folder.parent / f"painted {cel}.png")
        paintings[-1].write_bytes(encode_png(np.roll(scene(50)[1], int(cel), axis=2)))
    source = read_folder(
        folder, [f"{path}@{path.stem[-1]}" for path in paintings], by_sheet=SheetFiles.find(folder, sheet)
    )
    assert source.exposure.drawing_of == (0, 0, 1, 1, 2, 2, 1, 1)
    output = folder.parent / "out"
    cli.colorize(source, Marks(source.shot), output, Console(file=io.StringIO()))
    values = {path.stem: int(read_painted(path)[0, 0, 0]) for path in output.iterdir()}
    assert values == {"A_0001": 0, "A_0002": 1, "A_0003a": 2}


def test_a_keyframe_says_its_cel(folder: Path, sheet: Path, keyframe: Path, tmp_path: Path) -> None:
    found = SheetFiles.find(folder, sheet)
    other = tmp_path / "final.png"
    other.write_bytes(keyframe.read_bytes())
    assert found.paintings([f"{other}@3a", str(keyframe)]) == {6: other, 4: keyframe}
    for keyframes, sentence in (
        ([], "There is no keyframe.*FILE@CEL"),
        ([str(other)], r"Which cel of column 'A' does .*final\.png paint\? It has the cels 1, 2, 3a: .*final\.png@1\."),
        ([f"{other}@4"], "Which cel of column 'A'"),
        ([f"{tmp_path / 'gone.png'}@1"], r"gone\.png does not exist"),
        ([f"{other}@2", str(keyframe)], "both paint cel 2"),
    ):
        with pytest.raises(FolderError, match=sentence):
            found.paintings(keyframes)


def test_a_sheet_that_cannot_be_used_is_named_and_nothing_is_written(
    folder: Path, sheet: Path, keyframe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = sheet.with_name("broken.xdts")
    broken.write_text("exchangeDigitalTimeSheet Save Data\n{", encoding="utf-8")
    output = sheet.with_name("out")
    common = ("--keyframe", keyframe, "--output", output)
    walk = folder.rename(folder.with_name("walk"))
    for more, sentence in (
        (("--xdts", broken), "broken.xdts: It is damaged"),
        (("--xdts", sheet.with_name("gone.xdts")), "gone.xdts: It cannot be read: No such file"),
        (
            ("--xdts", sheet),
            "It has several columns, 'B', 'A': give the name of the one with these pictures",
        ),
        (("--xdts", sheet, "--column", "C"), "cut 12.xdts: It has no column 'C'"),
        (("--xdts", sheet, "--column", "B"), "cut 12.xdts: The folder has no picture of 1 cels of column 'B' (7)"),
        (("--xdts", sheet, "--number", 1), "--number and --xdts exclude each other"),
        (("--column", "A"), "give the sheet with --xdts"),
    ):
        assert cli.run(words(walk, *common, *more)) == 2
        assert sentence in capsys.readouterr().err
    assert cli.run(words(walk, "--keyframe", keyframe, "--output", sheet.parent, "--xdts", sheet, "--column", "A")) == 2
    assert "cut 12.xdts would be overwritten" in capsys.readouterr().err
    assert not output.exists() and len(list(sheet.parent.iterdir())) == 4


@pytest.mark.slow
def test_the_colored_folder_has_a_sheet_that_names_its_pictures(folder: Path, sheet: Path, keyframe: Path) -> None:
    output = sheet.with_name("colored")
    arguments = words(folder, "--keyframe", keyframe, "--output", output, "--xdts", sheet, "--quality", "preview")
    assert cli.run(arguments) == 0
    assert sorted(path.name for path in output.iterdir()) == ["A_0001.png", "A_0002.png", "A_0003a.png", sheet.name]
    written = xdts.read_sheet(output / sheet.name)
    assert written == ExposureSheet((Column("A", CELLS, {2: "SYMBOL_TICK_1"}),), "Cut", "3", "12")
    shown = SheetFiles.find(output, output / sheet.name)
    assert [shown.files[frame].stem for frame in (2, 4, 6, 8)] == ["A_0001", "A_0002", "A_0003a", "A_0001"]
    for frame, x in ((2, 50), (4, 70), (6, 90)):
        picture = read_painted(shown.files[frame])
        assert [tuple(picture[place]) for place in ((60, x), (110, 200), (20, 20))] == [RED, BLUE, SKY]
