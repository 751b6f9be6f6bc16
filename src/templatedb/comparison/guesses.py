"""What values look like that two builds of one database do not share."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable

_CLOCK = re.compile(r"'\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d.*)?'")
_NUMBER = re.compile(r"'?(\d{9,19}(?:\.\d+)?)'?")
_IDENTIFIER = re.compile(r"'\{?[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\}?'|'(?:0x)?[0-9a-fA-F]{16,}'")
_PATH = re.compile(r"'(?:file:(?://)?|sqlite[a-z+]*:///)?(?:/[^/]|~/|[A-Za-z]:\\\\).*'")
_BINARY_UUID = re.compile(r"""b(['"])(?:\\x[0-9a-f]{2}|\\[^x]|[^\\]){16}\1""")
_NEAR_S = 400 * 24 * 3600
_UNITS_PER_SECOND = (1, 10**3, 10**6, 10**9)


def guess(values: Iterable[str]) -> str:
    """Return what all of *values*, given by their ``repr``, look like, such as ``a clock``; empty when nothing.

    NULL is left out of account.
    """
    known = [value for value in values if value != "None"]
    kinds = (
        ("a clock", _is_clock),
        ("a random identifier", _is_identifier),
        ("a path of the machine", lambda value: _PATH.fullmatch(value) is not None),
    )
    return next((what for what, fits in kinds if known and all(map(fits, known))), "")


def _is_clock(value: str) -> bool:
    number = _NUMBER.fullmatch(value)
    if number is None:
        return _CLOCK.fullmatch(value) is not None
    now_s = time.time()
    return any(abs(float(number[1]) / units - now_s) < _NEAR_S for units in _UNITS_PER_SECOND)


def _is_identifier(value: str) -> bool:
    return bool(_IDENTIFIER.fullmatch(value) or _BINARY_UUID.fullmatch(value))
