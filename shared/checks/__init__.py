# SPDX-License-Identifier: GPL-3.0-or-later
"""What is looked for in drawings and keyframes before they are colored. The extension, the API and the command line ask
the same functions. Beside the standard library, uses only NumPy, which Blender has, too."""
