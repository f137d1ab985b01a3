# SPDX-License-Identifier: GPL-3.0-or-later
"""The model sheets of a shot."""

from __future__ import annotations

import bpy


class LONGANIMATION_sheet(bpy.types.PropertyGroup):
    """A model sheet: a painted picture of figures that is no frame of the shot."""

    image: bpy.props.PointerProperty(
        type=bpy.types.Image,
        name="Image",
        description="Painted picture of a figure, such as a character sheet or a keyframe of another shot",
    )


def images_of(scene: bpy.types.Scene) -> list[bpy.types.Image]:
    """The images of a scene's model sheets, each once; empty entries do not count."""
    return list(dict.fromkeys(sheet.image for sheet in scene.longanimation.sheets if sheet.image))


CLASSES = (LONGANIMATION_sheet,)
