# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows which regions the server finds in a drawing."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

import bpy

from .. import take_manager
from ..preferences import make_client
from ..shared.errors import ColorError
from ..shared.remote.client import Client
from ..takes.take import Take
from ..translations import translated
from .background import in_thread
from .editors import show_image
from .image_files import packed

_NAME = "Regions"


class LONGANIMATION_OT_show_regions(bpy.types.Operator):
    """Show the regions of the drawing at the playhead in random colors, by the gap size set now: leaks can be seen"""

    bl_idname = "longanimation.show_regions"
    bl_label = "Show Regions"
    bl_options = {"REGISTER"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> set[str]:
        """The blocking path: returns when the image is there."""
        try:
            _show(context, self._work(context)())
        except ColorError as error:
            self.report({"ERROR"}, translated(str(error)))
            return {"CANCELLED"}
        return {"FINISHED"}

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """The interactive path: fetches in a thread."""
        try:
            in_thread(self._work(context), lambda content: _show(bpy.context, content))
        except ColorError as error:
            self.report({"ERROR"}, translated(str(error)))
            return {"CANCELLED"}
        return {"FINISHED"}

    def _work(self, context: bpy.types.Context) -> partial[bytes]:
        """What fetches the picture, without Blender. Raises ColorError."""
        take, frame = take_manager.shown_frame(context)
        lineart = context.scene.longanimation.lineart.options()
        return partial(_fetch, make_client(take.server), take, frame, lineart.gap, lineart.smallest_region)


def _fetch(client: Client, take: Take, frame: int, gap: float, smallest: int) -> bytes:
    content: bytes = client.frame(take.job, frame, "regions", gap=gap, smallest_region=smallest).content
    return content


def _show(context: bpy.types.Context, content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "regions.png"
        path.write_bytes(content)
        image = packed(path, _NAME)
    show_image(context, image)


CLASSES = (LONGANIMATION_OT_show_regions,)
