# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes settings temporarily and restores the scene, including poses that are not keyed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import bpy

from .. import compat


class Changes:
    """Settings that were changed, with their original values."""

    def __init__(self) -> None:
        self._former: dict[tuple[Any, str], Any] = {}
        self._unset: set[tuple[Any, str]] = set()

    def set(self, owner: Any, **values: Any) -> None:
        """Set properties of `owner`, and remember their original values."""
        self.set_all((owner, values))

    def set_all(self, *changes: tuple[Any, dict[str, Any]]) -> None:
        """Set properties of several owners.

        All are read before any is set, because a new view transform or file format changes settings that depend on it.
        Animation and drivers of a property are muted, because they would set it again at the next frame.
        """
        for owner, values in changes:
            for name in values:
                self._remember(owner, name)
        for owner, values in changes:
            for name, value in values.items():
                if _plain(getattr(owner, name)) != value:
                    setattr(owner, name, value)
                for curve in _curves_on(owner, name):
                    self._remember(curve, "mute")
                    curve.mute = True

    def undo(self) -> None:
        """Restore the original values."""
        # In the order of the changes: some settings (a look, a color depth) are accepted only after the setting that
        # they depend on.
        for (owner, name), former in self._former.items():
            if (owner, name) in self._unset:
                owner.property_unset(name)
            elif _plain(getattr(owner, name)) != former:  # setting even the same file format changes another setting
                setattr(owner, name, former)

    def _remember(self, owner: Any, name: str) -> None:
        if (owner, name) not in self._former:
            self._former[owner, name] = _plain(getattr(owner, name))
            if not owner.is_property_set(name):  # Cycles stores only what differs from its defaults
                self._unset.add((owner, name))


@contextmanager
def same_frame(scene: bpy.types.Scene) -> Iterator[None]:
    """Return to the current frame after the block, with the poses there that are not keyed yet.

    Rendering another frame sets all animated properties, as going to that frame does.
    """
    frame, subframe, camera = scene.frame_current, scene.frame_subframe, scene.camera
    posed = [(*place, _plain(place[0].path_resolve(place[1]))) for place in _animated()]
    try:
        yield
    finally:
        scene.frame_set(frame, subframe=subframe)
        if scene.camera != camera:
            scene.camera = camera
        for block, path, value in posed:
            if _plain(block.path_resolve(path)) != value:
                _assign(block, path, value)


def _curves_on(owner: Any, name: str) -> list[bpy.types.FCurve]:
    """The curves that animate or drive a property."""
    curves = list(compat.curves_of(owner.id_data))
    if not curves:
        return []
    try:
        path = owner.path_from_id(name)
    except ValueError:  # a property that cannot be animated
        return []
    return [curve for curve in curves if curve.data_path == path]


def datablocks() -> Iterator[bpy.types.ID]:
    """Yield everything in the file that can be animated."""
    for kind in bpy.data.bl_rna.properties:
        if kind.type == "COLLECTION" and kind.identifier != "all_ids":  # it lists all of them again
            for datablock in getattr(bpy.data, kind.identifier):
                yield datablock
                if getattr(datablock, "node_tree", None) is not None:
                    yield datablock.node_tree


def _animated() -> Iterator[tuple[bpy.types.ID, str]]:
    """Yield each animated property of the file, as a datablock and a path within it."""
    for block in datablocks():
        for path in {curve.data_path for curve in compat.curves_of(block)}:
            try:
                block.path_resolve(path)
            except ValueError:  # the animated property no longer exists
                continue
            yield block, path


def _assign(block: bpy.types.ID, path: str, value: Any) -> None:
    custom = re.fullmatch(r'(.*)\["([^"]*)"\]', path)
    if custom:
        owner = block.path_resolve(custom[1]) if custom[1] else block
        owner[custom[2]] = value
    else:
        place, _, name = path.rpartition(".")
        setattr(block.path_resolve(place) if place else block, name, value)


def _plain(value: Any) -> Any:
    """Copy a value of which Blender gives only a view."""
    return tuple(value) if hasattr(value, "__len__") and not isinstance(value, (str, bytes, set)) else value
