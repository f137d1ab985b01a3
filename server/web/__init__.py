# SPDX-License-Identifier: GPL-3.0-or-later
"""The page that the server shows in a browser: what runs and what waits."""

from flask import Blueprint, render_template

from server import __version__
from server.api import services
from server.api.jobs import visible_jobs

# Style lies in a file of its own: the security policy lets no page bring it along.
blueprint = Blueprint("web", __name__, template_folder="templates", static_folder="static", static_url_path="/static")


@blueprint.get("/")
def index() -> str:
    """Show the jobs, the newest first."""
    devices = services().heartbeats.devices()
    return render_template("index.html", version=__version__, jobs=visible_jobs(), devices=devices)
