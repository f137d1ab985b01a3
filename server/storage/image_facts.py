# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of uploaded pictures, so that none is decoded again for every job that shows it."""

from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from .database import batches, pictures, writing


@dataclass(frozen=True)
class Picture:
    """A picture that was decoded once: its size in pixels, whether it shows dark lines, and whether it is transparent
    anywhere."""

    width: int
    height: int
    has_lines: bool
    has_clear: bool


class Pictures:
    """The pictures among the blobs."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def find(self, addresses: Iterable[str]) -> dict[str, Picture]:
        """Return those of the pictures that were looked at."""
        found = {}
        with self._engine.connect() as connection:
            for batch in batches(list(dict.fromkeys(addresses))):
                for address, *facts in connection.execute(sa.select(pictures).where(pictures.c.address.in_(batch))):
                    found[address] = Picture(*facts)
        return found

    def note(self, address: str, picture: Picture) -> None:
        """Keep what was seen in the picture at an address."""
        with writing(self._engine) as connection:
            note_picture(connection, address, picture)


def note_picture(connection: sa.Connection, address: str, picture: Picture) -> None:
    """Keep what was seen in a picture, within the caller's transaction."""
    connection.execute(sa.delete(pictures).where(pictures.c.address == address))
    connection.execute(sa.insert(pictures).values(address=address, **vars(picture)))
