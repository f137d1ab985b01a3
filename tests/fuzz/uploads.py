# SPDX-License-Identifier: GPL-3.0-or-later
"""Uploads of made-up images under their right addresses, and shots that show them."""

import json
import uuid
from typing import Any

from hypothesis import strategies as st

from shared.codec import to_json
from shared.digests import address_of
from shared.protocol import API_PREFIX

from .house import SENDERS, House, Identity
from .images import contents
from .ledger import Ledger
from .manifests import bodies
from .verdict import Answer, faults


class UploadFuzz:
    """Uploads files as the add-on does, and queues shots that are nearly right or show such files."""

    kind = "uploads and shots"

    def __init__(self, ledger: Ledger, house: House) -> None:
        self._ledger, self._house = ledger, house

    def strategy(self) -> st.SearchStrategy[Any]:
        """Files and bodies, and who sends them."""
        files, shots = contents().map(lambda one: (one, None)), bodies(self._house.blobs).map(lambda one: (None, one))
        return st.tuples(st.sampled_from([files, shots]).flatmap(lambda one: one), st.sampled_from(SENDERS), st.uuids())

    def send(self, drawn: tuple[tuple[bytes | None, bytes | None], Identity, uuid.UUID]) -> None:
        """Send a file and a shot that shows it, or a shot."""
        (file, shot), identity, job = drawn
        if file is not None:
            address = address_of(file)
            self._send("PUT", f"{API_PREFIX}/blobs/{address}", file, identity)
            manifest = to_json(self._house.shot.manifest) | {"width": 13, "height": 9}
            self._send("PUT", f"{API_PREFIX}/jobs/{job}", _shows(manifest, address), identity)
        elif shot is not None:
            self._send("PUT", f"{API_PREFIX}/jobs/{job}", shot, identity)
        if str(job) in self._house.jobs:
            for path in (f"{API_PREFIX}/jobs/{job}", f"{API_PREFIX}/jobs/{job}/segments", f"/jobs/{job}", "/"):
                self._send("GET", path, b"", identity)

    def _send(self, method: str, path: str, body: bytes, identity: Identity) -> None:
        headers = {"Content-Type": "application/octet-stream" if "/blobs/" in path else "application/json"}
        answer = self._house.call(method, path, identity, data=body, headers=headers)
        looked_at = Answer(
            answer.status_code,
            repr(answer.headers).encode(),
            answer.content,
            answer.headers.get("Content-Type", "").partition(";")[0],
        )
        found = list(faults(looked_at, self._house.secrets))
        self._ledger.note(
            self.kind, str(answer.status_code), found, f"as {identity}: {method} {path} with {body.hex()}"
        )


def _shows(manifest: dict[str, Any], address: str) -> bytes:
    """A shot whose drawings and keyframe are one file."""
    keyframes = [{"frame": manifest["frame_start"], "blob": address}]
    shown = {"drawings": [address], "timing": [0, 0], "keyframes": keyframes}
    return json.dumps(manifest | shown).encode()
