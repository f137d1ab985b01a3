# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's undocumented side is still as blender_addon/internals.py describes it."""

from __future__ import annotations

import pytest

from .conftest import Scenario


@pytest.fixture
def found(scenario: Scenario) -> dict[str, object]:
    """What this Blender has."""
    return scenario("internals.found")


def test_blender_has_what_the_extension_uses_of_its_inside(found: dict[str, object]) -> None:
    assert found["element"] == ["a.png", 48, 32], "DNA_sequence_types.h has changed: mend StripElem"
    assert found["written"] == [640, 480], "what is written into an element's memory is not what Blender reads"
    assert found["preset operator"] == [], "bl_operators.presets.AddPresetBase lacks these"
    assert found["preset files"] == [["Kept.py"], []], "a preset is saved to and removed from another place"
    assert found["execute preset"], "there is no such operator"
    assert found["render result"], "no image is called so after a render"
    assert found["playback"], "there is no such operator"
