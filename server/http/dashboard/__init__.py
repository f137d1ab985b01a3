# SPDX-License-Identifier: GPL-3.0-or-later
"""The dashboard: pages that the server makes, which a small script keeps up to date while they are open."""

from flask import Blueprint

from . import actions, login, pages, pictures, stream, words

# Style and script lie in files of their own: the security policy lets no page bring them along.
blueprint = Blueprint("web", __name__, template_folder="templates", static_folder="static", static_url_path="/static")
for module in (words, pages, pictures, actions, stream, login):
    module.register(blueprint)
