# SPDX-License-Identifier: GPL-3.0-or-later
"""Information about a server: its version, presets, devices and limits."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PresetInfo:
    """A model that the server offers, with the license of its weights and their size on disk.

    paints_backgrounds: whether a shot's background can be "generated". licence: the license under its old field name,
    for compatibility with older extensions and servers.
    """

    name: str
    title: str
    license: str = ""
    bytes: int = 0
    licence: str = ""
    paints_backgrounds: bool = True

    def __post_init__(self) -> None:
        given = self.license or self.licence
        object.__setattr__(self, "license", given)
        object.__setattr__(self, "licence", given)


@dataclass(frozen=True)
class Limits:
    """The limits of the server: bytes per blob, pixels per image, drawings and frames per job."""

    blob_bytes: int
    image_pixels: int
    drawings: int
    frames: int = 100_000


@dataclass(frozen=True)
class ServerInfo:
    """The answer to `GET /info`."""

    server_version: str
    protocol_version: int
    presets: tuple[PresetInfo, ...]
    devices: tuple[str, ...]
    limits: Limits
    queue_length: int
