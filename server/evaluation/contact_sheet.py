# SPDX-License-Identifier: GPL-3.0-or-later
"""One picture of a shot: rows of line art, our colors and the truth, columns through time."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_CELL_WIDTH = 300
_GAP = 10
_NARROWEST_LABEL = 130
_HEAD = 44
_PAPER, _INK, _QUIET, _MARK = "#f4f2ee", "#26241f", "#8a857a", "#d9480f"


def spread(count: int, columns: int, keep: Iterable[int]) -> list[int]:
    """Choose at most `columns` of `count` positions, spread evenly from first to last, those to `keep` among them, if
    there is room for all."""
    columns = min(columns, count)
    chosen = {round(at) for at in np.linspace(0, count - 1, columns)}
    kept: set[int] = set()
    for position in list(keep)[:columns]:
        chosen.remove(min(chosen - kept, key=lambda at: (abs(at - position), at)))
        chosen.add(position)
        kept.add(position)
    return sorted(chosen)


def contact_sheet(
    rows: Mapping[str, Sequence[np.ndarray]], path: Path, columns: Sequence[str], marked: Collection[int] = ()
) -> None:
    """Write a PNG of labeled rows of pictures.

    rows: label → pictures, uint8 [H, W] or RGB [H, W, 3], one for each of `columns` (their headings); marked: the
    columns of keyframes, which get a frame.
    """
    first = next(iter(rows.values()))[0]
    cell = (_CELL_WIDTH, round(_CELL_WIDTH * first.shape[0] / first.shape[1]))
    large, small = ImageFont.load_default(22), ImageFont.load_default(19)
    label_width = max(_NARROWEST_LABEL, *(round(large.getlength(label)) + 4 * _GAP for label in rows))
    size = (
        label_width + len(columns) * (cell[0] + _GAP) + _GAP,
        _HEAD + len(rows) * (cell[1] + _GAP) + _GAP,
    )
    sheet = Image.new("RGB", size, _PAPER)
    draw = ImageDraw.Draw(sheet)
    for column, heading in enumerate(columns):
        left = label_width + column * (cell[0] + _GAP)
        text, color = (f"{heading} · keyframe", _MARK) if column in marked else (heading, _QUIET)
        draw.text((left + cell[0] / 2, _HEAD / 2 + 4), text, color, small, anchor="mm")
    for row, (label, pictures) in enumerate(rows.items()):
        top = _HEAD + row * (cell[1] + _GAP)
        draw.text((label_width - 2 * _GAP, top + cell[1] / 2), label, _INK, large, anchor="rm")
        for column, picture in enumerate(pictures):
            left = label_width + column * (cell[0] + _GAP)
            image = Image.fromarray(picture).convert("RGB").resize(cell, Image.Resampling.LANCZOS)
            sheet.paste(image, (left, top))
            box = (left - 1, top - 1, left + cell[0], top + cell[1])
            draw.rectangle(box, outline=_MARK if column in marked else _QUIET, width=1)
            if column in marked:
                draw.rectangle((box[0] - 2, box[1] - 2, box[2] + 2, box[3] + 2), outline=_MARK, width=3)
    sheet.save(path)
