# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of all accepted formats are read right, and each other one gets an error that says what is accepted."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from server.images import codec
from server.images.codec import ImageError, encode_png, read_density, read_rgba, read_size
from server.images.formats import ACCEPTED, FORMATS

from .picture_files import PRINT_PROFILE, READ, REFUSED, RGB, PictureFile, linear, make_exr, save

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("file", READ, ids=[file.name for file in READ])
def test_every_kind_of_file_is_read_right(file: PictureFile, tmp_path: Path) -> None:
    path = tmp_path / file.name
    path.write_bytes(file.content)
    found = read_rgba(path).astype(int)
    assert (found[..., 3] == file.pixels[..., 3]).all()
    seen = file.pixels[..., 3] > 0
    assert np.abs(found[seen] - file.pixels[seen]).max() <= file.error
    assert read_size(path) == file.pixels.shape[1::-1]
    if file.name != "old.tga":  # this can be told only by its name
        assert (read_rgba(file.content) == found).all()


def test_there_is_a_file_of_every_format() -> None:
    assert {file.name.rpartition(".")[2] for file in READ} >= {names[0][1:] for names in FORMATS.values()}


@pytest.mark.parametrize(("content", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_every_other_file_is_named_with_what_it_is_and_what_is_accepted(content: bytes, message: str) -> None:
    with pytest.raises(ImageError, match=f"^Frame 7 .*{message}") as caught:
        read_rgba(content, "Frame 7")
    assert ACCEPTED in str(caught.value)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data:UserWarning", "ignore:Truncated File Read:UserWarning")
def test_a_file_cut_short_is_an_image_error_or_lacks_its_end() -> None:
    for file in READ:
        for part in (0.1, 0.3, 0.5, 0.7):
            try:
                read_rgba(file.content[: int(part * len(file.content))], file.name)
            except ImageError as error:
                assert str(error).startswith(file.name)


def test_the_color_space_of_an_exr_is_converted() -> None:
    ap1 = (0.713, 0.293, 0.165, 0.830, 0.128, 0.044, 0.32168, 0.33767)
    to_ap1 = [[0.6131, 0.3395, 0.0474], [0.0702, 0.9164, 0.0135], [0.0206, 0.1096, 0.8698]]  # Bradford, D65 to D60
    light = (linear(RGB) @ np.array(to_ap1).T).astype(np.float32)
    for header in ({"chromaticities": ap1}, {"colorInteropID": "lin_ap1_scene"}):
        found = read_rgba(make_exr({"RGB": light}, **header))
        assert np.abs(found[..., :3].astype(int) - RGB).max() <= 2
    assert np.abs(read_rgba(make_exr({"RGB": light}))[..., :3].astype(int) - RGB).max() > 20


def test_light_of_an_exr_that_is_too_strong_or_no_number_is_clipped() -> None:
    light = np.array([[[7, -1, 0], [np.inf, np.nan, 1]]], np.float32)
    assert read_rgba(make_exr({"RGB": light}))[0].tolist() == [[255, 0, 0, 255], [255, 0, 255, 255]]


def test_an_exr_too_large_or_with_too_many_layers_is_refused_before_it_is_decoded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(codec, "read_exr", None)
    content = make_exr({"RGB": linear(RGB)})
    monkeypatch.setattr(codec, "MAX_SAMPLES", 350)
    with pytest.raises(ImageError, match="has 351 values in its layers; at most 350"):
        read_rgba(content)
    monkeypatch.setattr(codec, "MAX_PIXELS", 100)
    with pytest.raises(ImageError, match="13×9; at most 100 pixels"):
        read_rgba(content)


def test_colors_for_print_are_converted_by_their_profile() -> None:
    image = Image.new("CMYK", (4, 3), (0, 255, 255, 0))
    for kind in ("TIFF", "JPEG"):
        red, green, blue, alpha = read_rgba(save(image, kind, icc_profile=PRINT_PROFILE))[1, 1].tolist()
        assert red > 250 and green < 5 and blue < 5 and alpha == 255


def test_profiles_and_turns_are_heeded_in_every_format_that_has_them() -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    for kind in ("JPEG", "TIFF", "WEBP", "PNG"):
        assert read_size(save(RGB, kind, exif=turned)) == (9, 13)
        assert read_rgba(save(RGB, kind, exif=turned)).shape == (13, 9, 4)
        with pytest.raises(ImageError, match="a color profile that cannot be used"):
            read_rgba(save(RGB, kind, icc_profile=b"no profile" * 20))


def test_the_density_is_read_from_every_format_that_has_it() -> None:
    for kind in ("PNG", "TIFF", "JPEG", "BMP"):
        across, down, unit = read_density(save(RGB, kind, dpi=(300, 600))) or (0, 0, 0)
        assert abs(across - 11811) < 5 and abs(down - 23622) < 5 and unit == 1
    turned = Image.Exif()
    turned[0x0112] = 6
    assert read_density(save(RGB, "PNG", dpi=(300, 600), exif=turned)) == (23622, 11811, 1)
    assert read_density(make_exr({"RGB": linear(RGB)}, pixelAspectRatio=2.0)) == (10_000, 20_000, 0)
    assert read_density(save(RGB, "PNG")) is None and read_density(save(RGB, "WEBP")) is None
    assert read_density(encode_png(RGB, (1, 2, 0))) == (1, 2, 0), "pixels that are twice as wide as high"
    assert read_density(encode_png(RGB, (0, 2, 0))) is None


def test_the_documents_name_the_accepted_formats() -> None:
    for page in ("README.md", "docs/drawings.md"):
        assert ACCEPTED.replace(" or ", " and ") in " ".join((ROOT / page).read_text(encoding="utf-8").split())
