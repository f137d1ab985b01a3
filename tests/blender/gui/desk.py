# SPDX-License-Identifier: GPL-3.0-or-later
"""The tools of a scenario: Blender's window, input, screenshots and timing."""

from __future__ import annotations

import subprocess
from pathlib import Path

import bpy

from . import areas, buttons
from .hands import Hands
from .steps import Steps, pause, turns, until
from .watch import Watch

_SECONDS = 30


class Desk:
    """One Blender with the extension enabled. Methods that return Steps are called with `yield from`."""

    def __init__(self, results: Path, server: str) -> None:
        self.results = results
        self.server = server
        self.hands = Hands()
        self.watch = Watch()

    def hover(self, area: bpy.types.Area, what: str, region: str = "UI") -> Steps:
        """Leave the mouse on a button; see `buttons.find`."""
        yield from buttons.find(self.hands, area, areas.region_of(area, region), what)

    def press(self, area: bpy.types.Area, what: str, region: str = "UI") -> Steps:
        """Click a button with the mouse, such as `longanimation.add_keyframe`; see `buttons.find`."""
        yield from self.hover(area, what, region)
        yield from self.hands.click()

    def survey(self, area: bpy.types.Area, region: str = "UI") -> Steps:
        """What can be pressed or set in a region: commands and paths."""
        return (yield from buttons.survey(self.hands, area, areas.region_of(area, region)))

    def open_panel(self, area: bpy.types.Area, panel: str) -> Steps:
        """Open a closed panel of the sidebar, by its bl_idname: click on what is no button until it is drawn."""
        region = areas.region_of(area, "UI")
        if (yield from self._is_drawn(region, panel)):
            return
        for y in range(region.y + region.height - 10, region.y, -10):
            yield from self.hands.move(region.x + region.width // 2, y)
            if buttons.under_mouse(area, region):
                continue
            yield from self.hands.click()
            if (yield from self._is_drawn(region, panel)):
                return
            yield from self.hands.click()  # another panel's header: as it was
        raise AssertionError(f"no click in the sidebar of {area.type} opens {panel}")

    def _is_drawn(self, region: bpy.types.Region, panel: str) -> Steps:
        before = self.watch.calls(f"{panel}.draw")
        yield from turns(10)  # a panel opens with an animation
        region.tag_redraw()
        yield from turns(5)
        return self.watch.calls(f"{panel}.draw") > before

    def enter(self, area: bpy.types.Area, path: str, text: str, region: str = "UI") -> Steps:
        """Type into a text or number field, found by its data path, and press Return."""
        yield from self.hover(area, path, region)
        yield from self.hands.click()
        yield from self.hands.key("ctrl+a")
        yield from self.hands.type(text)
        yield from self.hands.key("Return")

    def widen(self, area: bpy.types.Area, width: int) -> Steps:
        """Drag the edge of a sidebar until it is so many pixels wide."""
        sidebar = areas.region_of(area, "UI")
        y = sidebar.y + sidebar.height - 36  # beside a panel: below, a 3D view's sidebar lets the mouse through
        for edge in (8, 0):  # where a sidebar lies over its editor, the edge is that of the panels
            x = sidebar.x + edge
            yield from self.hands.drag((x, y), (x + sidebar.width - width, y))
            yield from turns(10)
        assert abs(sidebar.width - width) < 40, (
            f"the sidebar of {area.type} is {sidebar.width} pixels wide, not {width}"
        )

    def point_at(self, area: bpy.types.Area) -> Steps:
        """Put the mouse in the middle of an editor, where keys go then."""
        region = areas.region_of(area, "WINDOW")
        yield from self.hands.move(region.x + region.width // 2, region.y + region.height // 2)

    def screenshot(self, name: str, part: bpy.types.Area | bpy.types.Region | None = None) -> Steps:
        """Write what is on the display, or an editor or a region of it, to `name`.png."""
        crop = []
        if part is not None:
            top = areas.window().height - part.y - part.height
            crop = ["-crop", f"{part.width}x{part.height}+{part.x}+{top}", "+repage"]
        image = self.results / f"{name}.png"
        # `import` asks the X server, so Blender goes on meanwhile.
        process = subprocess.Popen(["import", "-window", "root", *crop, str(image)])
        yield until(lambda: process.poll() is not None, _SECONDS, f"the screenshot {name}")
        assert process.returncode == 0, f"no screenshot {name}"

    def speak(self, language: str) -> Steps:
        """Change the language of Blender's interface, such as fr_FR."""
        view = bpy.context.preferences.view
        view.language = language
        view.use_translate_interface = view.use_translate_tooltips = True
        yield pause(1)

    def put_mouse_away(self) -> Steps:
        """Let no button be lit and no tooltip be open: for screenshots."""
        yield from self.hands.move(areas.window().width // 2, 8)
        yield pause(0.3)
