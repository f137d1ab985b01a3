# SPDX-License-Identifier: GPL-3.0-or-later
"""The colors of color-trace lines, which part regions and are not seen in the colored frames."""

from __future__ import annotations

from typing import Literal

from .palette import require_color
from .protocol import require, shown

TraceFill = Literal["sides", "darker"]
MOST_TRACES = 8
LEAST_CHROMA = 96
"""The strongest channel of a trace line's color is above its weakest by at least this."""


def require_traces(colors: tuple[str, ...]) -> None:
    """Raise ProtocolError unless color-trace lines can have these colors."""
    require(
        len(colors) <= MOST_TRACES,
        "too_many_traces",
        "traces",
        f"Color-trace lines can have {MOST_TRACES} colors at most, not {len(colors)}.",
    )
    for index, color in enumerate(colors):
        require_color(color, f"traces.{index}")
        levels = bytes.fromhex(color[1:])
        require(
            max(levels) - min(levels) >= LEAST_CHROMA,
            "bad_trace",
            f"traces.{index}",
            f"Color-trace lines must have a strong color, such as #ff0000, not {shown(color)}: black and gray are "
            "ordinary lines.",
        )
