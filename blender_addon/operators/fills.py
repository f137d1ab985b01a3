# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes Grease Pencil fills from a take: its regions become shapes, which the animator edits as any other fill."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import NamedTuple

import bpy

from .. import notices, take_manager
from ..fills.drawings import draw, fills_object, hide_fills, holds, new_fills
from ..fills.projection import Projection, projections
from ..shared.errors import ColorError
from ..shared.translatable_text import TranslatableText
from ..shot.changes import same_frame
from ..shot.owners import Owner, owners_of
from ..takes.shapes import Pictures, require_fills
from ..takes.take import Take
from ..takes.tracing import Tracing
from ..translations import translated
from ..widgets import redraw
from .owner_pictures import render_owners, shot_of
from .queue import OfTake

_PERIOD = 0.05
"""Seconds between two steps."""


_REST = "the rest"
"""What the part of the fills is called that belongs to no object."""


class _Step(NamedTuple):
    """What is being done, and whether the scene is changed for it: the animator then waits."""

    doing: TranslatableText
    changes_scene: bool = False


class MakesFills:
    """Reads the camera, traces the drawings beside the interface, and then draws them in one step.

    A subclass chooses what is drawn in `chosen`.
    """

    report: Callable[[set[str], str], None]
    """Blender's own method for messages to the animator."""

    def chosen(self, context: bpy.types.Context) -> tuple[Take, list[int]]:
        """The take, and the frames to draw. Raises ColorError if they cannot be drawn."""
        raise NotImplementedError

    def drawn_in(self, _scene: bpy.types.Scene, _take: Take) -> bpy.types.Object | None:
        """The object to draw in; None for new ones, so that fills that were edited are kept."""
        return None

    by = "picture"
    """What has fills of its own: the picture, or each of the objects that were drawn."""

    def execute(self, context: bpy.types.Context) -> set[str]:
        """The blocking path: returns when the fills are drawn."""
        try:
            for _ in self._steps(context):
                time.sleep(_PERIOD)
        except (ColorError, OSError) as error:
            self.report({"ERROR"}, translated(str(error)))
            return {"CANCELLED"}
        return {"FINISHED"}

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """The interactive path: the animator continues to work while the drawings are traced."""
        if bpy.app.background:
            return self.execute(context)
        self._running = self._steps(context)
        try:
            first = next(self._running, None)
        except (ColorError, OSError) as error:
            self._fail(error)
            return {"CANCELLED"}
        if first is None:
            return {"FINISHED"}
        self._step = first
        self._timer = context.window_manager.event_timer_add(_PERIOD, window=context.window)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Called by Blender for each event: Esc cancels. All others but the timer are left to the animator, unless the
        scene is changed at present."""
        if event.type == "ESC":
            self._leave(context)
            self.report({"INFO"}, translated("Fills canceled"))
            return {"CANCELLED"}
        if event.type == "TIMER":
            try:
                self._step = next(self._running)
            except StopIteration:
                self._leave(context)
                return {"FINISHED"}
            except (ColorError, OSError) as error:
                self._leave(context)
                self._fail(error)
                return {"CANCELLED"}
            text = TranslatableText("{doing}. Esc: cancel", doing=self._step.doing)
            context.workspace.status_text_set(translated(text))
        return {"RUNNING_MODAL" if self._step.changes_scene else "PASS_THROUGH"}

    def cancel(self, _context: bpy.types.Context) -> None:
        """Called by Blender when another file is opened: give up what was not traced yet."""
        self._running.close()

    def _steps(self, context: bpy.types.Context) -> Generator[_Step, None, None]:
        """Read the camera at each frame, trace the drawings, and draw them. Raises ColorError or OSError before
        anything is drawn."""
        take, frames = self.chosen(context)
        exposure = take.manifest.exposure
        name = bpy.data.scenes.get(take.manifest.name, context.scene).name
        shot = shot_of(take, context) if self.by == "objects" else None
        owners: list[Owner] = owners_of(shot, "objects") if shot else []
        parts = [_REST, *(owner.name for owner in owners)] if shot else [""]
        scene, size = bpy.data.scenes[name], (take.manifest.width, take.manifest.height)
        with same_frame(scene):
            camera = scene.longanimation.lineart.camera
            seen = [*projections(scene, camera, size, frames, [None, *(owner.item for owner in owners)])]
        held = [[*holds(exposure, dict(zip(frames, plane, strict=True)))] for plane in zip(*seen, strict=True)]
        drawings = dict.fromkeys(hold.drawing for hold in held[0])
        with tempfile.TemporaryDirectory(prefix="longanimation-") as folder:
            pictures = Pictures(Path(folder), len(owners)) if shot else None
            if shot and pictures:
                for done, _ in enumerate(render_owners(take, shot, owners, drawings, pictures), start=1):
                    yield _Step(_parting(done, len(drawings)), changes_scene=True)
            tracing = Tracing(take, drawings, pictures)
            tracing.start()
            try:
                while tracing.is_running:
                    yield _Step(_tracing(tracing.done, tracing.total))
                shapes = tracing.result()
            finally:
                tracing.stop()
        scene, count = bpy.data.scenes[name], 0
        known = self.drawn_in(scene, take)
        if known is None:
            hide_fills(scene)
        made = []
        for number, (part, held_part) in enumerate(zip(parts, held, strict=True)):
            own = {drawing: groups[number] for drawing, groups in shapes.items()}
            if any(own.values()):
                made.append(known or new_fills(scene, take, _middle(held_part[0].projection, take), part))
                draw(scene, made[-1], held_part, own)
                count += sum(map(len, own.values()))
        message = TranslatableText(
            "{object}: {count} fills in {drawings} drawings",
            object=", ".join(item.name for item in made),
            count=count,
            drawings=len(shapes),
        )
        self.report({"INFO"}, translated(message))

    def _leave(self, context: bpy.types.Context) -> None:
        self._running.close()
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

    by: bpy.props.EnumProperty(
        name="By",
        description="What has fills of its own",
        items=(
            ("picture", "Picture", "All fills are in one object, behind all drawings"),
            ("objects", "Objects", "The fills of each Grease Pencil object are just behind it"),
        ),
    )

    def chosen(self, _context: bpy.types.Context) -> tuple[Take, list[int]]:
        """All frames of the take."""
        frames = [*self.take.manifest.exposure.frames]
        require_fills(self.take, frames)
        return self.take, frames


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

    def drawn_in(self, scene: bpy.types.Scene, take: Take) -> bpy.types.Object | None:
        """The object of all fills of the take, if there is one."""
        return fills_object(scene, take)


def _parting(done: int, total: int) -> TranslatableText:
    return TranslatableText("Parting drawing {done} of {total}", done=done, total=total)


def _tracing(done: int, total: int) -> TranslatableText:
    return TranslatableText("Tracing drawing {done} of {total}", done=done, total=total)


def _middle(projection: Projection, take: Take) -> tuple[float, float, float]:
    """The place of the middle of the picture."""
    width, height = take.manifest.width, take.manifest.height
    ways = zip(projection.corner, projection.right, projection.down, strict=True)
    x, y, z = (corner + right * width / 2 + down * height / 2 for corner, right, down in ways)
    return x, y, z


CLASSES = (LONGANIMATION_OT_make_fills, LONGANIMATION_OT_fill_drawing)
