# ruff: noqa: INP001  # Sphinx runs it, nobody imports it
"""How the pages of this folder become a site: `make docs`. What is our own is in `sitebuild/`."""

import importlib.metadata
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

project = "templatedb"
author = "the templatedb founders"
release = importlib.metadata.version("pytest-templatedb")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sitebuild"]
exclude_patterns = ["_build"]
highlight_language = "text"

# Every reference to something of ours must be there; types of Python and of other packages are not linked.
nitpicky = True
nitpick_ignore_regex = [("py:.*", r"(?!templatedb\.).*")]
nitpick_ignore = [  # of ours, and not for callers
    ("py:class", "templatedb.migrators.Migrator"),
    ("py:class", "templatedb.plan.Wishes"),
    ("py:class", "templatedb.slots.Slot"),
]

myst_heading_anchors = 4
suppress_warnings = ["myst.header"]  # an included changelog may skip a level

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autoclass_content = "both"
default_role = "code"

html_theme = "furo"
html_title = f"templatedb {release}"
html_copy_source = False
html_show_sphinx = False

linkcheck_timeout = 20
linkcheck_retries = 2
