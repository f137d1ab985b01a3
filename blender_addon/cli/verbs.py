# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs of the command. Each returns whether everything succeeded, and raises ColorError if it can do nothing."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import bpy

from .. import blend_file, take_manager
from ..operators.export import ExportsShots, next_number
from ..operators.requests import request_of_shot
from ..preferences import make_client
from ..properties.batch import of_file
from ..remote.session import UPLOADED
from ..shared.errors import ColorError, ShotError
from ..shared.palette import Palette
from ..shared.palette_files import read_palette
from ..shot.batch import BatchShot, clipped, of_scene, problem_of
from ..shot.batch_sources import shots_of_markers, shots_of_scenes
from ..shot.painted_frame import PaintedFrame
from ..shot.request import ShotRequest
from ..takes.naming import match
from ..takes.recolor import palette_of
from ..takes.recolor import recolor as recolor_take
from ..takes.take import RECORD, Take
from ..takes.timeline import write_timeline
from .report import Report

_SETTINGS = ("preset", "finish", "quality", "seed", "prompt", "accept_errors")


def colorize(options: argparse.Namespace, report: Report) -> bool:
    """Color the chosen shots, each sent as soon as it is exported."""
    if options.otio and not (folder := Path(options.otio).absolute().parent).is_dir():
        raise ShotError(f"The folder {folder} of the timeline does not exist: give another --otio.")
    shots = _shots(options)
    with _loading() as load:
        painted = _paintings(options, shots, load)
        sheets = tuple(load(Path(path)) for path in options.references if path)
        requests = [_request(shot, painted, sheets, options) for _, shot in _chosen(shots, options)]
        for server in {request.server for request in requests}:
            make_client(server).info()
        jobs: list[str] = []
        try:
            exported = _export(requests, jobs, report)
            if options.wait:
                done = _wait(jobs, report, save=not options.no_save)
                if options.otio:
                    _write_timeline(Path(options.otio), jobs)
                return done and exported
            return _send(jobs, report) and exported
        except KeyboardInterrupt:
            _cancel(jobs, report)
            raise


def fetch(options: argparse.Namespace, report: Report) -> bool:
    """Fetch the missing frames of takes, and place their strips."""
    jobs = [take_manager.submit(take.changed(placed=False)).take.job for take in _takes(options.directories)]
    return _wait(jobs, report, save=not options.no_save)


def recolor(options: argparse.Namespace, report: Report) -> bool:
    """Make takes with the colors of a palette beside the takes in folders, and place their strips."""
    palette = read_palette(options.palette)
    takes = _takes(options.directories)
    jobs = []
    for done, take in enumerate(takes):
        report.progress(done / len(takes) / 2, f"{take.title}: recoloring")
        take_manager.register(take)
        folder = bpy.path.clean_name(f"{take.folder.name}-{options.palette.stem}")
        made = _in_palette(take, palette, take.folder.parent / folder, options.palette.stem)
        take_manager.register(made)
        jobs.append(made.job)
    return _wait(jobs, report, save=not options.no_save)


def _in_palette(take: Take, palette: Palette, folder: Path, title: str) -> Take:
    """Make a take in the new folder `folder`, in which names have the colors of a palette. Raises ShotError."""
    if folder.exists():
        raise ShotError(f"{folder} is there already: remove it, or give the palette's file another name.")
    names = {swatch.rgb: swatch.name for swatch in take.palette}
    paints = [(names.get(color, ""), color) for color in palette_of(take)]
    found = match(paints, palette)
    if all(paints[place][1] == color for place, color in found.changes.items()):
        known = ", ".join(sorted(names.values())) or "none"
        raise ShotError(
            f"No color of {take.title} changes: it has the names {known}, and the palette has "
            f"{', '.join(swatch.name for swatch in palette.swatches)}."
        )
    colors = {color: found.changes.get(place, color) for place, (_, color) in enumerate(paints)}
    try:
        return recolor_take(take, colors, folder, next_number(take), title)
    except OSError as error:
        raise ShotError(f"{folder} cannot be written ({error.strerror}): free up space there.") from error


def _takes(folders: list[Path]) -> list[Take]:
    """The takes in folders of takes, or of several takes, placed in the open file. Raises ShotError."""
    takes = []
    for folder in folders:
        found = (
            [folder] if (folder / RECORD).is_file() else sorted(record.parent for record in folder.glob(f"*/{RECORD}"))
        )
        for home in found or [folder]:
            take = Take.load(home.absolute())
            scene = take.placement.scene if take.placement.scene in bpy.data.scenes else bpy.context.scene.name
            takes.append(take.changed(placement=replace(take.placement, blend=blend_file.name(), scene=scene)))
    return takes


def list_shots(options: argparse.Namespace, report: Report) -> bool:
    """List the shots and their problems."""
    shots = _shots(options)
    for number, shot in _chosen(shots, options):
        known = [item.frame for item in bpy.data.scenes[shot.scene].longanimation.keyframes]
        painted = sorted({*known, *(frame for frame, _ in options.keyframes)} & {*shot.frames})
        problem = problem_of(shot.frames, painted)
        frames = [shot.frames.start, shot.frames.stop - 1]
        values = {"number": number, "shot": shot.name, "scene": shot.scene, "frames": frames, "keyframes": painted}
        sentence = f"{number} {shot.name}: {shot.scene} {frames[0]}-{frames[1]}, keyframes {painted}"
        report.result(values | {"problem": problem}, f"{sentence}. {problem}" if problem else sentence)
    return True


def _shots(options: argparse.Namespace) -> list[BatchShot]:
    """The shots from the chosen source, within the requested frames. Raises ShotError."""
    scene = bpy.data.scenes.get(options.scene) if options.scene else bpy.context.scene
    if scene is None:
        names = ", ".join(one.name for one in bpy.data.scenes)
        raise ShotError(f"The file has no scene {options.scene!r}: give --scene one of {names}.")
    if options.source == "markers":
        shots = shots_of_markers(scene)
    elif options.source == "scenes":
        shots = shots_of_scenes()
    elif options.source == "list":
        shots = [item.as_shot() for item in of_file(scene).shots if item.enabled and item.scene and item.timeline]
    else:
        shots = [of_scene(scene.name, options.frames or scene.longanimation.frames)]
    shots = [shot for shot in shots if not options.scene or shot.scene == scene.name]
    if options.frames:
        shots = [part for part in (clipped(shot, options.frames) for shot in shots) if part.frames]
    if not shots:
        raise ShotError("The file has no such shot: run `shots` with the same options but without --frames.")
    return shots


def _chosen(shots: list[BatchShot], options: argparse.Namespace) -> list[tuple[int, BatchShot]]:
    """The requested shots, with their numbers from 1. Raises ShotError for an unknown shot."""
    numbered = list(enumerate(shots, start=1))
    wanted = [word for word in options.shot if word]
    if not wanted:
        return numbered
    named = {str(number): shot for number, shot in numbered} | {shot.name: shot for shot in shots}
    unknown = [word for word in wanted if word not in named]
    if unknown:
        known = ", ".join(f"{number} {shot.name}" for number, shot in numbered)
        raise ShotError(f"There is no shot {unknown[0]}: give --shot one of {known}.")
    chosen = [named[word] for word in wanted]
    return [(number, shot) for number, shot in numbered if shot in chosen]


@contextmanager
def _loading() -> Iterator[Callable[[Path], bpy.types.Image]]:
    """Yield a function that loads an image file, which stays loaded within the block, and raises ShotError."""
    images = []

    def load(path: Path) -> bpy.types.Image:
        try:
            images.append(bpy.data.images.load(str(path.absolute())))
        except RuntimeError as error:
            raise ShotError(f"{path} cannot be read as an image: {str(error).strip()}") from error
        return images[-1]

    try:
        yield load
    finally:
        for image in images:
            bpy.data.images.remove(image)


def _paintings(
    options: argparse.Namespace, shots: list[BatchShot], load: Callable[[Path], bpy.types.Image]
) -> list[PaintedFrame]:
    """The painted frames from the command line. Raises ShotError."""
    painted = []
    for frame, path in options.keyframes:
        if not any(frame in shot.frames for shot in shots):
            raise ShotError(f"Keyframe {frame} is not in any shot: run `shots` with the same options to list them.")
        painted.append(PaintedFrame(frame, load(path) if path is not None else None))
    return painted


def _request(
    shot: BatchShot, painted: list[PaintedFrame], sheets: tuple[bpy.types.Image, ...], options: argparse.Namespace
) -> ShotRequest:
    """The request for a shot; the command line overrides the file."""
    folder = None
    if options.directory:
        folder = Path(options.directory).absolute()
        if options.source != "scene":
            folder /= bpy.path.clean_name(shot.name)
    request = request_of_shot(shot, folder)
    frames = {item.frame: item for item in request.options.painted}
    frames |= {item.frame: item for item in painted if item.frame in shot.frames}
    changes = {name: getattr(options, name) for name in _SETTINGS if getattr(options, name) not in (None, "")}
    return replace(
        request,
        options=replace(
            request.options,
            painted=tuple(frames[frame] for frame in sorted(frames)),
            sheets=(*request.options.sheets, *sheets),
            **changes,
        ),
        placement=replace(request.placement, layout=options.layout or request.placement.layout),
        server=options.server or request.server,
    )


def _export(requests: list[ShotRequest], jobs: list[str], report: Report) -> bool:
    """Export the shots and submit each, adding to `jobs`; returns whether all could be exported."""
    failures = 0
    for index, request in enumerate(requests):
        try:
            for done, total, take in ExportsShots().export([request]):
                part = (index + done / total) / len(requests)
                report.progress(part / 2, f"{request.name}: exporting image {done} of {total}")
                if take is not None:
                    jobs.append(take_manager.submit(take).take.job)
        except ColorError as error:
            failures += 1
            values = {"shot": request.name, "scene": request.scene.name, "state": "failed", "problem": str(error)}
            report.result(values, f"{request.name}: failed. {error}")
    return failures == 0


def _wait(jobs: list[str], report: Report, save: bool) -> bool:
    """Wait for the colors and save the file with the strips; returns whether all takes are done."""
    for entry in take_manager.wait(jobs):
        _report_progress(jobs, entry, report)
    takes = [take_manager.entries[job].take for job in jobs]
    if save and any(take.state == "done" for take in takes):
        bpy.ops.wm.save_mainfile()
    _report_results(jobs, report)
    return all(take.state == "done" for take in takes)


def _write_timeline(path: Path, jobs: list[str]) -> None:
    """Write a timeline with the finished takes, if any. Raises ShotError."""
    takes = [take for take in (take_manager.entries[job].take for job in jobs) if take.state == "done"]
    try:
        if takes:
            write_timeline(path, takes)
    except OSError as error:
        raise ShotError(f"The timeline {path} cannot be written ({error.strerror}): give another --otio.") from error


def _send(jobs: list[str], report: Report) -> bool:
    """Wait until the server has the jobs; returns whether it accepted all of them."""
    for entry in take_manager.wait(jobs):
        _report_progress(jobs, entry, report)
        if all(
            not take_manager.entries[job].is_active or take_manager.entries[job].progress.fraction >= UPLOADED
            for job in jobs
        ):
            break
    for job in jobs:
        session = take_manager.entries[job].session
        if session is not None:
            session.detach()
    _report_results(jobs, report)
    return all(take_manager.entries[job].take.state in ("sent", "done") for job in jobs)


def _cancel(jobs: list[str], report: Report) -> None:
    """Cancel the takes in progress, here and on the server."""
    for job in jobs:
        take_manager.cancel(job)
    for _ in take_manager.wait(jobs):
        pass
    _report_results(jobs, report)


def _report_progress(jobs: list[str], entry: take_manager.Entry, report: Report) -> None:
    """Report the progress of all takes: the export was the first half."""
    entries = [take_manager.entries[job] for job in jobs]
    part = sum(one.progress.fraction if one.is_active else 1.0 for one in entries) / len(entries)
    report.progress(0.5 + part / 2, f"{entry.take.title}: {entry.progress.trouble or entry.progress.text}")


def _report_results(jobs: list[str], report: Report) -> None:
    for entry in (take_manager.entries[job] for job in jobs):
        take = entry.take
        frames = take.manifest.exposure.frames
        values = {
            "shot": take.manifest.name,
            "state": take.state,
            "frames": [frames.start, frames.stop - 1],
            "folder": str(take.folder),
            "server": take.server,
            "job": take.job,
            "problem": take.problem,
            "notes": entry.remarks,
            "guesses": [{"frame": frame, "share": share} for frame, share in take.guesses],
        }
        report.result(values, f"{take.title}: {take.state}, in {take.folder}. {take.problem}".strip())
