# SPDX-License-Identifier: GPL-3.0-or-later
"""The page that the server shows in a browser: what runs and what waits."""

from flask import Blueprint, render_template

from server import __version__
from server.api import services

blueprint = Blueprint("web", __name__, template_folder="templates")


@blueprint.get("/")
def index() -> str:
    """Show the jobs, the newest first."""
    catalogue = services().catalogue
    jobs = [catalogue.status(job) for job in catalogue.jobs()]
    return render_template("index.html", version=__version__, jobs=jobs, devices=services().heartbeats.devices())
