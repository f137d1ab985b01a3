# SPDX-License-Identifier: GPL-3.0-or-later
"""MkDocs hook: brings the documents of the top folder into the site, and links that leave the documents become text.

On the forge all links stay as they are written.
"""

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "policy.md",
}
SOURCES = {page: source for source, page in PAGES.items()}

_LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)#\s]+)(#[^)]*)?\)|(!\[[^\]]*\])\(([^)\s]+)\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the documents of the top folder."""
    for source, page in PAGES.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Point each relative link to where its target lies in the site."""
    here = page.file.src_uri
    folder = posixpath.dirname(SOURCES.get(here, f"docs/{here}"))

    def relink(found: "re.Match[str]") -> str:
        text, target, anchor, image, picture = found.groups()
        if ":" in (target or picture):
            return found[0]
        target_path = posixpath.normpath(posixpath.join(folder, target or picture))
        goal = PAGES.get(target_path, target_path.removeprefix("docs/"))
        if files.get_file_from_path(goal) is None:
            if not (ROOT / target_path).exists():
                return found[0]  # broken, as MkDocs is to report
            return text or ""
        link = posixpath.relpath(goal, posixpath.dirname(here) or ".")
        return f"{image}({link})" if image else f"[{text}]({link}{anchor or ''})"

    return _LINK.sub(relink, markdown)
