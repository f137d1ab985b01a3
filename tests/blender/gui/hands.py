# SPDX-License-Identifier: GPL-3.0-or-later
"""Mouse and keyboard: input that comes to Blender from the X server, as an animator's does."""

from __future__ import annotations

import shlex
import subprocess

import bpy

from .steps import Steps, turns

_SEEN = 3
"""Turns of the event loop after which Blender has taken an input in."""


class Hands:
    """Moves the mouse and presses keys with xdotool. Positions are in pixels of the window, from bottom left.

    at: where the mouse is.
    """

    def __init__(self) -> None:
        self._xdotool = subprocess.Popen(["xdotool", "-"], stdin=subprocess.PIPE, text=True)
        self.at = (0, 0)

    def move(self, x: int, y: int) -> Steps:
        """Move the mouse, in two steps: a button lights up when the mouse moves on it."""
        top = bpy.context.window_manager.windows[0].height - 1 - y
        self.at = (x, y)
        self._do("mousemove", x - 1, top)
        self._do("mousemove", x, top)
        yield from turns(_SEEN)

    def click(self, button: int = 1) -> Steps:
        """Click where the mouse is; buttons: 1 left, 2 middle, 3 right, 4 wheel up, 5 wheel down."""
        self._do("mousedown", button)
        yield from turns(_SEEN)
        self._do("mouseup", button)
        yield from turns(_SEEN)

    def drag(self, start: tuple[int, int], end: tuple[int, int]) -> Steps:
        """Press the left button at one position and let it go at another, with a stop on the way."""
        yield from self.move(*start)
        self._do("mousedown", 1)
        yield from turns(_SEEN)
        yield from self.move((start[0] + end[0]) // 2, (start[1] + end[1]) // 2)
        yield from self.move(*end)
        self._do("mouseup", 1)
        yield from turns(_SEEN)

    def key(self, *names: str) -> Steps:
        """Press keys one after another; they go to what is under the mouse. Names are X keysyms: Escape, ctrl+z, F3."""
        for name in names:
            self._do("key", name)
            yield from turns(_SEEN)

    def type(self, text: str) -> Steps:
        """Type a text."""
        for character in text:
            self._do("type", character)
            yield from turns(1)
        yield from turns(_SEEN)

    def _do(self, *words: object) -> None:
        assert self._xdotool.stdin is not None
        self._xdotool.stdin.write(shlex.join(map(str, words)) + "\n")
        self._xdotool.stdin.flush()
