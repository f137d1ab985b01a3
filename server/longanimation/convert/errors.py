# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong in a conversion."""


class ConversionError(ValueError):
    """A download or a converted folder is not what it should be; the message names the file and what to do."""
