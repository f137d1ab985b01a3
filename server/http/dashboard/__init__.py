# SPDX-License-Identifier: GPL-3.0-or-later
"""The dashboard: pages that the server makes, which a small script keeps up to date while they are open."""

from flask import Blueprint

from . import actions, downloads, formats, login, pages, problem_page, stream, thumbnails

# Style and script lie in files of their own: the security policy lets no page bring them along.
blueprint = Blueprint("web", __name__, template_folder="templates", static_folder="static", static_url_path="/static")
for module in (formats, pages, thumbnails, downloads, actions, stream, login, problem_page):
    module.register(blueprint)
