# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes Grease Pencil fills from a take: its regions become shapes, which the animator edits as any other fill."""

from __future__ import annotations

from collections.abc import Callable

import bpy

from .. import notices, take_manager
from ..fills.drawings import Hold, draw, fills_object, holds, new_fills
from ..fills.projection import Projection, projections
from ..shared.errors import ColorError
from ..shared.translatable_text import TranslatableText
from ..shot.changes import same_frame
from ..takes.shapes import require_fills
from ..takes.take import Take
from ..takes.tracing import Tracing
from ..translations import translated
from ..widgets import redraw
from .queue import OfTake

_PERIOD = 0.1
"""Seconds between two looks at the progress."""


class MakesFills:
    """Reads the camera, traces the drawings beside the interface, and then draws them in one step.

    A subclass chooses what is drawn in `chosen`.
    """

    report: Callable[[set[str], str], None]
    """Blender's own method for messages to the animator."""

    def chosen(self, context: bpy.types.Context) -> tuple[Take, list[int]]:
        """The take, and the frames to draw. Raises ColorError if they cannot be drawn."""
        raise NotImplementedError

    def object_of(self, scene: bpy.types.Scene, take: Take, place: tuple[float, float, float]) -> bpy.types.Object:
        """The object to draw in; a new one is put at this place."""
        raise NotImplementedError

    def execute(self, context: bpy.types.Context) -> set[str]:
        """The blocking path: returns when the fills are drawn."""
        try:
            self._begin(context)
            self._draw()
        except (ColorError, OSError) as error:
            self.cancel(context)
            self.report({"ERROR"}, translated(str(error)))
            return {"CANCELLED"}
        return {"FINISHED"}

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """The interactive path: the animator continues to work while the drawings are traced."""
        if bpy.app.background:
            return self.execute(context)
        try:
            self._begin(context)
        except (ColorError, OSError) as error:
            self._fail(error)
            return {"CANCELLED"}
        self._timer = context.window_manager.event_timer_add(_PERIOD, window=context.window)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Called by Blender for each event: Esc cancels, and all others but the timer are left to the animator."""
        if event.type == "ESC":
            self._leave(context)
            self.report({"INFO"}, translated("Fills canceled"))
            return {"CANCELLED"}
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        done, total = self._tracing.done, self._tracing.total
        doing = TranslatableText("Tracing drawing {done} of {total}. Esc: cancel", done=done, total=total)
        context.workspace.status_text_set(translated(doing))
        if self._tracing.is_running:
            return {"PASS_THROUGH"}
        self._leave(context)
        try:
            self._draw()
        except (ColorError, OSError) as error:
            self._fail(error)
            return {"CANCELLED"}
        return {"FINISHED"}

    def cancel(self, _context: bpy.types.Context) -> None:
        """Called by Blender when another file is opened: give up what was not traced yet."""
        tracing = getattr(self, "_tracing", None)
        if tracing is not None:
            tracing.stop()

    def _begin(self, context: bpy.types.Context) -> None:
        """Read the camera at each frame, and start to trace the drawings."""
        self._take, frames = self.chosen(context)
        exposure = self._take.manifest.exposure
        scene = bpy.data.scenes.get(self._take.manifest.name, context.scene)
        self._scene = scene.name
        size = self._take.manifest.width, self._take.manifest.height
        with same_frame(scene):
            seen = projections(scene, scene.longanimation.lineart.camera, size, frames)
            self._holds: list[Hold] = [*holds(exposure, dict(zip(frames, seen, strict=True)))]
        self._tracing = Tracing(self._take, dict.fromkeys(hold.drawing for hold in self._holds))
        self._tracing.start()

    def _draw(self) -> None:
        """Draw what was traced. Raises ShotError, before anything is drawn, if a drawing was not."""
        shapes = self._tracing.result()
        scene = bpy.data.scenes[self._scene]
        item = self.object_of(scene, self._take, _middle(self._holds[0].projection, self._take))
        draw(scene, item, self._holds, shapes)
        count = sum(len(one) for one in shapes.values())
        message = TranslatableText(
            "{object}: {count} fills in {drawings} drawings", object=item.name, count=count, drawings=len(shapes)
        )
        self.report({"INFO"}, translated(message))

    def _leave(self, context: bpy.types.Context) -> None:
        self.cancel(context)
        context.window_manager.event_timer_remove(self._timer)
        context.workspace.status_text_set(None)

    def _fail(self, error: Exception) -> None:
        """Report an error, and show it until it is dismissed."""
        notices.show_error(error)
        redraw()
        self.report({"ERROR"}, translated(str(error)))


class LONGANIMATION_OT_make_fills(MakesFills, OfTake, bpy.types.Operator):
    """Draw the take as Grease Pencil fills under your lines: an object with a key for each drawing"""

    bl_idname = "longanimation.make_fills"
    bl_label = "Make Fills"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def chosen(self, _context: bpy.types.Context) -> tuple[Take, list[int]]:
        """All frames of the take."""
        frames = [*self.take.manifest.exposure.frames]
        require_fills(self.take, frames)
        return self.take, frames

    def object_of(self, scene: bpy.types.Scene, take: Take, place: tuple[float, float, float]) -> bpy.types.Object:
        """Always a new object: fills that were edited are kept."""
        return new_fills(scene, take, place)


class LONGANIMATION_OT_fill_drawing(MakesFills, bpy.types.Operator):
    """Draw the colored frame at the playhead as Grease Pencil fills, for as long as its drawing is held"""

    bl_idname = "longanimation.fill_drawing"
    bl_label = "Fill This Drawing"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def chosen(self, context: bpy.types.Context) -> tuple[Take, list[int]]:
        """The frames around the playhead that show the same drawing."""
        take, frame = take_manager.shown_frame(context)
        exposure = take.manifest.exposure
        first = last = frame
        while first - 1 in exposure.frames and exposure.drawing_at(first - 1) == exposure.drawing_at(frame):
            first -= 1
        while last + 1 in exposure.frames and exposure.drawing_at(last + 1) == exposure.drawing_at(frame):
            last += 1
        require_fills(take, [exposure.first_frame_of(exposure.drawing_at(frame))])
        return take, [*range(first, last + 1)]

    def object_of(self, scene: bpy.types.Scene, take: Take, place: tuple[float, float, float]) -> bpy.types.Object:
        """The object of the take's fills, if there is one."""
        return fills_object(scene, take) or new_fills(scene, take, place)


def _middle(projection: Projection, take: Take) -> tuple[float, float, float]:
    """The place of the middle of the picture."""
    width, height = take.manifest.width, take.manifest.height
    ways = zip(projection.corner, projection.right, projection.down, strict=True)
    x, y, z = (corner + right * width / 2 + down * height / 2 for corner, right, down in ways)
    return x, y, z


CLASSES = (LONGANIMATION_OT_make_fills, LONGANIMATION_OT_fill_drawing)
