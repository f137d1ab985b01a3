# SPDX-License-Identifier: GPL-3.0-or-later
"""A zip of many files, created while it is sent."""

import io
import zipfile
from collections.abc import Callable, Iterable, Iterator

_HEADER_BYTES, _DIRECTORY_BYTES, _END_BYTES = 30, 46, 22
_LONG_PLACE_BYTES, _LONG_END_BYTES = 12, 76
"""The parts of a zip beside names and contents, and what they have more where a number does not fit into 31 bits."""


def zip_stream(entries: Iterable[tuple[str, Callable[[], bytes]]]) -> Iterator[bytes]:
    """Yield the bytes of a zip of `entries`: a name (relative, with `/`) and a function that returns the content.

    Contents are stored uncompressed, because PNGs are already compressed. An entry's content is read when its turn
    comes and discarded when it is sent. Equal entries give equal bytes, regardless of the clock and the system. If
    reading a content raises an exception, the zip ends there. Its size is known before (see `zip_size`), so that a
    reader sees that it is incomplete.
    """
    unsent = _Unsent()
    with zipfile.ZipFile(unsent, "w") as archive:
        for name, content in entries:
            entry = zipfile.ZipInfo(name)  # dated 1980-01-01, the earliest date in a zip
            entry.create_system = 3  # Unix, for the permissions
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content())
            yield unsent.take()
    yield unsent.take()


def zip_size(entries: Iterable[tuple[str, int]]) -> int:
    """Return the bytes of the zip that `zip_stream` makes of entries with these names and sizes, each below 2 GB."""
    content = directory = count = 0
    for name, size in entries:
        length = len(name.encode())
        directory += _DIRECTORY_BYTES + length + (_LONG_PLACE_BYTES if content > zipfile.ZIP64_LIMIT else 0)
        content += _HEADER_BYTES + length + size
        count += 1
    is_long = count > zipfile.ZIP_FILECOUNT_LIMIT or max(content, directory) > zipfile.ZIP64_LIMIT
    return content + directory + _END_BYTES + (_LONG_END_BYTES if is_long else 0)


class _Unsent(io.BytesIO):
    """The end of a file whose beginning has been sent.

    `zipfile` can seek within the entry that it writes, and can therefore put the sizes before the content. In a stream
    without seeking they would come after it, and streaming readers reject that for stored contents.
    """

    _sent = 0

    def tell(self) -> int:
        return self._sent + super().tell()

    def seek(self, position: int, whence: int = io.SEEK_SET) -> int:
        return self._sent + super().seek(position - self._sent if whence == io.SEEK_SET else position, whence)

    def take(self) -> bytes:
        content = self.getvalue()
        self._sent += len(content)
        super().seek(0)
        self.truncate()
        return content
