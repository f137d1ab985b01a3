# SPDX-License-Identifier: GPL-3.0-or-later
"""The cost of a second upload of the same drawings, compared with the first."""

import tempfile
from pathlib import Path
from typing import Any

from benchmarks.measure import progress, seconds
from server.images.codec import encode_png
from shared.digests import address_of

from .client import Api, summarized
from .processes import running_server
from .shots import draw

WIDTH, HEIGHT = 1920, 1080
FIRST_NUMBER = 10_000_000


def measure(folder: Path, drawings: int) -> dict[str, Any]:
    """Send line drawings in full HD twice. Each time counts reading and hashing the files, as the add-on does."""
    with tempfile.TemporaryDirectory() as temporary, running_server(folder) as (url, _):
        progress(f"Drawing {drawings} drawings of {WIDTH}×{HEIGHT}")
        files = [Path(temporary, f"{number:04}.png") for number in range(drawings)]
        for number, file in enumerate(files):
            file.write_bytes(encode_png(draw(FIRST_NUMBER + number, WIDTH, HEIGHT)))
        api, sent = Api(url), []

        def upload() -> None:
            contents = [file.read_bytes() for file in files]
            sent.append(api.upload({address_of(content): content for content in contents}))

        progress("Sending them twice")
        api.call("GET /info", "GET", "/info", 200)  # opens the connection
        first, second = seconds(upload), seconds(upload)
        if sent != [drawings, 0]:
            raise AssertionError(f"{sent} drawings were sent, instead of all the first time and none the second time")
        size = sum(file.stat().st_size for file in files)
    return {
        "drawings": drawings,
        "megabytes": size / 1e6,
        "first_seconds": first,
        "second_seconds": second,
        "times_faster": first / second,
        "endpoints": summarized(api.latencies),
    }
