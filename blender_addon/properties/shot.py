# SPDX-License-Identifier: GPL-3.0-or-later
"""What to colour, and how."""

import bpy

from .. import monitor
from ..shot.export import ShotOptions
from ..shot.keyframes import PaintedFrame


class LONGANIMATION_keyframe(bpy.types.PropertyGroup):
    """A painted frame of the shot."""

    frame: bpy.props.IntProperty(name="Frame", description="Frame number that is painted")
    image: bpy.props.PointerProperty(
        type=bpy.types.Image,
        name="Image",
        description="Painting of this frame; without one, the scene's own fills at this frame are used",
    )


class LONGANIMATION_shot(bpy.types.PropertyGroup):
    """What to colour, and how."""

    use_scene_range: bpy.props.BoolProperty(
        name="Scene Range", description="Colour from the scene's start to its end", default=True
    )
    frame_start: bpy.props.IntProperty(name="Start", description="First frame to colour", default=1)
    frame_end: bpy.props.IntProperty(name="End", description="Last frame to colour", default=250)
    keyframes: bpy.props.CollectionProperty(type=LONGANIMATION_keyframe)
    preset: bpy.props.StringProperty(
        name="Preset",
        description="Which of the server's models colours the shot",
        default="tiny",
        search=lambda _self, _context, text: [name for name in monitor.presets if text in name],
        search_options={"SUGGESTION"},
    )
    finish: bpy.props.EnumProperty(
        name="Finish",
        items=(
            ("flats", "Flats", "One flat colour a region, from the keyframe's palette"),
            ("painted", "Painted", "The model's own painting"),
        ),
        default="flats",
    )
    quality: bpy.props.EnumProperty(
        name="Quality",
        items=(
            ("final", "Final", "For delivery"),
            ("draft", "Draft", "Faster, to look at the take; Final with the same seed gives the same take"),
        ),
        default="final",
    )
    seed: bpy.props.IntProperty(name="Seed", description="Another seed gives another take", default=0, min=0)
    prompt: bpy.props.StringProperty(name="Prompt", description="Describe the shot in a sentence; may be empty")

    def options(self) -> ShotOptions:
        """These settings, as the export wants them."""
        scene = self.id_data
        whole = self.use_scene_range
        start = scene.frame_start if whole else self.frame_start
        end = scene.frame_end if whole else self.frame_end
        return ShotOptions(
            frames=range(start, end + 1),
            painted=tuple(PaintedFrame(item.frame, item.image) for item in self.keyframes),
            preset=self.preset,
            prompt=self.prompt,
            seed=self.seed,
            finish=self.finish,
            quality=self.quality,
        )


CLASSES = (LONGANIMATION_keyframe, LONGANIMATION_shot)
