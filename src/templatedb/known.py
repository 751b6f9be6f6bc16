"""What one pytest process knows of one template."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from templatedb.errors import TemplateDBError
    from templatedb.handle import Golden
    from templatedb.template import Template


class Known:
    """What is known of one template."""

    def __init__(self, template: Template, based: Template) -> None:
        """Hold *template* as the fixture returned it, so that its identity is not given to another one.

        *based* is the same with its paths settled and the options of the command line.
        """
        self.template = template
        self.based = based
        self.golden: Golden | TemplateDBError | None = None
        """None before it is first asked for; the error when it could not be had."""
