# SPDX-License-Identifier: GPL-3.0-or-later
"""Made-up manifests for the reader of `shared.codec` and the checks of `server.http.api`."""

import json
import string
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from flask import Flask
from hypothesis import strategies as st

from server.config import Config
from server.http import problems
from server.http.api.validation import check_manifest
from server.http.problems import MAX_DEPTH, ProblemError
from shared.codec import from_json, to_json
from shared.manifest import ShotManifest
from shared.protocol import ProtocolError

from .ledger import Ledger

LIMITS = Config(Path()).limits
FIELDS = list(ShotManifest.__dataclass_fields__)

_texts = st.one_of(
    st.text(max_size=20),
    st.text(st.characters(categories=["Cs", "Cc", "Co"]), max_size=5),
    st.sampled_from(["", "tiny", "\0", "../../x", "x" * 20_000, "é" * 10_001, "final", "generated"]),
)
_numbers = st.one_of(
    st.integers(-5, 40),
    st.integers(),
    st.sampled_from([2**31, 2**63, -(2**63), 2**64, 10**29, 10**30, 10**400, -(10**400)]),
    st.floats(),
)
_leaves = st.one_of(st.none(), st.booleans(), _numbers, _texts)
values = st.recursive(
    _leaves,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)),
    max_leaves=12,
)
"""Any JSON value."""
addresses = st.one_of(
    st.text("0123456789abcdef", min_size=64, max_size=64), st.text(string.hexdigits + "\n g", min_size=62, max_size=66)
)


@st.composite
def manifests(draw: st.DrawFn, blobs: Sequence[str] = ()) -> Any:
    """Objects that are a ShotManifest, or nearly one. blobs: addresses to choose from."""
    known = st.sampled_from(blobs) if blobs else addresses
    count = draw(st.integers(1, 5))
    start = draw(st.integers(-30, 30))
    timing = [*range(count), *draw(st.lists(st.integers(0, count - 1), max_size=6))]
    frame = draw(st.integers(start, start + len(timing) - 1))
    manifest: dict[str, Any] = {
        "name": draw(_texts),
        "frame_start": start,
        "fps": draw(st.sampled_from([24, 24.0, 23.976, 1e-300, 1e300]) | st.floats(0.1, 1000)),
        "width": draw(st.sampled_from([24, 7680, 1])),
        "height": draw(st.sampled_from([16, 4320, 1])),
        "drawings": draw(st.lists(known, min_size=count, max_size=count)),
        "timing": timing,
        "keyframes": [{"frame": frame, "blob": draw(known)}],
    }
    manifest |= draw(
        st.fixed_dictionaries(
            {},
            optional={
                "preset": st.sampled_from(["tiny", "2b", "5b", "none"]),
                "prompt": _texts,
                "seed": st.integers(0, 2**63),
                "finish": st.sampled_from(["painted", "flats"]),
                "quality": st.sampled_from(["auto", "exact", "final", "draft", "preview"]),
                "background": st.sampled_from(["kept", "generated"]),
                "priority": st.sampled_from(["low", "normal", "high"]),
                "parent": st.none() | _texts,
                "newer": values,
            },
        )
    )
    for field in draw(st.lists(st.sampled_from(FIELDS), max_size=3)):
        match draw(st.sampled_from(["lose", "replace", "inside"])):
            case "lose":
                manifest.pop(field, None)
            case "replace":
                manifest[field] = draw(values)
            case "inside" if isinstance(manifest.get(field), list) and manifest[field]:
                manifest[field] = [*manifest[field], draw(values)]
            case _:
                manifest[field] = draw(_numbers)
    return manifest


def bodies(blobs: Sequence[str] = ()) -> st.SearchStrategy[bytes]:
    """Bodies of a request that queues a job: objects that are nearly manifests, other JSON, and bytes that are no
    JSON."""
    nearly = manifests(blobs).map(lambda value: json.dumps(value).encode())
    deep = st.integers(MAX_DEPTH - 3, 3000).map(lambda depth: b'{"name":' + b"[" * depth + b"]" * depth + b"}")
    rare = [values.map(lambda value: json.dumps(value).encode()), _torn(), deep]
    return st.integers(0, 9).flatmap(lambda which: rare[which] if which < len(rare) else nearly)


@st.composite
def _torn(draw: st.DrawFn) -> bytes:
    content = bytearray(json.dumps(draw(manifests())).encode())
    place = draw(st.integers(0, len(content)))
    content[place : place + draw(st.integers(0, 9))] = draw(st.binary(max_size=9))
    return bytes(content)


class ManifestFuzz:
    """Decodes bodies as the server does, reads them as manifests and checks those."""

    kind = "manifests"

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        app = Flask(__name__)
        problems.register(app)
        self._json = app.json

    def strategy(self) -> st.SearchStrategy[bytes]:
        """Bodies of requests."""
        return bodies()

    def send(self, body: bytes) -> None:
        """Read a body."""
        faults: list[str] = []
        outcome = "accepted"
        try:
            value = self._json.loads(body)
        except ProblemError as error:
            outcome = error.problem.code
        except ValueError:  # what Flask calls a bad request
            outcome = "no JSON"
        except Exception as error:
            outcome = type(error).__name__
            faults.append(f"JSON: raises {outcome}")
        else:
            try:
                self._read(value, faults)
            except ProtocolError as error:
                outcome = error.code
                faults += _unfit(error.sentence, error.field)
            except ProblemError as error:
                outcome = error.problem.code
                faults += _unfit(error.problem.title, error.problem.field)
            except Exception as error:
                outcome = type(error).__name__
                faults.append(f"raises {outcome}")
        self._ledger.note(self.kind, outcome, faults, repr(body))

    def _read(self, value: Any, faults: list[str]) -> None:
        manifest = from_json(ShotManifest, value)
        again = from_json(ShotManifest, json.loads(json.dumps(to_json(manifest))))
        if again != manifest:
            faults.append("a manifest is read back as another one")
        check_manifest(manifest, LIMITS)


def _unfit(sentence: str, field: str | None) -> list[str]:
    """Return what is wrong with the text of a refusal."""
    faults = [] if sentence.endswith(".") else ["refuses with words that are no sentence"]
    return faults if field else [*faults, "refuses no field"]
