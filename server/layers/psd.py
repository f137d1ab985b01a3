# SPDX-License-Identifier: GPL-3.0-or-later
"""A frame of a document as a layered PSD."""

from __future__ import annotations

from io import BytesIO

from PIL import Image
from psd_tools import PSDImage

from server.images.codec import ImageError, read_rgba

from .document import Cel, Document, DocumentError


def psd_of(document: Document, frame: int) -> bytes:
    """A frame as a PSD: its layers, and all of them over each other as the picture that simple programs show.

    Raises DocumentError if a picture is missing, or cannot be read.
    """
    size = document.width, document.height
    whole = Image.new("RGBA", size)
    layers = []
    for layer in document.layers:
        cel = layer.cel_at(frame)
        picture = Image.new("RGBA", (1, 1)) if cel is None else _picture(document, cel)
        opacity = layer.opacity * (1.0 if cel is None else cel.opacity)
        left, top = (0, 0) if cel is None else _corner(document, cel, picture.size)
        layers.append((layer, picture, (left, top), round(255 * opacity)))
        if layer.visible:
            shown = Image.new("RGBA", size)
            shown.paste(picture, (left, top))
            shown.putalpha(shown.getchannel("A").point([round(level * opacity) for level in range(256)]))
            whole = Image.alpha_composite(whole, shown)
    psd = PSDImage.frompil(whole)
    for layer, picture, (left, top), opacity in layers:
        written = psd.create_pixel_layer(picture, top=top, left=left, opacity=opacity)
        written.name = layer.name
        written.visible = layer.visible
    stream = BytesIO()
    psd.save(stream)
    return stream.getvalue()


def _picture(document: Document, cel: Cel) -> Image.Image:
    try:
        return Image.fromarray(read_rgba(document.picture_of(cel)))
    except ImageError as error:
        raise DocumentError(f"{document.path}: {error}") from error


def _corner(document: Document, cel: Cel, size: tuple[int, int]) -> tuple[int, int]:
    """The left and upper edge of a picture, whose middle the document gives."""
    x, y = cel.position or (document.width / 2, document.height / 2)
    return round(x - size[0] / 2), round(y - size[1] / 2)
