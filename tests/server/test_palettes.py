# SPDX-License-Identifier: GPL-3.0-or-later
"""The library of palettes: versions, who may change what, quotas, and two who write at once."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from server.config import Quota
from server.storage import palettes as library
from shared.errors import RefusedError
from shared.palette import Palette, Swatch
from shared.remote.client import Client

from .conftest import Site
from .test_quotas import Studio

DAY = Palette((Swatch("Hair", "#402010"), Swatch("Bow", "#ff0000"), Swatch("Lips", "#ff0000")))
NIGHT = Palette((Swatch("Hair", "#101020"), Swatch("Bow", "#400020"), Swatch("Lips", "#400020")))


def body(palette: Palette) -> dict[str, Any]:
    return {"swatches": [{"name": one.name, "color": one.color} for one in palette.swatches]}


def test_a_real_server_keeps_versions_and_refuses_what_was_changed_by_another(site: Site) -> None:
    client = Client(site.root)
    assert client.palettes() == ()
    first = client.put_palette("Bärbel, Nacht? 100 %", DAY, replaces=0)
    assert (first.name, first.version, first.swatches) == ("Bärbel, Nacht? 100 %", 1, DAY.swatches)
    assert client.put_palette(first.name, DAY, replaces=0) == first, "an answer that was lost is given again"
    second = client.put_palette(first.name, NIGHT, replaces=1)
    assert second.version == 2
    with pytest.raises(RefusedError, match="has version 2 by now") as caught:
        client.put_palette(first.name, DAY, replaces=1)
    assert (caught.value.status, caught.value.code) == (412, "palette_changed")
    with pytest.raises(RefusedError, match="does not exist by now"):
        client.put_palette("Other", DAY, replaces=3)
    assert client.palette(first.name) == second
    assert client.palette(first.name, version=1) == first, "two colors of one look are two"
    assert [(one.name, one.version, one.count) for one in client.palettes()] == [(first.name, 2, 3)]
    assert [one.version for one in client.palette_versions(first.name)] == [2, 1]
    with pytest.raises(RefusedError) as missing:
        client.palette(first.name, version=3)
    assert missing.value.code == "unknown_palette"


def test_a_palette_says_which_version_it_replaces_and_what_is_wrong_with_it(site: Site) -> None:
    for headers in ({}, {"If-Match": "*"}, {"If-Match": '"0"'}, {"If-Match": 'W/"1"'}, {"If-None-Match": '"1"'}):
        problem = site.call("PUT", "/palettes/Show", 428, json=body(DAY), headers=headers)
        assert problem["code"] == "condition_needed"
    for value, field in (
        ({"swatches": []}, "swatches"),
        ({"swatches": [{"name": "a", "color": "red"}]}, "color"),
        ({"swatches": [{"name": "a", "color": "#000000"}] * 2}, "swatches.1.name"),
    ):
        assert site.call("PUT", "/palettes/Show", 422, json=value, headers={"If-None-Match": "*"})["field"] == field
    for name in ("%20a", "a%0ab", "a" * 101):
        problem = site.call("PUT", f"/palettes/{name}", 422, json=body(DAY), headers={"If-None-Match": "*"})
        assert problem["code"] == "bad_name"
    assert site.call("GET", "/palettes", 200) == []


def test_all_tokens_share_a_palette_and_only_its_author_or_an_admin_deletes_it(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    new, after_first = {"If-None-Match": "*"}, {"If-Match": '"1"'}
    for name in ("Hers", "Ours"):
        assert studio.ask("alice", "PUT", f"/palettes/{name}", json=body(DAY), headers=new)[0] == 201
    assert studio.ask("bob", "GET", "/palettes/Ours")[0] == 200
    assert studio.ask("bob", "PUT", "/palettes/Ours", json=body(NIGHT), headers=after_first)[0] == 200
    assert studio.ask("bob", "DELETE", "/palettes/Hers") == (403, "admin_needed")
    assert studio.ask("alice", "DELETE", "/palettes/Ours") == (403, "admin_needed")
    assert studio.ask("alice", "DELETE", "/palettes/Hers")[0] == 204
    assert studio.ask("alice", "DELETE", "/palettes/Hers") == (404, "unknown_palette")
    newest = library.PaletteLibrary(studio.engine).newest()
    assert [(one.name, one.version, one.author) for one in newest] == [("Ours", 2, "bob")]


def test_palettes_and_uploads_share_a_quota(tmp_path: Path) -> None:
    studio = Studio(tmp_path, Quota(bytes=350))
    assert studio.ask("alice", "PUT", "/palettes/A", json=body(DAY), headers={"If-None-Match": "*"})[0] == 201
    assert studio.upload("alice", bytes(300)) == (403, "quota_bytes")
    assert studio.upload("alice", bytes(150))[0] == 201
    headers = {"If-None-Match": "*"}
    assert studio.ask("alice", "PUT", "/palettes/B", json=body(DAY), headers=headers) == (403, "quota_bytes")
    assert studio.ask("bob", "PUT", "/palettes/B", json=body(DAY), headers=headers)[0] == 201


def test_of_many_who_replace_one_version_one_succeeds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    studio = Studio(tmp_path)
    palettes = library.PaletteLibrary(studio.engine)
    palettes.put("A", DAY, "alice", 0)

    def replace(number: int) -> bool:
        try:
            palettes.put("A", Palette((Swatch(f"Color {number}", "#000000"),)), "alice", 1)
        except library.PaletteChanged as error:
            assert error.version == 2
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(replace, range(8))) == 1
    monkeypatch.setattr(library, "KEPT_VERSIONS", 3)
    for version in range(2, 7):
        palettes.put("A", Palette((Swatch("Hair", f"#00000{version}"),)), "alice", version)
    assert [one.version for one in palettes.versions("A")] == [7, 6, 5]
    monkeypatch.setattr(library, "MOST_PALETTES", 1)
    with pytest.raises(library.LibraryFull):
        palettes.put("B", DAY, "alice", 0)
