# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks that need the installed packages, in the order of the report."""

from collections.abc import Iterator
from itertools import chain

from server.config import Config

from .blobs import check_blobs
from .database import check_database
from .extension import check_extension
from .finding import Finding
from .folder import check_folder
from .machine import check_devices, check_films, check_processor
from .network import check_certificate, check_port
from .weights import check_weights


def check_rest(config: Config) -> Iterator[Finding]:
    """Yield the findings of all these checks, one after the other."""
    return chain(
        check_processor(),
        check_devices(),
        check_weights(),
        check_films(),
        check_folder(config),
        check_database(config),
        check_blobs(config),
        check_port(config),
        check_certificate(config),
        check_extension(config),
    )
