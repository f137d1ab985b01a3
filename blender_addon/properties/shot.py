# SPDX-License-Identifier: GPL-3.0-or-later
"""What to color, and how."""

import bpy

from .. import take_manager
from ..preferences import current
from ..shot.options import ShotOptions
from ..shot.painted_frame import PaintedFrame
from .lineart import LONGANIMATION_lineart
from .paint import LONGANIMATION_paint
from .sheet import LONGANIMATION_sheet, images_of


def _forget_picture(keyframe: "LONGANIMATION_keyframe", _context: bpy.types.Context) -> None:
    keyframe.thumbnail, keyframe.is_lit = None, False


class LONGANIMATION_keyframe(bpy.types.PropertyGroup):
    """A painted frame of the shot."""

    frame: bpy.props.IntProperty(name="Frame", description="Number of the painted frame", update=_forget_picture)
    image: bpy.props.PointerProperty(
        type=bpy.types.Image,
        name="Image",
        description="Painting of this frame; without one, the frame is used as the scene renders it",
    )
    thumbnail: bpy.props.PointerProperty(
        type=bpy.types.Image, name="Thumbnail", description="Small picture of a frame that the scene renders"
    )
    is_lit: bpy.props.BoolProperty(
        name="Is Lit", description="The scene's own render has light or motion blur on the paint, which is left out"
    )


_FRAMES = (1, 250)
"""A range of the shot's own that nobody has set."""


def _begin_with_scene_range(shot: "LONGANIMATION_shot", _context: bpy.types.Context) -> None:
    """Let a range of the shot's own begin as the scene's."""
    if not shot.use_scene_range and (shot.frame_start, shot.frame_end) == _FRAMES:
        shot.frame_start, shot.frame_end = shot.id_data.frame_start, shot.id_data.frame_end


class LONGANIMATION_shot(bpy.types.PropertyGroup):
    """What to color, and how."""

    use_scene_range: bpy.props.BoolProperty(
        name="Scene Range",
        description="Color from the scene's start to its end",
        default=True,
        update=_begin_with_scene_range,
    )
    frame_start: bpy.props.IntProperty(name="Start", description="First frame to color", default=_FRAMES[0])
    frame_end: bpy.props.IntProperty(name="End", description="Last frame to color", default=_FRAMES[1])
    lineart: bpy.props.PointerProperty(type=LONGANIMATION_lineart)
    keyframes: bpy.props.CollectionProperty(type=LONGANIMATION_keyframe)
    sheets: bpy.props.CollectionProperty(type=LONGANIMATION_sheet)
    server: bpy.props.StringProperty(
        name="Server",
        description="Server from the preferences that colors the shot; empty for the active one",
        search=lambda _self, _context, text: [entry.name for entry in current().servers if text in entry.name],
        search_options={"SUGGESTION"},
    )
    preset: bpy.props.StringProperty(
        name="Preset",
        description="Model on the server that colors the shot",
        default="tiny",
        search=lambda _self, _context, text: [item for item in take_manager.presets.items() if text in item[0]],
        search_options={"SUGGESTION"},
    )
    finish: bpy.props.EnumProperty(
        name="Finish",
        items=(
            ("flats", "Flats", "One flat color per region, from the keyframe's palette"),
            ("painted", "Painted", "The model's own painting"),
        ),
        default="flats",
    )
    quality: bpy.props.EnumProperty(
        name="Quality",
        items=(  # files store the numbers
            ("auto", "Automatic", "For delivery, as the preset recommends", 4),
            ("final", "Final", "For delivery; steps are skipped where that is hardly visible", 0),
            ("draft", "Draft", "Faster, to look at the take; Final with the same seed gives the same take", 1),
            ("preview", "Preview", "Colors are only carried along, without the model", 2),
            ("exact", "Exact", "No step is skipped; slower, and hardly different from Final", 3),
        ),
        default="auto",
    )
    accept_errors: bpy.props.BoolProperty(
        name="Accept Errors",
        description="Color the shot although its checks find errors, such as a keyframe that is transparent all over, "
        "because the images are meant to be as they are",
    )
    keep_background: bpy.props.BoolProperty(
        name="Keep Background",
        description="Color only what is drawn, over the scene's own render of all else; otherwise the scenery in the "
        "keyframes is carried along, too",
    )
    layout: bpy.props.EnumProperty(
        name="Strips",
        description="How the result is placed in the Sequencer",
        items=(
            ("meta", "Meta Strip", "One strip that holds the colors and, over them, your lines"),
            ("strips", "Two Strips", "The colors and, over them, your lines"),
            ("flat", "Flat Images", "One strip of finished images, with the lines in them"),
        ),
        default="meta",
    )
    seed: bpy.props.IntProperty(name="Seed", description="Another seed gives another take", default=0, min=0)
    prompt: bpy.props.StringProperty(name="Prompt", description="Describe the shot in a sentence; may be empty")

    palette: bpy.props.CollectionProperty(type=LONGANIMATION_paint, name="Palette", description="The colors of a take")
    palette_take: bpy.props.StringProperty(name="Palette of", description="Job of the take whose colors are listed")
    palette_name: bpy.props.StringProperty(
        name="Palette Name", description="The palette that was last used for the take's colors"
    )
    palette_version: bpy.props.IntProperty(
        name="Version", description="Its version in the server's library; 0 if it is not from there", min=0
    )
    show_hidden_takes: bpy.props.BoolProperty(name="Show Hidden Takes", description="Also list the hidden takes")

    def keyframe_at(self, frame: int) -> LONGANIMATION_keyframe | None:
        """The keyframe of a frame, if it has one."""
        return next((keyframe for keyframe in self.keyframes if keyframe.frame == frame), None)

    def put_keyframe(self, frame: int, image: bpy.types.Image | None) -> None:
        """Paint a frame with an image, or as the scene renders it. The keyframes stay in the order of frames."""
        keyframe = self.keyframe_at(frame)
        if keyframe is None:
            place = sum(other.frame < frame for other in self.keyframes)
            self.keyframes.add()
            self.keyframes.move(len(self.keyframes) - 1, place)
            keyframe = self.keyframes[place]
        keyframe.frame, keyframe.image = frame, image

    @property
    def frames(self) -> range:
        """The frames to color."""
        scene = self.id_data
        start = scene.frame_start if self.use_scene_range else self.frame_start
        end = scene.frame_end if self.use_scene_range else self.frame_end
        return range(start, end + 1)

    def options(self, frames: range | None = None) -> ShotOptions:
        """These settings, as the export needs them; if `frames` are given, only with the keyframes in them."""
        painted = tuple(PaintedFrame(item.frame, item.image) for item in self.keyframes)
        if frames is not None:
            painted = tuple(keyframe for keyframe in painted if keyframe.frame in frames)
        return ShotOptions(
            frames=self.frames if frames is None else frames,
            painted=painted,
            sheets=tuple(images_of(self.id_data)),
            preset=self.preset,
            prompt=self.prompt,
            seed=self.seed,
            finish=self.finish,
            quality=self.quality,
            accept_errors=self.accept_errors,
            keep_background=self.keep_background,
            lineart=self.lineart.options(),
        )


CLASSES = (LONGANIMATION_keyframe, LONGANIMATION_shot)
