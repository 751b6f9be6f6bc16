"""The test that runs now: its golden and its clone, as fixtures of any name ask for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn, Protocol

import pytest

if TYPE_CHECKING:
    from templatedb.errors import TemplateDBError
    from templatedb.handle import Golden
    from templatedb.lent import Lent
    from templatedb.records import CloneKind
    from templatedb.template import Template
    from templatedb.testrun import Run


class RunMaker(Protocol):
    """Makes the Run of this process at its first call: most runs of most projects never need one."""

    made: Run | None
    item: pytest.Item | None
    """The test that runs now."""
    lent: Lent | None
    """Its clone, once a fixture has asked for it."""
    cache_dir: str | None
    """Where the command line puts goldens; None where it does not say."""
    tells_tally: bool
    """Whether the next report takes along what is known by then: the first one of a worker."""

    def __call__(self) -> Run:
        """Return the Run of this process."""

    def marker_of(self, item: pytest.Item) -> pytest.Mark | None:
        """Return the item's closest marker of ours, None where it has none."""


RUN: pytest.StashKey[RunMaker] = pytest.StashKey()


class _Now:
    """What runs in this process now."""

    maker: RunMaker | None = None
    """Of the pytest whose test was begun last: one of pytester's may run inside of another's test."""


NOW = _Now()


def run_of(config: pytest.Config) -> Run:
    """Return the Run of this process."""
    return config.stash[RUN]()


def run_now() -> Run:
    """Return the Run of the process that runs a test now; ends the set-up of a fixture that is outside of any.

    For fixtures, in place of their pytestconfig: that asks for pytest's ``request``, which costs every test 30 us.
    """
    return _running()[0]()


def _running() -> tuple[RunMaker, pytest.Item]:
    maker = NOW.maker
    if maker is None or maker.item is None:
        pytest.fail("templatedb: a database was asked for outside of any test", pytrace=False)
    return maker, maker.item


def fail(error: TemplateDBError) -> NoReturn:
    """End the set-up of a test with one line; the whole report stands once, in the summary."""
    from templatedb.errors import BuildError, MissError
    from templatedb.records import Key

    told_elsewhere = isinstance(error, BuildError | MissError) or "\n" in error.remedy
    hint = " (the whole report is in the summary)" if told_elsewhere else ""
    line = error.what if told_elsewhere else error.line
    if isinstance(error, MissError) and error.key:
        line = line.replace(error.key, Key(error.key).short)
    # From None: the test's report is this one line, not the chain of errors that led to it.
    raise pytest.fail.Exception(f"templatedb: {line}{hint}", pytrace=False) from None


def golden_of(template: Template) -> Golden:
    """Return the golden of *template*; ends the set-up of a test with one line where there is none to be had."""
    from templatedb.errors import TemplateDBError
    from templatedb.template import Template as Expected

    if not isinstance(template, Expected):
        pytest.fail(
            f"templatedb: templatedb_template must return a templatedb.Template, not {template!r}:"
            f" write Template({template!r})",
            pytrace=False,
        )
    try:
        return run_now().golden(template)
    except TemplateDBError as error:
        fail(error)


def lent_to_test(template: Template) -> Lent:
    """Return the clone of the running test: taken by the first fixture that needs it, closed after all that use it."""
    maker, item = _running()
    if maker.lent is not None:
        return maker.lent
    run = maker.made or maker()
    if not run.knows(template):
        golden_of(template)
    marker = maker.marker_of(item)
    kind = None if marker is None else _marked_kind(marker)
    try:
        lent = run.clone(template, kind, for_application=True)
    except Exception as error:
        fail_if_ours(error)
        raise
    maker.lent = lent
    # pytest takes finalizers from the end: those of the fixtures that use it come later, so they run before.
    item.addfinalizer(lent.close)
    return lent


def fail_if_ours(error: Exception) -> None:
    """End the test with one line where *error* is one of templatedb's; looked up only now, for it is rare."""
    from templatedb.errors import TemplateDBError

    if isinstance(error, TemplateDBError):
        fail(error)


def _marked_kind(marker: pytest.Mark) -> CloneKind | None:
    """Return the kind that ``@pytest.mark.templatedb(clone=...)`` asks for, None where it asks for none."""
    from templatedb.records import CloneKind

    unknown = [*map(repr, marker.args), *(name for name in marker.kwargs if name != "clone")]
    value = marker.kwargs.get("clone")
    if unknown or value not in [None, *CloneKind]:
        pytest.fail(
            f'templatedb: the marker takes clone="file" or clone="memory", not {", ".join(unknown) or repr(value)}',
            pytrace=False,
        )
    return None if value is None else CloneKind(value)
