# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the line art of a shot comes from."""

import bpy

from ..shared.manifest import MOST_GAP, SMALLEST_REGION
from ..shot.options import LayerRoles, LineArtOptions

ROLES = (
    (
        "lines",
        "Lines",
        "Its lines are the line art, and so are fills without a line; other fills only hide what is behind them",
    ),
    ("traces", "Color Traces", "Its lines part colors, as the edge of a shadow does, and are not seen in the take"),
    ("fills", "Fills", "All of it is white, and hides the lines behind it"),
    ("none", "Left Out", "It is not in the line art; a painted keyframe shows it"),
)


TRACES = {
    "#ff0000": "Red",
    "#00ff00": "Green",
    "#0000ff": "Blue",
    "#00ffff": "Cyan",
    "#ff00ff": "Magenta",
    "#ffff00": "Yellow",
}
"""The colors of color-trace lines that can be chosen."""


class LONGANIMATION_layer(bpy.types.PropertyGroup):
    """What the Grease Pencil layers of a name hold."""

    role: bpy.props.EnumProperty(name="Role", description="What the layers of this name hold", items=ROLES)


class LONGANIMATION_lineart(bpy.types.PropertyGroup):
    """Where the line art of a shot comes from."""

    source: bpy.props.EnumProperty(
        name="Source",
        description="What the line art is made from",
        items=(
            ("auto", "Automatic", "Grease Pencil, else Line Art, else Freestyle, else the image sequence"),
            ("pencil", "Grease Pencil", "Every Grease Pencil object; other objects hide the lines behind them"),
            ("line_art", "Line Art", "The lines of meshes, from Line Art modifiers alone"),
            ("freestyle", "Freestyle", "The lines of meshes, from Freestyle's line sets; rendered by Cycles"),
            ("images", "Image Sequence", "Existing files; the numbers in their names are the frame numbers"),
            ("mixed", "Whole Scene", "Grease Pencil, Line Art and, where it is enabled, Freestyle together"),
        ),
    )
    images: bpy.props.StringProperty(
        name="Images",
        description="Folder of the image sequence, or one of its images; a number in the name is the frame",
        subtype="FILE_PATH",
    )
    sheet: bpy.props.StringProperty(
        name="Exposure Sheet",
        description="XDTS file that says which image each frame shows; its first row is the scene's start frame",
        subtype="FILE_PATH",
    )
    column: bpy.props.StringProperty(
        name="Column",
        description="Column of the exposure sheet; none for its only one, or the one called as the images' folder",
    )
    collection: bpy.props.PointerProperty(
        type=bpy.types.Collection, name="Only", description="Collection with the objects to use; none for all"
    )
    layers: bpy.props.CollectionProperty(
        type=LONGANIMATION_layer, description="The layers that hold something other than lines"
    )
    fills_by: bpy.props.EnumProperty(
        name="Also Fills",
        description="What else holds fills, besides the fills of materials, which never show",
        items=(
            ("none", "Nothing", "No other layers or materials"),
            ("layer", "Layers with Pass Index", "Layers with this pass index hold fills"),
            ("material", "Materials with Pass Index", "Strokes of materials with this pass index are fills"),
        ),
    )
    fill_pass: bpy.props.IntProperty(
        name="Pass Index", description="Pass index of the layers or materials that hold fills", default=1, min=1
    )
    camera: bpy.props.PointerProperty(
        type=bpy.types.Object,
        name="Camera",
        description="Camera of the shot; none for the scene's, which markers may change",
        poll=lambda _self, item: item.type == "CAMERA",
    )
    use_scene_percentage: bpy.props.BoolProperty(
        name="Scene Resolution",
        description="Render at the scene's resolution percentage, and use images at their full size",
        default=True,
    )
    percentage: bpy.props.IntProperty(
        name="Resolution",
        description="Size of the shot, as a percentage of the scene's or of the images' resolution",
        subtype="PERCENTAGE",
        default=100,
        min=1,
        soft_max=100,
        max=1000,
    )
    step: bpy.props.IntProperty(
        name="Step",
        description="Frames from one drawing to the next: 2 uses every second frame and holds it for two",
        default=1,
        min=1,
        soft_max=12,
    )
    keep_colors: bpy.props.BoolProperty(
        name="Keep Line Colors",
        description="Keep the colors of lines; otherwise all lines are black",
        default=True,
    )
    traces: bpy.props.EnumProperty(
        name="Color Traces",
        description="Lines of these colors part colors, as the edge of a shadow does, and are not seen in the take",
        items=tuple((color, name, "") for color, name in TRACES.items()),
        options={"ENUM_FLAG"},
    )
    trace_pass: bpy.props.IntProperty(
        name="Trace Pass",
        description="Strokes of materials with this pass index are color traces; 0 for none",
        default=0,
        min=0,
    )
    trace_fill: bpy.props.EnumProperty(
        name="Instead of Traces",
        description="What is seen where color-trace lines are",
        items=(
            ("sides", "Both Sides", "Each side has half of a line"),
            ("darker", "Darker Side", "The darker side has all of a line"),
        ),
    )

    gap: bpy.props.FloatProperty(
        name="Gap Size",
        description="Breaks in lines up to this percentage of the picture's height are closed; at 0, which breaks leak "
        "depends on the colors beside them",
        subtype="PERCENTAGE",
        default=0,
        min=0,
        max=100 * MOST_GAP,
        precision=1,
    )
    smallest_region: bpy.props.IntProperty(
        name="Smallest Region",
        description="Areas between lines that have fewer pixels take the color of the nearest region",
        subtype="PIXEL",
        default=SMALLEST_REGION,
        min=1,
        soft_max=1000,
    )

    def options(self) -> LineArtOptions:
        """These settings, as the export needs them."""
        return LineArtOptions(
            source=self.source,
            images=self.images,
            sheet=self.sheet,
            column=self.column,
            collection=self.collection,
            roles=LayerRoles(
                {layer.name: layer.role for layer in self.layers}, self.fills_by, self.fill_pass, self.trace_pass
            ),
            camera=self.camera,
            percentage=0 if self.use_scene_percentage else self.percentage,
            step=self.step,
            keep_colors=self.keep_colors,
            traces=tuple(color for color in TRACES if color in self.traces),
            trace_fill=self.trace_fill,
            gap=self.gap / 100,
            smallest_region=self.smallest_region,
        )


CLASSES = (LONGANIMATION_layer, LONGANIMATION_lineart)
