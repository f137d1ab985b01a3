# SPDX-License-Identifier: GPL-3.0-or-later
"""The recipe of samples: from which clips they are taken, in which colors, and what they are told.

On a base, the paper's recipe (§3.2.1, §4.1) is the default, and each departure from it is a switch. The tiny stack has
a recipe of its own.
"""

import argparse
from dataclasses import dataclass, fields, replace
from typing import Literal

Colors = Literal["pictures", "flats", "codes"]
"""The colors of samples: the clip's own pictures, with lines and shading; their fills, without lines, in the at most
48 colors of a palette; or such fills, most of them in code colors."""


@dataclass(frozen=True)
class Recipe:
    """What samples are made of.

    colors: see `Colors`.
    cartoons: share of samples from the project's own cartoons, where the folder of sources has film clips.
    holds: whether a film clip's frames follow each other as filmed, held drawings several times, or each drawing once.
    to_and_fro: whether film clips that are too short are played forward and backward, or left out.
    near: share of references that are near the segment. The others are anywhere in the clip.
    outward: whether samples are placed as in a shot that is colored from a keyframe in its middle: half of the
        segments in reverse order, with history on both sides. Otherwise history is what came before the segment.
    described: share of samples with the clip's description. The others have only the prompt's suffix.
    wordless: share of samples without any text, neither description nor suffix. They teach the model the empty
        negative prompt, which guidance subtracts.
    binary_sketches: whether every pixel of a sketch is paper or line (§4.1), or thin lines turn gray in smaller sizes.
    """

    colors: Colors
    cartoons: float
    holds: bool
    to_and_fro: bool
    near: float
    outward: bool
    described: float
    wordless: float
    binary_sketches: bool


PAPER = Recipe(
    colors="pictures",
    cartoons=0.0,
    holds=True,
    to_and_fro=False,
    near=0.0,
    outward=False,
    described=1.0,
    wordless=0.1,
    binary_sketches=True,
)
"""§4.1: film clips of more than 91 frames, as filmed, with their descriptions. §3.2.1: a random reference. The paper
does not mention samples without text. Their share is that of CogVideoX-1.5's own training (`ucg_rate` in
`sat/configs/cogvideox1.5_5b_i2v.yaml`)."""

TINY = Recipe(
    colors="codes",
    cartoons=0.5,
    holds=False,
    to_and_fro=True,
    near=0.5,
    outward=True,
    described=0.5,
    wordless=0.0,
    binary_sketches=False,
)
"""The tiny stack colors in code colors, each drawing once, outward from keyframes, and without guidance."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add a switch for each departure from the paper. Without it, the value is None."""
    switches = parser.add_argument_group(
        "what samples are made of", "On a base, the default is what the paper does; otherwise, what `tiny` needs."
    )
    switches.add_argument(
        "--colors",
        choices=("pictures", "flats", "codes"),
        help="the clip's own pictures, as in the paper (on a base); its fills in at most 48 flat colors, without "
        "lines; or these in code colors, in three of four samples (otherwise)",
    )
    switches.add_argument(
        "--cartoons",
        type=float,
        metavar="SHARE",
        help="share of samples from the project's own cartoons, beside film clips; the paper has film clips alone (0 "
        f"on a base, otherwise {TINY.cartoons:g})",
    )
    switches.add_argument(
        "--holds",
        action=argparse.BooleanOptionalAction,
        help="film clips as filmed, held drawings several times, as in the paper (on a base), or each drawing once",
    )
    switches.add_argument(
        "--to-and-fro",
        action=argparse.BooleanOptionalAction,
        help="play film clips that are too short forward and backward; the paper leaves them out, and so does a base",
    )
    switches.add_argument(
        "--near",
        type=float,
        metavar="SHARE",
        help="share of references within four drawings of the segment's start; the paper takes any of the clip (0 on "
        f"a base, otherwise {TINY.near:g})",
    )
    switches.add_argument(
        "--outward",
        action=argparse.BooleanOptionalAction,
        help="half of the segments in reverse order, with history on both sides, as shots are colored outward from a "
        "keyframe; the paper colors forward, and so does a base",
    )
    switches.add_argument(
        "--wordless",
        type=float,
        metavar="SHARE",
        help="share of samples without any text, which teach the empty negative prompt of guidance; the paper does "
        f"not mention any, CogVideoX itself was trained with 0.1 ({PAPER.wordless:g} on a base, otherwise 0)",
    )


def read_recipe(args: argparse.Namespace) -> Recipe:
    """Return the recipe of a command: that of its base, or of the tiny stack, with the departures that it names.

    Raises ValueError for a share that is not from 0 to 1.
    """
    given = {field.name: getattr(args, field.name, None) for field in fields(Recipe)}
    chosen = {name: value for name, value in given.items() if value is not None}
    for name in ("cartoons", "near", "wordless"):
        if not 0 <= chosen.get(name, 0) <= 1:
            raise ValueError(f"--{name} {chosen[name]:g} is no share: give a number from 0 to 1.")
    return replace(PAPER if args.base else TINY, **chosen)
