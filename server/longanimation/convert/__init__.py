# SPDX-License-Identifier: GPL-3.0-or-later
"""The published weights as one folder that `LongAnimationPipeline.from_pretrained` reads."""

from .components import Downloads
from .conversion import Conversion, plan_conversion
from .errors import ConversionError
from .manifest import verify_folder, write_manifest
from .tensors import sha256_of

__all__ = [
    "Conversion",
    "ConversionError",
    "Downloads",
    "plan_conversion",
    "sha256_of",
    "verify_folder",
    "write_manifest",
]
