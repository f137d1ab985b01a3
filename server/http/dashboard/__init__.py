# SPDX-License-Identifier: GPL-3.0-or-later
"""The dashboard: server-rendered pages, which a small script updates while they are open."""

from flask import Blueprint

from . import actions, downloads, formats, login, pages, problem_page, stream, thumbnails

# Styles and scripts are separate files, because the security policy allows no inline ones.
blueprint = Blueprint("web", __name__, template_folder="templates", static_folder="static", static_url_path="/static")
for module in (formats, pages, thumbnails, downloads, actions, stream, login, problem_page):
    module.register(blueprint)
