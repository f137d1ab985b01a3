# SPDX-License-Identifier: GPL-3.0-or-later
"""The server that a command talks to, how its errors are shown, and what its exit code is."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from server.coloring.numbered_files import FolderError
from server.config import DEFAULT_PORT, ConfigError
from server.images.codec import ImageError
from shared.errors import ColorError, ServerError
from shared.remote.attempts import ask_patiently
from shared.remote.client import Client

SERVER_VARIABLE, TOKEN_VARIABLE = "LONGANIMATION_SERVER", "LONGANIMATION_TOKEN"
"""Environment variables for the address of the server, and for the token, which must not be on a command line."""
FAILED, UNUSABLE, INTERRUPTED = 1, 2, 130
"""Exit codes: the job or the server failed; what was given cannot be used; Ctrl-C."""

Result = TypeVar("Result")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that name the server and the token."""
    parser.add_argument(
        "--server",
        default=os.environ.get(SERVER_VARIABLE) or f"http://127.0.0.1:{DEFAULT_PORT}",
        metavar="URL",
        help=f"the server (%(default)s); can be set in the environment as {SERVER_VARIABLE}",
    )
    parser.add_argument(
        "--token-file",
        type=Path,
        metavar="FILE",
        help=f"a file with the server's token, instead of the environment variable {TOKEN_VARIABLE}",
    )


class Connection:
    """The server that the arguments name. Raises ConfigError and ServerError."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        logging.getLogger("urllib3").setLevel(logging.ERROR)  # each retry is told below
        self.client = Client(arguments.server, _token(arguments.token_file), program="this program")

    def ask(self, call: Callable[..., Result], *arguments: Any) -> Result:
        """Call the server until it answers, and tell about the wait. Raises ServerError if it refuses."""
        return ask_patiently(lambda: call(*arguments), _tell_trouble, time.sleep)


def _token(file: Path | None) -> str:
    if file is None:
        return os.environ.get(TOKEN_VARIABLE, "")
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The token file {file} cannot be read ({error}): give a file with one token.") from error


def _tell_trouble(error: ServerError, seconds: int) -> None:
    tell(f"No answer for {seconds} s; trying again. {error}")


def tell(sentence: str) -> None:
    """Write a sentence for people to standard error."""
    sys.stderr.write(f"{sentence}\n")
    sys.stderr.flush()


def run_safely(work: Callable[[], int], on_interrupt: Callable[[], str]) -> int:
    """Run a command and return its exit code. Errors become one sentence on standard error.

    on_interrupt: says what goes on after Ctrl-C, and how to go on.
    """
    try:
        return work()
    except ColorError as error:
        tell(f"Error: {error}")
    except (FolderError, ImageError) as error:
        tell(f"Error: {error}")
        return UNUSABLE
    except OSError as error:
        tell(f"Error: {error.filename or 'A file'} cannot be read or written: {error.strerror or error}.")
    except KeyboardInterrupt:
        tell(f"\n{on_interrupt()}")
        return INTERRUPTED
    return FAILED
