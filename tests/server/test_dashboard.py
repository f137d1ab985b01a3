# SPDX-License-Identifier: GPL-3.0-or-later
"""The dashboard in a real browser: Chromium, without a window."""

import io
import re
import shutil
import subprocess
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, Page, expect, sync_playwright

from server.http.dashboard.stream import MOST_STREAMS
from server.storage.database import open_database
from server.storage.tokens import Tokens
from shared.codec import to_json

from .conftest import Config, Site, SmallShot

PATIENCE = 60_000
"""Milliseconds after which a page that does not change counts as broken."""
expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, or another system's."""
    program = next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), ""
    )
    if not program:
        pytest.skip("no Chromium: sudo apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open a page in its own window. Any error that the browser reports fails the test."""
    complaints: list[str] = []
    contexts = []

    def start(url: str, **options: object) -> Page:
        contexts.append(context := browser.new_context(**options))  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: dialog.accept())
        page.goto(url)
        return page

    yield start
    for context in contexts:
        context.close()
    assert not complaints


def test_the_queue_shows_a_shot_that_is_submitted_later_and_cancels_it(
    site: Site, start_worker: Callable[[], subprocess.Popen[bytes]], shot: SmallShot, open_page: Callable[..., Page]
) -> None:
    page = open_page(site.root)
    expect(page.get_by_text("No worker is running")).to_be_visible()
    start_worker()
    expect(page.get_by_text("No worker is running")).to_be_hidden()
    job = site.submit(shot, prompt="slow")
    row = page.locator("#active .shot")
    expect(row.get_by_role("link", name="Lantern <b>walk</b>")).to_be_visible()
    expect(row.locator(".state")).to_have_text("running")
    row.get_by_role("button", name="Cancel").click()
    expect(page.locator("#history .shot .state")).to_have_text("canceled")
    assert site.call("GET", f"/jobs/{job}", 200)["state"] == "cancelled"
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#active .shot .state")).to_have_text("running")


def test_a_jobs_page_follows_the_work_and_hands_out_the_frames(
    site: Site, start_worker: Callable[[], subprocess.Popen[bytes]], shot: SmallShot, open_page: Callable[..., Page]
) -> None:
    job = site.submit(shot, prompt="slow")
    page = open_page(f"{site.root}/jobs/{job}")
    expect(page.locator("#head .state")).to_have_text("queued")
    expect(page.locator(".film button")).to_have_count(8)
    expect(page.locator(".film [data-done]")).to_have_count(0)
    start_worker()
    expect(page.locator("#timeline g.running")).to_have_count(1)
    expect(page.locator(".film [data-done]")).to_have_count(2)  # while the rest is still worked on
    expect(page.locator("#head")).to_contain_text("left")
    expect(page.locator("#head .state")).to_have_text("done")
    expect(page.locator("#timeline g.done")).to_have_count(4)
    expect(page.locator(".film [data-done]")).to_have_count(8)
    expect(page.locator("#head")).to_contain_text("a drawing")
    expect(page.locator("#log")).to_contain_text("Segment 4 of 4 is done.")
    for image in page.locator(".pictures img, .film img").all():
        image.scroll_into_view_if_needed()
        expect(image).to_have_js_property("complete", True)
        assert image.evaluate("image => image.naturalWidth") == 24
    with page.expect_download() as download:
        page.get_by_role("link", name="ZIP").click()
    frames = zipfile.ZipFile(io.BytesIO(Path(download.value.path()).read_bytes()))
    assert {int(name[:-4]): frames.read(name) for name in frames.namelist()} == site.frames(job)
    with page.expect_download() as download:
        page.get_by_role("link", name="MP4").click()
    assert b"ftyp" in Path(download.value.path()).read_bytes()[:16]
    page.get_by_role("button", name="Delete").click()
    expect(page).to_have_url(f"{site.root}/")
    site.call("GET", f"/jobs/{job}", 404)


def test_everything_can_be_done_with_keys(site: Site, shot: SmallShot, open_page: Callable[..., Page]) -> None:
    site.submit(shot, name="second")
    site.submit(shot, name="first", priority="high")
    page = open_page(site.root)
    # Browsers drop what is typed before they have drawn a page for the first time.
    drawn = "new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))"
    page.evaluate(drawn)
    page.keyboard.press("j")
    expect(page.locator("a.name").nth(0)).to_be_focused()
    expect(page.locator("a.name").nth(0)).to_have_text("first")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("second")
    page.wait_for_load_state()
    page.evaluate(drawn)
    number = page.locator("#frame-number")
    expect(number).to_have_text("105")
    page.keyboard.press("ArrowRight")
    expect(number).to_have_text("107")  # on twos
    page.keyboard.press("Home")
    expect(number).to_have_text("101")
    page.keyboard.press("Space")
    expect(number).not_to_have_text("101")
    page.keyboard.press("Space")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("u")
    expect(page).to_have_url(f"{site.root}/")


def test_the_priority_is_changed_in_place_and_the_queue_can_be_paused(
    site: Site, shot: SmallShot, open_page: Callable[..., Page]
) -> None:
    job = site.submit(shot)
    page = open_page(site.root)
    page.get_by_label("Priority of Lantern").select_option("low")
    site.wait(job, lambda status: status["priority"] == "low")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator(".state.paused")).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    expect(page.locator(".state.paused")).to_be_hidden()


def test_dark_and_light_follow_the_system_until_somebody_chooses(site: Site, open_page: Callable[..., Page]) -> None:
    brightness = (
        "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).reduce((sum, one) => sum + Number(one), 0)"
    )
    page = open_page(site.root, color_scheme="dark")
    assert page.evaluate(brightness) < 200
    page.keyboard.press("t")
    assert page.evaluate(brightness) > 600
    page.reload()
    assert page.evaluate(brightness) > 600


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_no_page_is_wider_than_the_screen(
    width: int, site: Site, shot: SmallShot, open_page: Callable[..., Page]
) -> None:
    job = site.submit(shot, name="a_name_without_any_space_" * 8, prompt="word" * 50)
    page = open_page(site.root, viewport={"width": width, "height": 800})
    for url in (site.root, f"{site.root}/jobs/{job}"):
        page.goto(url)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_without_its_script_the_page_does_the_same(site: Site, shot: SmallShot, open_page: Callable[..., Page]) -> None:
    site.submit(shot)
    page = open_page(site.root, java_script_enabled=False)
    page.get_by_label("Priority of Lantern").select_option("low")
    page.get_by_role("button", name="Set").click()
    expect(page.get_by_label("Priority of Lantern")).to_have_value("low")
    page.get_by_role("link", name="Lantern").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#head .state")).to_have_text("canceled")
    expect(page).to_have_url(re.compile("/jobs/"))


def test_who_has_a_token_logs_in_and_sees_only_their_own_jobs(
    serve: Callable[..., Site], storage: Config, shot: SmallShot, open_page: Callable[..., Page]
) -> None:
    tokens = Tokens(open_database(storage))
    alice, bob = tokens.create("alice"), tokens.create("bob")
    site = serve("--workers", "0", "--proxied")
    site.session.headers["Authorization"] = f"Bearer {alice}"
    job = site.submit(shot)
    page = open_page(site.root)
    expect(page).to_have_url(f"{site.root}/login")
    page.get_by_label("Token").fill(alice)
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Lantern")).to_be_visible()
    expect(page.get_by_role("button", name="Pause")).to_have_count(0)  # is for admins
    (cookie,) = page.context.cookies()
    assert cookie["httpOnly"] and cookie["sameSite"] == "Lax" and cookie["value"] != alice
    # The API takes no cookie, so that no page of another site can make a browser call it.
    assert requests.get(f"{site.url}/jobs", cookies={cookie["name"]: cookie["value"]}, timeout=30).status_code == 401

    other = open_page(f"{site.root}/login")
    other.get_by_label("Token").fill(bob)
    other.keyboard.press("Enter")
    expect(other.get_by_text("No shot here yet.")).to_be_visible()
    assert other.get_by_role("link", name="Lantern").count() == 0
    secret = {one["name"]: one["value"] for one in other.context.cookies()}
    for path in ("", "/drawing/101.webp", "/frames.zip"):
        assert requests.get(f"{site.root}/jobs/{job}{path}", cookies=secret, timeout=30).status_code == 404
    for action in ("cancel", "retry", "priority", "delete"):
        assert requests.post(f"{site.root}/jobs/{job}/{action}", cookies=secret, timeout=30).status_code in (404, 422)
    assert site.call("GET", f"/jobs/{job}", 200)["state"] == "queued"

    page.get_by_role("button", name="Log out").click()
    expect(page).to_have_url(f"{site.root}/login")
    assert requests.get(f"{site.root}/stream", cookies={cookie["name"]: cookie["value"]}, timeout=30).status_code == 401
    tokens.revoke("bob")
    assert requests.get(f"{site.root}/jobs/{job}", cookies=secret, timeout=30).status_code == 401


def test_a_wrong_token_is_told_and_opens_nothing(serve: Callable[..., Site], storage: Config, browser: Browser) -> None:
    Tokens(open_database(storage)).create("alice")
    site = serve("--workers", "0", "--proxied")
    page = browser.new_page()  # it may complain of the 401 that it is told
    page.goto(f"{site.root}/login")
    page.get_by_label("Token").fill("guess")
    page.keyboard.press("Enter")
    expect(page.get_by_text("This token is not known")).to_be_visible()
    assert not page.context.cookies()
    page.close()


def test_pages_beyond_the_most_streams_are_refused_and_a_closed_one_makes_room(site: Site) -> None:
    streams = [requests.get(f"{site.root}/stream", stream=True, timeout=30) for _ in range(MOST_STREAMS)]
    assert {stream.status_code for stream in streams} == {200}
    assert requests.get(f"{site.root}/stream", timeout=30).status_code == 503
    assert site.call("GET", "/info", 200)  # the others are served all the same
    streams[0].close()
    end = time.monotonic() + PATIENCE / 1000
    while requests.get(f"{site.root}/stream", stream=True, timeout=30).status_code != 200:
        assert time.monotonic() < end
        time.sleep(0.1)


def test_eight_tabs_of_a_browser_are_all_up_to_date_and_share_a_stream(
    site: Site, start_worker: Callable[[], subprocess.Popen[bytes]], shot: SmallShot, open_page: Callable[..., Page]
) -> None:
    jobs = [site.submit(shot, name=f"shot {number}", seed=number) for number in range(3)]
    first = open_page(site.root)
    others = [first.context.new_page() for _ in range(7)]
    for page, address in zip(others, ["", *(f"jobs/{job}" for job in (*jobs, *jobs))], strict=True):
        page.goto(f"{site.root}/{address}", timeout=10_000)
    start_worker()
    for page in others[1:]:
        expect(page.locator("#head .state")).to_have_text("done")
    for page in (first, others[0]):
        expect(page.locator("#history .shot .state")).to_have_text(["done"] * 3)
    streams = [requests.get(f"{site.root}/stream", stream=True, timeout=30) for _ in range(MOST_STREAMS)]
    assert [one.status_code for one in streams] == [200] * (MOST_STREAMS - 1) + [503]
    for one in streams:
        one.close()


def test_a_tab_that_is_closed_leaves_the_stream_to_the_others(
    site: Site, shot: SmallShot, open_page: Callable[..., Page]
) -> None:
    first = open_page(site.root)
    second = first.context.new_page()
    second.goto(site.root)
    expect(second.get_by_text("The queue is empty")).to_be_visible()
    first.close()
    site.submit(shot)
    expect(second.get_by_role("link", name="Lantern")).to_be_visible()
    second.goto(f"{site.root}/login")
    second.go_back()
    site.submit(shot, name="another", seed=2)
    expect(second.get_by_role("link", name="another")).to_be_visible()


def test_without_shared_workers_only_pages_that_are_seen_have_a_stream(
    site: Site, shot: SmallShot, open_page: Callable[..., Page]
) -> None:
    page = open_page(f"{site.root}/login")
    page.context.add_init_script("delete window.SharedWorker")
    page.goto(site.root)
    site.submit(shot)
    expect(page.get_by_role("link", name="Lantern")).to_be_visible()
    hide = "state => { Object.defineProperty(document, 'hidden', { value: state, configurable: true });"
    hide += " document.dispatchEvent(new Event('visibilitychange')) }"
    page.evaluate(hide, True)
    site.submit(shot, name="another", seed=2)
    time.sleep(2)
    expect(page.get_by_role("link", name="another")).to_have_count(0)
    page.evaluate(hide, False)
    expect(page.get_by_role("link", name="another")).to_be_visible()


def test_a_stream_names_the_jobs_of_its_user(serve: Callable[..., Site], storage: Config, shot: SmallShot) -> None:
    tokens = Tokens(open_database(storage))
    secrets = {name: tokens.create(name) for name in ("alice", "bob")}
    site = serve("--workers", "0", "--proxied")
    lines = {}
    for name, secret in secrets.items():
        browser = requests.Session()
        browser.post(f"{site.root}/login", data={"token": secret}, timeout=30)
        lines[name] = browser.get(f"{site.root}/stream", stream=True, timeout=30).iter_lines()
        assert [next(lines[name]) for _ in range(4)][3] == b"data: null"
    site.session.headers["Authorization"] = f"Bearer {secrets['alice']}"
    job = site.submit(shot)
    seen = {name: [] for name in secrets}  # type: dict[str, list[bytes]]
    end = time.monotonic() + 12
    while time.monotonic() < end:
        for name in secrets:
            seen[name].append(next(lines[name]))
    assert f'data: ["{job}"]'.encode() in seen["alice"]
    assert not any(job.encode() in line for line in seen["bob"]) and b"data: []" in seen["bob"]


def test_a_server_ends_though_pages_are_open(
    site: Site, processes: list[subprocess.Popen[bytes]], open_page: Callable[..., Page]
) -> None:
    stream = requests.get(f"{site.root}/stream", stream=True, timeout=30)
    assert next(stream.iter_lines())
    processes[0].terminate()
    assert processes[0].wait(60) == 0
    list(stream.iter_lines())  # ends, and is not broken off


def test_the_same_job_is_shown_by_its_own_numbers(site: Site, shot: SmallShot) -> None:
    job = site.submit(shot)
    page = requests.get(f"{site.root}/jobs/{job}", timeout=30).text
    assert "&lt;b&gt;walk&lt;/b&gt;" in page and "<b>walk" not in page
    assert to_json(shot.manifest)["name"] == "Lantern <b>walk</b>"
    assert requests.get(f"{site.root}/jobs/{job}/result/101.webp", timeout=30).status_code == 404
    drawing = requests.get(f"{site.root}/jobs/{job}/drawing/101.webp?width=160", timeout=30)
    assert drawing.headers["Content-Type"] == "image/webp"
    again = {"If-None-Match": drawing.headers["ETag"]}
    assert requests.get(drawing.url, headers=again, timeout=30).status_code == 304
    for wrong in ("drawing/9.webp", "drawing/101.webp?width=9999", "other/101.webp"):
        assert requests.get(f"{site.root}/jobs/{job}/{wrong}", timeout=30).status_code == 404
