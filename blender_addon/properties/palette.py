# SPDX-License-Identifier: GPL-3.0-or-later
"""The colours of a take, and what they are to become."""

import bpy


class LONGANIMATION_paint(bpy.types.PropertyGroup):
    """A colour of the palette, as it is in the images (sRGB, 0 to 1)."""

    color: bpy.props.FloatVectorProperty(
        name="Colour", description="Colour in the take", subtype="COLOR_GAMMA", size=3, min=0, max=1
    )
    changed: bpy.props.FloatVectorProperty(
        name="New Colour",
        description="What the colour is to become over the whole shot",
        subtype="COLOR_GAMMA",
        size=3,
        min=0,
        max=1,
    )
    share: bpy.props.FloatProperty(name="Share", description="Share of the shot's pixels", subtype="PERCENTAGE")

    @property
    def is_changed(self) -> bool:
        """Whether another colour was picked."""
        return any(abs(one - other) > 0.5 / 255 for one, other in zip(self.color, self.changed, strict=True))


CLASSES = (LONGANIMATION_paint,)
