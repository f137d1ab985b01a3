# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives one region of a take another color: the animator clicks into it."""

from __future__ import annotations

from functools import partial

import bpy

from .. import compat, take_manager
from ..preferences import new_take_folder
from ..shared.errors import ColorError, ShotError
from ..shared.translatable_text import TranslatableText
from ..shot.painted_frame import FRAME, JOB
from ..takes.naming import Color
from ..takes.repaint import repaint
from ..takes.take import Take
from ..translations import translated
from .background import in_thread
from .export import next_number
from .fix import painting_of_frame


class LONGANIMATION_OT_repaint_region(bpy.types.Operator):
    """Click into a region to give it the brush's color; makes a take without the server, and this one is kept"""

    bl_idname = "longanimation.repaint_region"
    bl_label = "Color a Region"
    bl_options = {"REGISTER"}  # noqa: RUF012

    onward: bpy.props.BoolProperty(
        name="From Here On",
        description="Also give it to this region in the drawings that are shown afterward",
        options={"SKIP_SAVE"},
    )
    image: bpy.props.StringProperty(
        name="Image", description="The frame that is being fixed", options={"SKIP_SAVE", "HIDDEN"}
    )
    place: bpy.props.IntVectorProperty(
        name="Place", description="A pixel of the region, from the upper left corner", size=2, options={"SKIP_SAVE"}
    )
    color: bpy.props.FloatVectorProperty(
        name="Color",
        description="The region's new color",
        subtype="COLOR_GAMMA",
        size=3,
        min=0,
        max=1,
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Available everywhere except over an image that is not being fixed."""
        image = getattr(context.space_data, "image", None) if context.space_data else None
        return image is None or JOB in image

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """The blocking path, for scripts: returns when the take is made and placed."""
        red, green, blue = (round(255 * level) for level in self.color)
        try:
            take, frame = _shown(bpy.data.images.get(self.image))
            made = self._work(take, frame, (red, green, blue))()
        except (ColorError, OSError) as error:
            self.report({"ERROR"}, translated(str(error)))
            return {"CANCELLED"}
        _use(take.job, frame, made)
        for _ in take_manager.wait([made.job]):
            pass
        return {"FINISHED"}

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """The interactive path: waits for a click into the image."""
        image: bpy.types.Image | None = getattr(context.space_data, "image", None)
        self.image = image.name if image else ""
        try:
            _shown(image)
        except ShotError as error:
            self.report({"ERROR"}, translated(str(error)))
            return {"CANCELLED"}
        context.window.cursor_modal_set("EYEDROPPER")
        context.workspace.status_text_set(translated("Click into a region; Esc: leave everything as it is"))
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Take the click, or let the animator move the view."""
        if event.type in {"MIDDLEMOUSE", "WHEELUPMOUSE", "WHEELDOWNMOUSE", "MOUSEMOVE"}:
            return {"PASS_THROUGH"}
        if event.type in {"ESC", "RIGHTMOUSE"}:
            _restore(context)
            return {"CANCELLED"}
        if event.type != "LEFTMOUSE" or event.value != "PRESS":
            return {"RUNNING_MODAL"}
        _restore(context)
        image = bpy.data.images.get(self.image)
        place = _pixel(context, event, image)
        if place is None:
            return {"CANCELLED"}
        try:
            take, frame = _shown(image)
        except ShotError as error:
            self.report({"ERROR"}, translated(str(error)))
            return {"CANCELLED"}
        self.place = place
        work = self._work(take, frame, compat.brush_color(context.scene))
        doing = TranslatableText("Coloring a region; the take appears when it is ready.")
        in_thread(work, partial(_use, take.job, frame), doing)
        return {"FINISHED"}

    def _work(self, take: Take, frame: int, color: Color) -> partial[Take]:
        """What makes the take, without Blender."""
        x, y = self.place
        folder = new_take_folder(take.manifest.name)
        return partial(repaint, take, frame, (x, y), color, self.onward, folder, next_number(take))


def _shown(image: bpy.types.Image | None) -> tuple[Take, int]:
    """The take and the frame of an image that is being fixed. Raises ShotError."""
    if image is None or image.get(JOB) not in take_manager.entries:
        raise ShotError(TranslatableText("No colored frame is open: go to one and press Fix This Frame."))
    return take_manager.entries[image[JOB]].take, image[FRAME]


def _pixel(context: bpy.types.Context, event: bpy.types.Event, image: bpy.types.Image | None) -> tuple[int, int] | None:
    """The pixel of the image under the mouse, from the upper left corner; None beside the image."""
    if image is None:
        return None
    for area in context.screen.areas:
        if area.type != "IMAGE_EDITOR" or area.spaces.active.image != image:
            continue
        region = next(one for one in area.regions if one.type == "WINDOW")
        u, v = region.view2d.region_to_view(event.mouse_x - region.x, event.mouse_y - region.y)
        if 0 <= u < 1 and 0 <= v < 1:
            width, height = image.size
            return int(u * width), int((1 - v) * height)
    return None


def _restore(context: bpy.types.Context) -> None:
    context.window.cursor_modal_restore()
    context.workspace.status_text_set(None)


def _use(job: str, frame: int, made: Take) -> None:
    """Register the new take, and show its frame where the old take's is shown."""
    take_manager.register(made)
    image = painting_of_frame(made, frame)
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            space = area.spaces.active
            shown = space.image if area.type == "IMAGE_EDITOR" else None
            if shown is not None and (shown.get(JOB), shown.get(FRAME)) == (job, frame):
                space.image = image


CLASSES = (LONGANIMATION_OT_repaint_region,)
