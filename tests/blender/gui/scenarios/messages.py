# SPDX-License-Identifier: GPL-3.0-or-later
"""The messages that an animator reads when something is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import bpy

from benchmarks.blender.stage import extension, shot
from server.demo.in_blender.extension import EXTENSION
from tests.blender.gui import areas
from tests.blender.gui.desk import Desk
from tests.blender.gui.steps import Steps, pause, until

_TAB = "LongAnimation"


def play(desk: Desk) -> Steps:
    """Press Color Shot without a keyframe, a camera, a server; each time there is a message and nothing runs. Then mend
    the server's address in the connection settings: one message is left, a good one."""
    scene = shot()
    scene.frame_end = 8
    yield pause(0.5)
    view = areas.area_of("VIEW_3D")
    yield from areas.show_tab(view, _TAB)
    yield from _refused(desk, view, "no keyframe", _nothing)
    yield from desk.press(view, "ops.longanimation.add_keyframe")
    yield from _refused(desk, view, "no camera", _no_camera)
    notices = extension("notices")
    assert notices.notices, "the camera's message has gone"
    yield from _refused(desk, view, "no server", _no_server)
    ((remedy, good),) = [(one.remedy, one.good) for one in notices.notices]
    assert (remedy, good) == ("start_server", False), "the messages of earlier attempts have gone"
    yield from _mended(desk, view)


def _mended(desk: Desk, view: bpy.types.Area) -> Steps:
    """The address is right again: the message's own buttons find that out, and leave one message."""
    notices = extension("notices").notices
    yield from desk.hover(view, "ops.longanimation.start_server")
    yield from desk.hover(view, "ops.longanimation.test_connection")
    yield from desk.press(view, "ops.longanimation.edit_server")
    yield pause(0.5)
    yield from desk.screenshot("connection settings")
    yield from desk.hands.key("Return")
    yield until(lambda: [one.good for one in notices] == [True] and "answers in" in notices[0].sentence, 20, "a test")
    yield from desk.put_mouse_away()
    yield from desk.screenshot("connected")


def _refused(desk: Desk, view: bpy.types.Area, name: str, fault: Callable) -> Steps:
    with fault():
        yield from desk.press(view, "ops.longanimation.color_shot")
        yield pause(1)
        yield from desk.screenshot(name)
        assert not areas.modal_operators(), f"an export runs: {name}"
        yield from desk.hands.key("Escape")
        yield from desk.put_mouse_away()  # a message closes when the mouse leaves it


@contextmanager
def _nothing() -> Iterator[None]:
    yield


@contextmanager
def _no_camera() -> Iterator[None]:
    scene = bpy.context.scene
    camera, scene.camera = scene.camera, None
    yield
    scene.camera = camera


@contextmanager
def _no_server() -> Iterator[None]:
    preferences = bpy.context.preferences.addons[EXTENSION].preferences
    address, preferences.server = preferences.server, "http://127.0.0.1:9"
    yield
    preferences.server = address
