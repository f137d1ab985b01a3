# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenarios played by mouse and keyboard in Blender's window, under Xvfb, in Debian chroots. See README.md."""
