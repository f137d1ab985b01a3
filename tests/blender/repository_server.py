# SPDX-License-Identifier: GPL-3.0-or-later
"""The server as `python -m server serve --workers 0` runs it, but with a folder of extensions that a test chooses:
`python -m tests.blender.repository_server DATA_FOLDER EXTENSIONS_FOLDER [--proxied]`."""

import logging
import sys
from pathlib import Path

from server.config import Config
from server.http.server_process import serve

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    data, extensions, *options = sys.argv[1:]
    serve(Config(Path(data), port=0, extensions=Path(extensions), proxied="--proxied" in options), workers=0)
