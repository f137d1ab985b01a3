# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts about uploaded images, stored so that an image is not decoded again for every job that uses it."""

from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from .database import batches, writing
from .tables import image_facts


@dataclass(frozen=True)
class ImageFacts:
    """The size of an image in pixels, whether it has dark lines, and whether any pixel is transparent.

    is_swapped, is_clear: whether it is white on black as line art, and transparent all over as a painting.
    """

    width: int
    height: int
    has_lines: bool
    has_transparency: bool
    is_swapped: bool = False
    is_clear: bool = False


class ImageFactsTable:
    """The table of facts about images in the blob store."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def find(self, addresses: Iterable[str]) -> dict[str, ImageFacts]:
        """Return the facts of the images that were decoded earlier, by address."""
        found = {}
        with self._engine.connect() as connection:
            for batch in batches(list(dict.fromkeys(addresses))):
                query = sa.select(image_facts).where(image_facts.c.address.in_(batch))
                for address, *facts in connection.execute(query):
                    found[address] = ImageFacts(*facts)
        return found

    def record(self, address: str, facts: ImageFacts) -> None:
        """Store the facts of the image at an address."""
        with writing(self._engine) as connection:
            record_image_facts(connection, address, facts)


def record_image_facts(connection: sa.Connection, address: str, facts: ImageFacts) -> None:
    """Store the facts of an image within the caller's transaction."""
    connection.execute(sa.delete(image_facts).where(image_facts.c.address == address))
    connection.execute(sa.insert(image_facts).values(address=address, **vars(facts)))
