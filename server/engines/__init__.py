# SPDX-License-Identifier: GPL-3.0-or-later
"""Engines: video models behind one interface, so that presets can bring different ones."""

from .engine import Engine, EngineLoader, Sampling, ShotModel, StepCallback
from .loaders import ENGINES, UnknownEngine, find_engine

__all__ = [
    "ENGINES",
    "Engine",
    "EngineLoader",
    "Sampling",
    "ShotModel",
    "StepCallback",
    "UnknownEngine",
    "find_engine",
]
