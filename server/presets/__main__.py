# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m server.presets`, which `install.py models` runs in the server's environment."""

import sys

from server.presets.cli import main

sys.exit(main())
