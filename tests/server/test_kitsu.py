# SPDX-License-Identifier: GPL-3.0-or-later
"""The example of docs/pipeline.md that publishes to Kitsu: the coloring server is real, and Kitsu's is a stub."""

import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from server.config import DEFAULT_PORT

from .conftest import Site, SmallShot
from .kitsu_stub import TOKEN, Kitsu, run_kitsu
from .test_jobs import StartWorker
from .test_pipeline_page import example

pytest.importorskip("gazu", reason="no Kitsu client: .venv/bin/pip install gazu")

SHOT = ("Bears", "SQ01", "SH010")
Publish = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def kitsu() -> Iterator[Kitsu]:
    """A running stub."""
    with run_kitsu() as running:
        yield running


@pytest.fixture
def publish(site: Site, kitsu: Kitsu, environment: dict[str, str]) -> Publish:
    """Run the example with these arguments; variables may change its environment."""

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        own = {"LONGANIMATION_SERVER": site.root, "KITSU_SERVER": kitsu.address, "KITSU_TOKEN": TOKEN}
        return subprocess.run(
            [sys.executable, "-c", example('python title="publish.py"'), *arguments],
            env=environment | own | variables,
            text=True,
            capture_output=True,
            timeout=120,
        )

    return run


@pytest.fixture
def job(site: Site, shot: SmallShot, start_worker: StartWorker) -> str:
    """A job that is done."""
    start_worker()
    done = site.submit(shot)
    site.wait_for_state(done, "done")
    return done


def says(ended: "subprocess.CompletedProcess[str]") -> str:
    """The one sentence of a run that failed."""
    assert (ended.returncode, ended.stdout) == (1, ""), ended.stdout + ended.stderr
    (sentence,) = ended.stderr.splitlines()
    return sentence


def test_a_film_is_published_once_with_what_it_was_made_of_and_another_take_is_the_next_revision(
    site: Site, kitsu: Kitsu, publish: Publish, job: str, shot: SmallShot
) -> None:
    swatches = {"swatches": [{"name": "Fur", "color": "#c83c1e"}]}
    site.call("PUT", "/palettes/Two%20bears", 201, json=swatches, headers={"If-None-Match": "*"})
    version = site.call("GET", "/info", 200)["server_version"]
    ended = publish(job, *SHOT, "--palette", "Two bears")
    text = f"{shot.manifest.name}, job {job}. Palette: Two bears, version 1. LongAnimation Color {version}."
    assert ended.stdout == f"Published to SH010 as revision 1: {text}\n", ended.stderr
    (comment,), (preview,), (task,) = kitsu.comments, kitsu.previews, kitsu.tables["tasks"]
    assert comment["text"] == text
    assert preview["original_name"] == job and kitsu.films[preview["id"]] == site.film(job)
    (waits,) = kitsu.find("task-status", {"short_name": "wfa"})
    assert task["task_status_id"] == waits["id"]

    again = publish(job, *SHOT)
    assert (again.returncode, again.stdout) == (0, "The film was already published to SH010.\n"), again.stderr
    assert kitsu.changes == (1, 1, 1)

    other = site.submit(shot, seed=1)
    site.wait_for_state(other, "done")
    assert "as revision 2" in publish(other, *SHOT).stdout
    assert kitsu.changes == (1, 2, 2)


def test_what_fails_on_the_way_is_told_and_made_up_for_without_a_second_comment(
    kitsu: Kitsu, publish: Publish, job: str
) -> None:
    kitsu.broken_uploads = 1
    assert says(publish(job, *SHOT)).startswith("Kitsu refused this (ServerErrorException: pictures/preview-files/")
    assert (kitsu.changes, kitsu.films) == ((1, 1, 1), {})
    assert "Published to SH010 as revision 1" in publish(job, *SHOT).stdout
    assert (kitsu.changes, len(kitsu.films)) == ((1, 1, 1), 1)
    kitsu.previews[0]["status"] = "broken"
    assert says(publish(job, *SHOT)).startswith("Kitsu could not read the film of SH010: delete that revision there")
    assert kitsu.changes == (1, 1, 1)


def test_what_cannot_be_published_is_told_in_a_sentence_and_changes_nothing(
    site: Site, kitsu: Kitsu, publish: Publish, job: str, shot: SmallShot
) -> None:
    waiting = site.submit(shot, seed=7)
    site.call("POST", f"/jobs/{waiting}/cancel", 200)
    wrong = {
        "production Wolves": (job, "Wolves", "SQ01", "SH010"),
        "sequence SQ02": (job, "Bears", "SQ02", "SH010"),
        "shot SH020 in SQ01": (job, "Bears", "SQ01", "SH020"),
        "task type Color for shots": (job, *SHOT, "--task", "Color"),
        "task status ok": (job, *SHOT, "--status", "ok"),
    }
    for name, arguments in wrong.items():
        assert says(publish(*arguments)) == (
            f"Kitsu shows this bot no {name}: make it there, or give another name. Nothing was changed."
        )
    assert "The library has no palette Wolves" in says(publish(job, *SHOT, "--palette", "Wolves"))
    assert f"Job {waiting} is cancelled" in says(publish(waiting, *SHOT))
    assert says(publish("00000000-0000-0000-0000-000000000000", *SHOT))
    assert "look at KITSU_TOKEN" in says(publish(job, *SHOT, KITSU_TOKEN="another"))
    assert says(publish(job, *SHOT, KITSU_SERVER="http://127.0.0.1:9")).startswith("A server did not answer (")
    assert says(publish(job, *SHOT, LONGANIMATION_SERVER="http://127.0.0.1:9")).startswith("A server did not answer (")
    assert kitsu.changes == (0, 0, 0)


def test_the_commands_name_the_addresses_of_this_machine() -> None:
    commands = example('sh title="publish"')
    assert f"http://127.0.0.1:{DEFAULT_PORT}" in commands
    assert 'python publish.py "$job" "Bears" SQ01 SH010 --task Compositing --status wfa --palette Bears' in commands
