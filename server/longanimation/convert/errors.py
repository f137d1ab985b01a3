# SPDX-License-Identifier: GPL-3.0-or-later
"""The error of a conversion."""


class ConversionError(ValueError):
    """A download or a converted folder is wrong. The message names the file and says what to do."""
