# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of engines, by the name that a preset gives."""

from .engine import EngineLoader
from .long_animation import LongAnimationLoader
from .wan_vace import WanVaceLoader

ENGINES: dict[str, EngineLoader] = {"longanimation": LongAnimationLoader(), "wan-vace": WanVaceLoader()}


class UnknownEngine(ValueError):
    """A preset names an engine that this version does not have; the message lists those there are."""


def find_engine(name: str) -> EngineLoader:
    """Return the loader of an engine. Raises UnknownEngine."""
    if name not in ENGINES:
        raise UnknownEngine(
            f"There is no engine {name!r}. This version has {', '.join(ENGINES)}. Update the server, or choose another "
            "preset."
        )
    return ENGINES[name]
