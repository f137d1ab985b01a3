# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors whose text tells the animator what to do.

The text may be a TranslatableText. Then `str(error)` is that object, which is translated where it is shown.
"""


class ColorError(Exception):
    """Anything that stops a shot from being colored; `str(error)` is a sentence for the animator."""


class ShotError(ColorError):
    """The scene cannot be exported as it is."""


class PaletteError(ColorError):
    """A palette cannot be read, written or used."""


class SheetError(ColorError):
    """An exposure sheet cannot be read, written or used."""


class ServerError(ColorError):
    """The server cannot be reached, or what it says cannot be understood.

    remedy: what would help, for buttons: a key of widgets.REMEDIES, or "" if no button can help.
    """

    def __init__(self, sentence: str, remedy: str = "") -> None:
        super().__init__(sentence)
        self.remedy = remedy


class UnreachableError(ServerError):
    """No answer, or that of a gateway whose server is unavailable; the server may answer later."""


class VersionError(ServerError):
    """The server and this extension speak different versions of the protocol."""


class RefusedError(ServerError):
    """The server refused a request, for the reason it gives.

    status: HTTP status; code: the problem's stable name; missing: addresses of blobs the server lacks.
    """

    def __init__(self, sentence: str, status: int, code: str, missing: tuple[str, ...] = (), remedy: str = "") -> None:
        super().__init__(sentence, remedy)
        self.status = status
        self.code = code
        self.missing = missing


class JobError(ColorError):
    """The job ended on the server without its frames."""
