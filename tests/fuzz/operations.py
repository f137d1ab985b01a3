# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests that schemathesis makes from the server's own OpenAPI document, over real HTTP."""

import re
from collections import Counter
from typing import Any

import requests
import schemathesis
from hypothesis import strategies as st
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from shared.protocol import API_PREFIX

from .house import SENDERS, House, Identity
from .ledger import Ledger
from .verdict import Answer, faults

CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


class OperationFuzz:
    """Sends valid and invalid requests to every operation, from every sender, often for resources that exist."""

    kind = "operations"

    def __init__(self, ledger: Ledger, house: House) -> None:
        self._ledger, self._house = ledger, house
        document = house.call("GET", f"{API_PREFIX}/openapi.json").json()
        for path in document["paths"].values():
            for operation in path.values():
                del operation["responses"]["default"]  # it would let every status pass
        schema = schemathesis.openapi.from_dict(document)
        self._operations: list[Any] = [one.ok() for one in schema.get_all_operations()]  # type: ignore[union-attr]

    def strategy(self) -> st.SearchStrategy[Any]:
        """Requests and who sends them."""
        modes = list(schemathesis.GenerationMode)
        cases = [one.as_strategy(generation_mode=mode) for one in self._operations for mode in modes]
        aims = st.tuples(st.integers(0, 10), st.integers(99, 118))
        real = st.sampled_from([True, True, False])
        return st.tuples(st.sampled_from(cases).flatmap(lambda case: case), st.sampled_from(SENDERS), real, aims)

    def send(self, drawn: tuple[Any, Identity, bool, tuple[int, int]]) -> None:
        """Send a request. If it should reach something real, its path gets ids that exist."""
        case, identity, real, (which, frame) = drawn
        if real:
            self._aim(case, which, frame)
        label = case.operation.label
        found: list[str] = []
        answer = None
        headers = self._house.authorization(identity)
        try:
            answer = case.call(
                base_url=self._house.url,
                session=self._house.session,
                headers=headers,
                timeout=60,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            found.append(f"{label}: {type(error).__name__}")
            outcome = type(error).__name__
        else:
            outcome = str(answer.status_code)
            self._house.follow(case.method, case.formatted_path, answer.status_code)
            header = repr(answer.headers).encode()
            media_type = answer.headers.get("content-type", [""])[0].partition(";")[0]
            looked_at = Answer(answer.status_code, header, answer.content, media_type)
            found += [f"{label}: {fault}" for fault in faults(looked_at, self._house.secrets)]
            found += [f"{label}: {fault}" for fault in self._deviations(case, answer)]
        self._ledger.operations.setdefault(label, Counter())[outcome] += 1
        self._ledger.note(self.kind, outcome, found, f"as {identity}: {_shown(case, answer)}")

    def _aim(self, case: Any, which: int, frame: int) -> None:
        house = self._house
        jobs = sorted(house.jobs - set(house.kept)) if case.method == "DELETE" else house.kept
        known: dict[str, list[Any]] = {
            "job_id": jobs,
            "address": house.blobs,
            "frame": [frame],
            "name": ["cpu", "cuda"],
        }
        for name in case.path_parameters:
            if choice := known.get(name):
                case.path_parameters[name] = choice[which % len(choice)]

    def _deviations(self, case: Any, answer: Any) -> list[str]:
        """Return how an answer deviates from the document."""
        if 300 <= answer.status_code < 400:  # the address as it was sent is that of something else
            return []
        try:
            case.validate_response(answer, checks=CHECKS)
        except FailureGroup as group:
            return [f"{type(one).__name__} at {answer.status_code}" for one in group.exceptions]
        return []


def _shown(case: Any, answer: Any) -> str:
    """Write a request down, without what schemathesis and the transport add."""
    request = answer.request if answer is not None else None
    if request is None:
        return repr(case)
    url = re.sub(r"^http://[^/]*", "", request.url)
    body = "" if request.body is None else f" with {request.headers.get('Content-Type')} {request.body!r}"
    return f"{request.method} {url}{body}"
