# SPDX-License-Identifier: GPL-3.0-or-later
"""The API accepts valid requests, and refuses others with a clear problem."""

import json
import uuid
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.test import TestResponse

from server.config import REPOSITORY, Config
from server.http.app import create_app
from server.presets.preset import find_preset
from server.storage.store_marker import MARKER
from shared.codec import from_json, to_json
from shared.digests import address_of
from shared.protocol import API_PREFIX, PROTOCOL_VERSION
from shared.server_info import Limits, ServerInfo

from .conftest import HEIGHT, WIDTH, Site, SmallShot, png


def upload(client: FlaskClient, shot: SmallShot) -> None:
    for address, content in shot.blobs.items():
        assert client.put(f"{API_PREFIX}/blobs/{address}", data=content).status_code in (200, 201)


def submit(client: FlaskClient, shot: SmallShot, **changes: Any) -> TestResponse:
    """Queue a shot with fields of its manifest changed behind the manifest's own checks."""
    return client.put(f"{API_PREFIX}/jobs/{uuid.uuid4()}", json=to_json(shot.manifest) | changes)


def problem(response: TestResponse, status: int, code: str) -> dict[str, Any]:
    """Check that a response is this problem and return it."""
    assert response.status_code == status, response.text
    assert response.mimetype == "application/problem+json"
    body: dict[str, Any] = json.loads(response.data)
    assert (body["status"], body["code"]) == (status, code)
    assert body["title"].endswith(".") and "Traceback" not in body["title"]
    return body


def test_info_is_a_server_info(client: FlaskClient) -> None:
    info = from_json(ServerInfo, client.get(f"{API_PREFIX}/info").json)
    assert info.protocol_version == PROTOCOL_VERSION
    assert "tiny" in [preset.name for preset in info.presets]
    assert info.queue_length == 0


def test_a_blob_is_new_once_and_known_afterwards(client: FlaskClient) -> None:
    address = address_of(b"ink")
    absent = address_of(b"paper")
    path = f"{API_PREFIX}/blobs/{address}"
    assert client.put(path, data=b"ink").status_code == 201
    assert client.put(path, data=b"ink").status_code == 200
    assert client.post(f"{API_PREFIX}/blobs/missing", json=[address, absent, absent]).json == [absent]


def test_a_blob_that_arrives_damaged_is_refused_and_not_kept(client: FlaskClient, tmp_path: Path) -> None:
    address = address_of(b"ink")
    problem(client.put(f"{API_PREFIX}/blobs/{address}", data=b"inl"), 422, "digest_mismatch")
    assert client.post(f"{API_PREFIX}/blobs/missing", json=[address]).json == [address]
    assert [path.name for path in (tmp_path / "blobs").rglob("*") if path.is_file()] == [MARKER]


@pytest.mark.parametrize("address", ["abc", "A" * 64, "0" * 63 + "g"])
def test_only_addresses_name_blobs(client: FlaskClient, address: str) -> None:
    problem(client.put(f"{API_PREFIX}/blobs/{address}", data=b""), 422, "bad_address")
    problem(client.post(f"{API_PREFIX}/blobs/missing", json=[address]), 422, "bad_address")


def test_missing_blobs_are_listed(client: FlaskClient, shot: SmallShot) -> None:
    upload(client, shot)
    absent = address_of(b"never sent")
    drawings = [absent, *shot.manifest.drawings[1:]]
    body = problem(submit(client, shot, drawings=drawings), 409, "missing_blobs")
    assert body["missing"] == [absent]
    assert client.get(f"{API_PREFIX}/jobs").json == [], "nothing is left behind by a refused job"


def drawing(height: int = HEIGHT, width: int = WIDTH) -> bytes:
    return png(np.full((height, width), 255, np.uint8))


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (b"GIF89a and so on", "bad_image", "is a GIF file: save it as PNG, JPEG"),
        (drawing()[:-32], "bad_image", "damaged"),
        (drawing(HEIGHT + 1), "wrong_size", f"is {WIDTH}×{HEIGHT + 1}; the shot is {WIDTH}×{HEIGHT}"),
    ],
    ids=["not read", "cut off", "other size"],
)
def test_a_drawing_that_cannot_be_used_is_named_by_its_frame(
    client: FlaskClient, shot: SmallShot, content: bytes, code: str, words: str
) -> None:
    other = shot.with_blob(3, content)
    upload(client, other)
    body = problem(submit(client, other), 422, code)
    assert "frame 107" in body["title"] and words in body["title"]
    assert body["field"] == "drawings.3"


def test_a_keyframe_that_cannot_be_used_is_named_by_its_frame(client: FlaskClient, shot: SmallShot) -> None:
    small = png(np.zeros((4, 4, 3), np.uint8))
    shot.blobs[address_of(small)] = small
    upload(client, shot)
    response = submit(client, shot, keyframes=[{"frame": 105, "blob": address_of(small)}])
    assert "keyframe of frame 105 is 4×4" in problem(response, 422, "wrong_size")["title"]


def test_model_sheets_may_have_any_size_but_must_show_something(client: FlaskClient, shot: SmallShot) -> None:
    figure = np.full((70, 30, 3), 255, np.uint8)
    figure[20:50, 10:20] = (200, 30, 40)
    sheet, empty, broken = png(figure), png(np.full((9, 9, 3), 7, np.uint8)), b"GIF89a and so on"
    for content in (sheet, empty, broken):
        shot.blobs[address_of(content)] = content
    upload(client, shot)
    assert submit(client, shot, sheets=[address_of(sheet)]).status_code == 201
    refused = problem(submit(client, shot, sheets=[address_of(sheet), address_of(empty)]), 422, "empty_sheet")
    assert refused["field"] == "sheets.1"
    assert problem(submit(client, shot, sheets=[address_of(broken)]), 422, "bad_image")["field"] == "sheets.0"
    assert problem(submit(client, shot, sheets=["red"]), 422, "bad_address")["field"] == "sheets.0"
    problem(submit(client, shot, sheets=[address_of(sheet)] * 5), 422, "too_many_sheets")
    problem(submit(client, shot, sheets=[address_of(b"never sent")]), 409, "missing_blobs")


def test_a_generated_background_needs_a_preset_that_paints_them(client: FlaskClient, shot: SmallShot) -> None:
    upload(client, shot)
    answer = submit(client, shot, background="generated", prompt="a harbour at dusk")
    refused = problem(answer, 422, "no_generated_background")
    assert refused["field"] == "background" and "The preset tiny cannot paint a background" in refused["title"]
    tiny = next(one for one in client.get(f"{API_PREFIX}/info").json["presets"] if one["name"] == "tiny")
    assert tiny["paints_backgrounds"] is False


def test_a_generated_background_needs_a_prompt_and_a_transparent_part(
    client: FlaskClient, shot: SmallShot, monkeypatch: pytest.MonkeyPatch
) -> None:
    able = replace(find_preset("tiny"), paints_backgrounds=True)
    monkeypatch.setattr("server.http.api.validation.find_preset", lambda name: able)
    upload(client, shot)
    assert problem(submit(client, shot, background="generated"), 422, "no_prompt")["field"] == "prompt"
    answer = submit(client, shot, background="generated", prompt="a harbour at dusk")
    assert problem(answer, 422, "nothing_transparent")["field"] == "background"
    pixels = np.full((HEIGHT, WIDTH, 4), 255, np.uint8)
    pixels[:, :4, 3] = 0
    masked = shot.with_keyframe(png(pixels))
    upload(client, masked)
    assert submit(client, masked, background="generated", prompt="a harbour at dusk").status_code == 201


def test_a_shot_without_any_line_is_refused_but_a_blank_drawing_is_not(client: FlaskClient, shot: SmallShot) -> None:
    one_blank = shot.with_blob(2, drawing())
    upload(client, one_blank)
    assert submit(client, one_blank).status_code == 201
    blank = address_of(drawing())
    problem(submit(client, one_blank, drawings=[blank], timing=[0] * 16), 422, "no_lines")


def test_what_cannot_be_right_is_refused_by_its_frame_unless_it_is_meant_so(
    client: FlaskClient, shot: SmallShot
) -> None:
    swapped = shot.with_blob(3, png(np.zeros((HEIGHT, WIDTH), np.uint8)))
    upload(client, swapped)
    body = problem(submit(client, swapped), 422, "swapped_image")
    assert "Frame 107" in body["title"] and body["field"] == "drawings.3"
    assert submit(client, swapped, accept_errors=True).status_code == 201
    clear = shot.with_keyframe(png(np.zeros((HEIGHT, WIDTH, 4), np.uint8)))
    upload(client, clear)
    body = problem(submit(client, clear), 422, "transparent_image")
    assert "Frame 105" in body["title"] and body["field"] == "keyframes.0.blob"
    assert submit(client, clear, accept_errors=True).status_code == 201


@pytest.mark.parametrize("gray", [210, 227])
def test_faint_pencil_is_line_art(client: FlaskClient, shot: SmallShot, gray: int) -> None:
    pencil = np.full((HEIGHT, WIDTH), 255, np.uint8)
    pencil[:, 4:6] = gray
    faint = shot.with_blob(2, png(pencil))
    upload(client, faint)
    only = address_of(png(pencil))
    assert submit(client, faint, drawings=[only], timing=[0] * 16).status_code == 201


def test_transparent_line_art_is_ink_on_paper(client: FlaskClient, shot: SmallShot) -> None:
    clear = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    nothing = png(clear)
    clear[:, 5, 3] = 255
    lines = png(clear)
    shot.blobs |= {address_of(nothing): nothing, address_of(lines): lines}
    upload(client, shot)
    problem(submit(client, shot, drawings=[address_of(nothing)], timing=[0] * 16), 422, "no_lines")
    assert submit(client, shot, drawings=[address_of(lines)], timing=[0] * 16).status_code == 201


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"keyframes": []}, "no_keyframe", "keyframes"),
        ({"keyframes": [{"frame": 99, "blob": "0" * 64}]}, "keyframe_outside", "keyframes.0.frame"),
        ({"timing": []}, "empty_range", "timing"),
        ({"width": "24"}, "bad_type", "width"),
        ({"preset": "huge"}, "unknown_preset", "preset"),
        ({"seed": -1}, "bad_seed", "seed"),
        ({"name": "\ud800"}, "bad_text", "name"),
        ({"prompt": "x" * 10_001}, "bad_text", "prompt"),
        ({"seed": 2**70}, "bad_seed", "seed"),
        ({"width": 100_000, "height": 100_000}, "too_many_pixels", "width"),
    ],
)
def test_a_manifest_at_fault_names_the_field(
    client: FlaskClient, shot: SmallShot, changes: dict[str, Any], code: str, field: str
) -> None:
    upload(client, shot)
    assert problem(submit(client, shot, **changes), 422, code)["field"] == field


def test_the_number_of_drawings_is_limited(tmp_path: Path, shot: SmallShot) -> None:
    limits = Limits(blob_bytes=100_000, image_pixels=10_000, drawings=7)
    client = create_app(Config(tmp_path, limits=limits)).test_client()
    upload(client, shot)
    assert "7" in problem(submit(client, shot), 422, "too_many_drawings")["title"]


def test_a_huge_image_is_refused_by_its_header(tmp_path: Path, shot: SmallShot) -> None:
    bomb = png(np.asarray(Image.new("1", (9000, 9000), 1)))
    other = shot.with_blob(0, bomb)
    client = create_app(Config(tmp_path)).test_client()
    upload(client, other)
    assert "9000" in problem(submit(client, other), 422, "bad_image")["title"]


def test_http_errors_are_problems_too(client: FlaskClient, shot: SmallShot) -> None:
    problem(client.get("/nowhere"), 404, "not_found")
    problem(client.get(f"{API_PREFIX}/jobs/not-a-uuid"), 404, "not_found")
    problem(client.post(f"{API_PREFIX}/info"), 405, "method_not_allowed")
    job = f"{API_PREFIX}/jobs/{uuid.uuid4()}"
    problem(client.put(job, data="{", content_type="application/json"), 400, "bad_request")
    problem(client.put(job, data="{}", content_type="text/plain"), 415, "not_json")
    assert problem(client.put(job, json=[]), 422, "bad_type")
    problem(client.get(f"{job}/events?after=x"), 422, "bad_number")


@pytest.mark.parametrize("depth", [30, 100_000])
def test_json_that_nests_too_deeply_is_refused(client: FlaskClient, depth: int) -> None:
    job = f"{API_PREFIX}/jobs/{uuid.uuid4()}"
    problem(client.put(job, data="[" * depth + "]" * depth, content_type="application/json"), 400, "too_deep")


def test_a_fault_of_the_server_shows_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client = create_app(Config(tmp_path)).test_client()
    monkeypatch.setattr("server.storage.catalogue.Catalogue.listed", lambda *_: 1 / 0)
    body = problem(client.get(f"{API_PREFIX}/jobs"), 500, "internal")
    assert "ZeroDivisionError" not in json.dumps(body)


def test_a_body_beyond_the_limit_is_a_problem(tmp_path: Path) -> None:
    limits = Limits(blob_bytes=1000, image_pixels=10_000, drawings=7)
    client = create_app(Config(tmp_path, limits=limits)).test_client()
    content = bytes(1001)
    problem(client.put(f"{API_PREFIX}/blobs/{address_of(content)}", data=content), 413, "too_large")


def test_the_process_refuses_too_large_and_malformed_requests_with_problems(site: Site) -> None:
    limit = site.call("GET", "/info", 200)["limits"]["blob_bytes"]
    response = site.session.put(f"{site.url}/blobs/{'0' * 64}", headers={"Content-Length": str(limit + 1)})
    assert (response.status_code, response.json()["code"]) == (413, "too_large")
    assert response.headers["Content-Type"] == "application/problem+json"
    response = site.session.get(f"{site.url}/info", headers={"Content-Length": "x"})
    assert (response.status_code, response.json()["code"]) == (400, "bad_request")


def test_frames_outside_the_shot_are_unknown(client: FlaskClient, shot: SmallShot) -> None:
    upload(client, shot)
    job = submit(client, replace_manifest(shot, frame_start=-3, keyframe=-1)).json["id"]  # type: ignore[index]
    path = f"{API_PREFIX}/jobs/{job}/frames"
    assert "-3..12" in problem(client.get(f"{path}/13.png"), 404, "unknown_frame")["title"]
    problem(client.get(f"{path}/-3.png"), 404, "frame_not_ready")


def replace_manifest(shot: SmallShot, frame_start: int, keyframe: int) -> SmallShot:
    """Return the shot moved to other frame numbers."""
    moved = SmallShot()
    keyframes = (replace(shot.manifest.keyframes[0], frame=keyframe),)
    moved.manifest = replace(shot.manifest, frame_start=frame_start, keyframes=keyframes)
    return moved


def test_the_page_shows_the_queue_and_escapes_names(client: FlaskClient, shot: SmallShot) -> None:
    upload(client, shot)
    submit(client, shot)
    page = client.get("/").text
    assert "Lantern &lt;b&gt;walk" in page and "queued" in page and "No worker is running" in page


def test_blender_can_install_the_extension_from_the_server(tmp_path: Path) -> None:
    folder = tmp_path / "dist"
    client = create_app(Config(tmp_path / "data", extensions=folder)).test_client()
    assert "python install.py addon" in problem(client.get("/extensions/index.json"), 404, "no_extension")["title"]
    folder.mkdir()
    with zipfile.ZipFile(folder / "color-1.2.3.zip", "w") as archive:
        archive.write(REPOSITORY / "blender_addon" / "blender_manifest.toml", "blender_manifest.toml")
    listing = client.get("/extensions/index.json").json
    assert listing is not None and listing["version"] == "v1"
    entry = listing["data"][0]
    content = client.get("/extensions/" + entry["archive_url"].removeprefix("./")).data
    assert (entry["id"], entry["archive_size"]) == ("longanimation_color", len(content))
    assert entry["archive_hash"] == "sha256:" + address_of(content)
    with zipfile.ZipFile(folder / "color-1.2.3.zip", "a") as archive:
        archive.writestr("more.py", "")
    rebuilt = client.get("/", headers={"Accept": "application/json"}).get_json()["data"][0]
    content = client.get(rebuilt["archive_url"].removeprefix(".")).data
    assert rebuilt["archive_hash"] == "sha256:" + address_of(content) != entry["archive_hash"]
    assert client.get("/").mimetype == client.get("/", headers={"Accept": "*/*"}).mimetype == "text/html"
    problem(client.get("/extensions/..%2Fdata%2Fserver.zip"), 404, "not_found")
    problem(client.get("/extensions/other.zip"), 404, "no_extension")
