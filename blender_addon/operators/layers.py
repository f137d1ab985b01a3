# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts a take by the objects or layers of its drawings: folders of PNGs, an OCA document, and strips."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import bpy

from .. import notices, take_manager
from ..remote.messages import Progress
from ..sequencer.layers import require_channels, show_layers
from ..shared.errors import ColorError
from ..shared.translatable_text import TranslatableText
from ..shot.owners import owners_of
from ..takes.layers import FOLDER, describe, layer_names, new_layers, part_drawing
from ..takes.shapes import Pictures
from ..translations import translated
from ..widgets import redraw
from .owner_pictures import render_owners, shot_of
from .queue import OfTake

_TICK = 0.01
"""Seconds between two steps."""


class LONGANIMATION_OT_part_take(OfTake, bpy.types.Operator):
    """Write colors and lines apart, with alpha, as PNG folders and an OCA document; the meta strip shows them"""

    bl_idname = "longanimation.part_take"
    bl_label = "Part by Layers"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    by: bpy.props.EnumProperty(
        name="By",
        description="What has a layer of its own",
        items=(
            ("objects", "Objects", "Each Grease Pencil object"),
            ("layers", "Layers", "Each layer of each Grease Pencil object"),
        ),
        default="layers",
    )

    def execute(self, context: bpy.types.Context) -> set[str]:
        """The blocking path: returns when all is written."""
        try:
            for _ in self._steps(context):
                pass
        except (ColorError, OSError) as error:
            self.report({"ERROR"}, translated(str(error)))
            return {"CANCELLED"}
        return {"FINISHED"}

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """The interactive path: renders one drawing per tick, and then writes the layers beside the interface."""
        if bpy.app.background:
            return self.execute(context)
        self._running = self._steps(context)
        self._timer = context.window_manager.event_timer_add(_TICK, window=context.window)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Called by Blender for each event; all but the timer and Esc are ignored until all is written."""
        if event.type == "ESC":
            self._leave(context)
            self.report({"INFO"}, translated("Layers canceled"))
            return {"CANCELLED"}
        if event.type != "TIMER":
            return {"RUNNING_MODAL"}
        try:
            done, total = next(self._running)
        except StopIteration:
            self._leave(context)
            return {"FINISHED"}
        except (ColorError, OSError) as error:
            self._leave(context)
            notices.show_error(error)
            redraw()
            self.report({"ERROR"}, translated(str(error)))
            return {"CANCELLED"}
        doing = TranslatableText("Parting drawing {done} of {total}", done=done, total=total)
        take_manager.show_export(Progress(done / total, doing))
        context.workspace.status_text_set(translated(TranslatableText("{doing}. Esc: cancel", doing=doing)))
        return {"RUNNING_MODAL"}

    def _leave(self, context: bpy.types.Context) -> None:
        self._running.close()
        take_manager.show_export(None)
        context.window_manager.event_timer_remove(self._timer)
        context.workspace.status_text_set(None)

    def _steps(self, context: bpy.types.Context) -> Generator[tuple[int, int], None, None]:
        """Render the owners of each drawing, write the layers, and show them. Yields the drawings done and all of
        them. Nothing but a complete set of layers replaces what was there. Raises ColorError or OSError."""
        take = self.take
        shot = shot_of(take, context)
        owners = owners_of(shot, self.by)
        names = layer_names([owner.name for owner in owners])
        timeline = self.timeline(context)
        require_channels(timeline, take, len(names))
        drawings = range(take.manifest.exposure.drawing_count)
        with new_layers(take) as work:
            pictures = Pictures(Path(tempfile.mkdtemp(prefix=".owners-", dir=take.folder)), len(owners))
            try:
                for done, _ in enumerate(render_owners(take, shot, owners, drawings, pictures)):
                    yield done // 2, len(drawings)
                with ThreadPoolExecutor(thread_name_prefix="LongAnimation layers") as pool:
                    parted = [
                        pool.submit(part_drawing, take, drawing, pictures.of(drawing), names, work)
                        for drawing in drawings
                    ]
                    try:
                        while not all(one.done() for one in parted):
                            yield (len(drawings) + sum(one.done() for one in parted)) // 2, len(drawings)
                            time.sleep(_TICK)
                    finally:
                        pool.shutdown(cancel_futures=True)
                shown = [one.result() for one in parted]
            finally:
                shutil.rmtree(pictures.folder, ignore_errors=True)
            seen = describe(take, names, shown, work)
        show_layers(timeline, take, take.folder / FOLDER, seen)
        message = TranslatableText("{count} layers are in {folder}", count=len(seen), folder=take.folder / FOLDER)
        self.report({"INFO"}, translated(message))


CLASSES = (LONGANIMATION_OT_part_take,)
