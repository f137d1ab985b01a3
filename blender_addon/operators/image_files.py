# SPDX-License-Identifier: GPL-3.0-or-later
"""Image files that are loaded into the open .blend file."""

from __future__ import annotations

from pathlib import Path

import bpy

from ..shared.errors import ShotError
from ..shared.translatable_text import TranslatableText


class LoadsImages:
    """Base of operators that load images which the animator chooses in the File Browser."""

    directory: bpy.props.StringProperty(name="Folder", description="Folder of the images", subtype="DIR_PATH")
    files: bpy.props.CollectionProperty(
        name="Files",
        description="Painted images",
        type=bpy.types.OperatorFileListElement,
        options={"HIDDEN", "SKIP_SAVE"},
    )
    filter_image: bpy.props.BoolProperty(
        name="Images", description="Show images only", default=True, options={"HIDDEN", "SKIP_SAVE"}
    )

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Let the animator choose the files."""
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    @property
    def paths(self) -> list[Path]:
        """The chosen files."""
        folder = Path(bpy.path.abspath(self.directory))
        return [folder / file.name for file in self.files]


def load(path: Path) -> bpy.types.Image:
    """Load an image. Raises ShotError if the file is none."""
    image = bpy.data.images.load(str(path), check_existing=True)
    if not image.size[0]:
        bpy.data.images.remove(image)
        raise ShotError(
            TranslatableText(
                "{file} is not an image that Blender can read: save it as PNG, TIFF or EXR", file=path.name
            )
        )
    return image


def packed(path: Path, name: str) -> bpy.types.Image:
    """Load an image into the open .blend file, in place of an earlier one of this name."""
    loaded = bpy.data.images.load(str(path))
    loaded.pack()
    earlier = bpy.data.images.get(name)
    if earlier is not None:
        earlier.user_remap(loaded)
        bpy.data.images.remove(earlier)
    loaded.name = name
    return loaded
