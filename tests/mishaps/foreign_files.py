# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of others in the blob store, or a store in a folder of somebody else: none of them is ever touched."""

import random
from collections.abc import Iterator, Mapping

from shared.digests import address_of

from .stores import Store, name_of, snapshot
from .studio import Studio

OLD_SECONDS = 2 * 24 * 3600.0
"""Older than what the server removes."""
LISTED_SECONDS = 90.0
PLACES = (
    "{word}.txt",
    "shots/{word}.psd",
    "{two}/{word}.blend",
    "{two}/.{word}.part",
    "zz/{digits}",
    "{digits}",
    ".{two}",
)


def draw_files(rng: random.Random, count: int) -> dict[str, bytes]:
    """Draw foreign files by name. Some look like the server's own."""
    files = {}
    for _ in range(count):
        digits = rng.randbytes(32).hex()
        name = rng.choice(PLACES).format(word=f"sc{rng.randrange(1000):03}", two=digits[:2], digits=digits)
        files[name] = rng.randbytes(rng.randrange(1, 3000))
    return files


def check_files(store: Store, files: Mapping[str, bytes]) -> Iterator[str]:
    """Check that files of others are still what they were."""
    for name, content in files.items():
        try:
            if store.read(name) != content:
                yield f"foreign: {name} was changed"
        except FileNotFoundError:
            yield f"foreign: {name} was removed"


def strike(studio: Studio, rng: random.Random) -> Iterator[str]:
    """Put files into the store, and start the servers; start one on a store of files alone."""
    yield from _in_the_store(studio, rng)
    yield from _instead_of_a_store(studio, rng)


def _in_the_store(studio: Studio, rng: random.Random) -> Iterator[str]:
    files = draw_files(rng, rng.randint(5, 15))
    studio.counts["foreign files"] += len(files)
    for name, content in files.items():
        studio.store.write(name, content, OLD_SECONDS)
    orphan = rng.randbytes(500)  # when the server has registered it, it has listed the store
    studio.store.write(name_of(address_of(orphan)), orphan, OLD_SECONDS)
    studio.restart()
    find = "SELECT address FROM blobs WHERE address = :address"
    if not studio.wait(lambda: bool(studio.database.run(find, address=address_of(orphan))), LISTED_SECONDS):
        yield "a blob without a row was not registered"
    yield from check_files(studio.store, files)
    for name in files:
        if name in studio.store.names():
            studio.store.remove(name)


def _instead_of_a_store(studio: Studio, rng: random.Random) -> Iterator[str]:
    files = draw_files(rng, rng.randint(1, 5)) | {"notes.txt": b"work"}
    studio.counts["foreign files"] += len(files)
    strange = studio.store.beside(f"home-{rng.randrange(10**9)}")
    for name, content in files.items():
        strange.write(name, content, OLD_SECONDS)
    other = studio.database.sibling(studio.folder / f"other-{rng.randrange(10**9)}")
    serve = ("serve", "--listen", "127.0.0.1:0", "--device", "cpu", "--workers", "0")
    code, text = studio.command(*serve, data=other.data, database=other.address, blobs=strange.url)
    if code != 2 or "not empty" not in text:
        yield f"a server on a folder of somebody else ended with {code}: {text[-300:]}"
    yield from check_files(strange, files)
    if set(snapshot(strange)) != set(files):
        yield f"a server on a folder of somebody else left {sorted(set(snapshot(strange)) - set(files))}"
