# SPDX-License-Identifier: GPL-3.0-or-later
"""Images: reading of every accepted format in sRGB, and writing of PNGs and thumbnails."""
