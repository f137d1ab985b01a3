# SPDX-License-Identifier: GPL-3.0-or-later
"""A zip of many files, made while it is sent."""

import io
import zipfile
from collections.abc import Callable, Iterable, Iterator


def zip_stream(entries: Iterable[tuple[str, Callable[[], bytes]]]) -> Iterator[bytes]:
    """Yield the bytes of a zip of `entries`: a name (relative, with `/`) and what returns the content.

    Contents are stored as they are, since PNGs are compressed already. An entry's content is read when its turn comes
    and forgotten when it is sent. Equal entries give equal bytes, whatever the clock and the system. What reading a
    content raises ends the zip there, so that a reader sees that it is incomplete.
    """
    unsent = _Unsent()
    with zipfile.ZipFile(unsent, "w") as archive:
        for name, content in entries:
            entry = zipfile.ZipInfo(name)  # dated 1980-01-01, the first day that a zip knows
            entry.create_system = 3  # Unix, for the permissions
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content())
            yield unsent.take()
    yield unsent.take()


class _Unsent(io.BytesIO):
    """The end of a file whose beginning was sent.

    `zipfile` can seek within the entry that it writes, and thus put the sizes before the content. In a stream without
    seeking they would come after it, and readers that do not wait for the end refuse that for stored contents.
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
