# SPDX-License-Identifier: GPL-3.0-or-later
"""The colors of a take, and their replacements."""

import bpy


class LONGANIMATION_paint(bpy.types.PropertyGroup):
    """A color of the palette, as it is in the images (sRGB, 0 to 1)."""

    color: bpy.props.FloatVectorProperty(
        name="Color", description="Color in the take", subtype="COLOR_GAMMA", size=3, min=0, max=1
    )
    changed: bpy.props.FloatVectorProperty(
        name="New Color",
        description="Replacement for the color over the whole shot",
        subtype="COLOR_GAMMA",
        size=3,
        min=0,
        max=1,
    )
    share: bpy.props.FloatProperty(name="Share", description="Share of the shot's pixels", subtype="PERCENTAGE")

    @property
    def is_changed(self) -> bool:
        """Whether another color was picked."""
        return any(abs(one - other) > 0.5 / 255 for one, other in zip(self.color, self.changed, strict=True))


CLASSES = (LONGANIMATION_paint,)
