# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP requests to one server, with retries, and errors that say what to do."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from .. import hosts
from ..codec import from_json
from ..errors import RefusedError, ServerError, UnreachableError
from ..protocol import API_PREFIX, Problem, ProtocolError
from ..translatable_text import TranslatableText

_TIMEOUT = (5, 60)
"""Seconds to connect, and between two bytes of an answer."""

_AWAY = (502, 503, 504)
"""What a gateway answers for an unavailable server."""

_FOREIGN = (404, 405, 501)
"""What another program's web server answers to our requests; our own server explains its refusals."""

RETRIES = Retry(total=2, backoff_factor=0.3, status_forcelist=_AWAY, allowed_methods=None, raise_on_status=False)
"""About a second of retries after a dropped connection; every request of the API may be repeated. The session retries
for longer."""

USUAL_PORT = 7860
"""The port of a server that was started without another one."""
_CUT_OFF = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.RetryError,
    requests.exceptions.ChunkedEncodingError,  # in the middle of an answer
)


def with_scheme(address: str) -> str:
    """Complete an address without a scheme: it is http, on the server's usual port if there is none. Raises ValueError
    for a port that is no number."""
    if not address or "://" in address:
        return address
    parts = urlsplit(f"http://{address}")
    return parts.geturl() if parts.port or parts.path else f"{parts.geturl()}:{USUAL_PORT}"


class Transport:
    """Sends requests to one server. Every method raises ServerError (or a kind of it), with a text for the animator."""

    def __init__(self, server: str, token: str = "", retries: Retry | int = RETRIES) -> None:
        """`server` is an address like http://127.0.0.1:7860, or only studio:7860 or studio; `token` is sent as a bearer
        token."""
        self.server = server.strip().rstrip("/")
        try:
            self.server = with_scheme(self.server)
            parts = urlsplit(self.server)
            is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
            requests.Request("GET", self.server).prepare()
            (parts.hostname or "").encode("idna")
        except ValueError:  # a port that is no number, a name with a space or an empty part
            is_address = False
        if not is_address:
            raise ServerError(
                TranslatableText(
                    "{address} is not a server address: write it like http://127.0.0.1:7860.", address=repr(server)
                ),
                "address",
            )
        self._http = requests.Session()
        # Requests to this computer must not use a proxy, or the credentials of a .netrc.
        self._http.trust_env = not is_loopback(self.server)
        if token := token.strip():
            self._http.auth = _Bearer(token)
            if not token.isascii():
                raise RefusedError(self._token_problem(), 401, "unauthorized", remedy="token")
        for scheme in ("http://", "https://"):
            self._http.mount(scheme, HTTPAdapter(max_retries=retries))

    def json(self, method: str, path: str, **arguments: Any) -> Any:
        """Send a request, as in `request`, and return the JSON of its answer."""
        response = self.request(method, path, **arguments)
        try:
            return response.json()
        except requests.JSONDecodeError as error:
            raise self.foreign_answer() from error

    def request(self, method: str, path: str, patient: bool = True, **arguments: Any) -> requests.Response:
        """Send a request; `patient` tells whether a dropped connection is tried again."""
        http = self._http if patient else self._impatient()
        try:
            response = http.request(
                method, f"{self.server}{API_PREFIX}{path}", timeout=_TIMEOUT, allow_redirects=False, **arguments
            )
        except _CUT_OFF as error:
            raise UnreachableError(
                TranslatableText(
                    "No server answers at {address}: start it (python install.py server), or correct the address.",
                    address=self.server,
                ),
                "start_server" if is_loopback(self.server) else "address",
            ) from error
        except requests.RequestException as error:
            raise ServerError(
                TranslatableText("The request to {address} failed: {reason}", address=self.server, reason=str(error)),
                "address",
            ) from error
        if response.is_redirect:
            raise ServerError(
                TranslatableText(
                    "{address} redirects requests to {other}: use that server's address.",
                    address=self.server,
                    other=response.headers["Location"],
                ),
                "address",
            )
        if not response.ok:
            raise self._refusal(response)
        return response

    def foreign_answer(self) -> ServerError:
        """The error for an answer that is not from a server of ours."""
        return ServerError(
            TranslatableText(
                "{address} is not a LongAnimation Color server: check the address.",
                address=self.server,
            ),
            "address",
        )

    def _impatient(self) -> requests.Session:
        """The same session without retries, because someone waits for the first answer."""
        http = requests.Session()
        http.trust_env, http.auth = self._http.trust_env, self._http.auth
        return http

    def _refusal(self, response: requests.Response) -> ServerError:
        """The error for a response with an error status."""
        if response.status_code == 401:
            return RefusedError(self._token_problem(), 401, "unauthorized", remedy="token")
        try:
            problem = from_json(Problem, response.json())
        except (requests.JSONDecodeError, ProtocolError):
            if response.status_code in _FOREIGN:
                return self.foreign_answer()
            kind = UnreachableError if response.status_code in _AWAY else ServerError
            return kind(
                TranslatableText(
                    "{address} answered {status} {reason} without an explanation: "
                    "look at the server's log, and check that the address is that of a LongAnimation Color server.",
                    address=self.server,
                    status=response.status_code,
                    reason=response.reason,
                ),
                "address",
            )
        return RefusedError(problem.title, problem.status, problem.code, problem.missing)

    def _token_problem(self) -> TranslatableText:
        if self._http.auth:
            return TranslatableText(
                "The server does not know this token: it may have been revoked, or a character is missing. Ask the "
                "server's administrator for a new one."
            )
        return TranslatableText(
            "{address} requires a token: create one with `python -m server token` on the server, and enter it in the "
            "extension's preferences or set it as LONGANIMATION_TOKEN.",
            address=self.server,
        )


class _Bearer(requests.auth.AuthBase):
    """Adds the token to a request. As an auth object it takes precedence over a .netrc."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def is_loopback(server: str) -> bool:
    """Tell whether an address is on this computer: such a server needs no network."""
    try:
        return bool(hosts.is_loopback(urlsplit(with_scheme(server)).hostname or ""))
    except ValueError:
        return False
