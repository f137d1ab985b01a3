# SPDX-License-Identifier: GPL-3.0-or-later
"""The manual comes with the extension, has its pictures, and is found from buttons and settings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .conftest import Scenario

PAGE = Path(__file__).parents[2] / "blender_addon" / "manual" / "index.html"


def test_the_page_has_its_pictures_and_places() -> None:
    page = PAGE.read_text(encoding="utf-8")
    pictures = set(re.findall(r'src="([^"]+)"', page))
    assert pictures == {path.name for path in PAGE.parent.glob("*.png")}
    sections = re.findall(r'<section id="([^"]+)"', page)
    assert re.findall(r'href="#([^"]+)"', page) == sections and len(sections) == 14
    assert not re.findall(r'(?:src|href)="[a-z]+:', page), "it is read without a network"


@pytest.mark.slow
def test_online_manual_leads_to_the_task_of_a_button(scenario: Scenario) -> None:
    found = scenario("enabling.manual_addresses")
    sections = set(re.findall(r'<section id="([^"]+)"', PAGE.read_text(encoding="utf-8")))
    for name, address in found.items():
        place, _, section = address.partition("#")
        assert place.startswith("file:///") and place.endswith("/manual/index.html"), name
        assert section in sections, name
    reached = {address.partition("#")[2] for address in found.values()}
    assert reached == sections, "there is a button for each task"
    assert found["bpy.ops.longanimation.recolor_from_fix"].endswith("#fix")
    assert found["bpy.types.LONGANIMATION_paint.changed"].endswith("#recolor")
