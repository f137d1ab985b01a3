# SPDX-License-Identifier: GPL-3.0-or-later
"""A second database on a store, because an option was forgotten: it does not take the store, nor remove a picture."""

import random
from collections.abc import Iterator, Mapping

from .foreign_files import OLD_SECONDS
from .stores import Store, snapshot
from .studio import Studio

SERVE = ("serve", "--listen", "127.0.0.1:0", "--device", "cpu", "--workers", "0")


def check_store(store: Store, before: Mapping[str, bytes]) -> Iterator[str]:
    """Check that a store still has all its files."""
    now = snapshot(store)
    lost = sorted(name for name in before if now.get(name) != before[name])
    if lost:
        yield f"lost: {len(lost)} of {len(before)} files of the store, such as {lost[0]}"


def strike(studio: Studio, rng: random.Random) -> Iterator[str]:
    """Start a server with an empty database on the store; then give the store to a database on purpose, and back."""
    yield from studio.color(rng)  # so that there is something to lose
    studio.store.age(OLD_SECONDS)
    before = snapshot(studio.store)
    studio.counts["files at risk"] += len(before)
    other = studio.database.sibling(studio.folder / f"second-{rng.randrange(10**9)}")
    place = {"data": other.data, "database": other.address, "blobs": studio.store.url}
    for command in (SERVE, ("worker", "--device", "cpu")):
        code, text = studio.command(*command, **place)
        if code != 2 or "knows none of them" not in text:
            yield f"a {command[0]} with an empty database ended with {code}: {text[-300:]}"
    yield from check_store(studio.store, before)
    if any(not studio.wait(lambda house=house: studio.is_ready(house), 60) for house in studio.houses):
        yield "the first database's servers are not ready"
    yield from _adopt(studio, place, before)


def _adopt(studio: Studio, place: dict[str, object], before: dict[str, bytes]) -> Iterator[str]:
    blobs = {name: content for name, content in before.items() if "/" in name}
    code, text = studio.command("adopt", **place)
    if code != 0:
        yield f"adopt ended with {code}: {text[-300:]}"
    code, text = studio.command(*SERVE, **place)
    if code is not None:
        yield f"a server on an adopted store ended with {code}: {text[-300:]}"
    yield from check_store(studio.store, blobs)
    if not all(studio.get(house, "/readyz").json().get("code") == "blobs_away" for house in studio.houses):
        yield "the servers of a database whose store was given away are ready"
    own = {"data": studio.database.data, "database": studio.database.address, "blobs": studio.store.url}
    code, text = studio.command("adopt", **own)
    if code != 0:
        yield f"adopting the own store ended with {code}: {text[-300:]}"
    yield from check_store(studio.store, blobs)
