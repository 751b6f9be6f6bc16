"""The digest of a file is remembered by its stamp only where that cannot be wrong."""

import json
import os
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from templatedb import digests
from templatedb.digests import Digests, Stamp

OLD_S = 10


def settled(path, text):
    """Write *path* and wait, in its stamp, until nothing can hide behind the clock's tick."""
    path.write_text(text)
    return path


@pytest.fixture
def reads(monkeypatch):
    """Count the files that are really read."""
    counted = []
    original = digests.read

    def read(path):
        counted.append(os.path.basename(path))
        return original(path)

    monkeypatch.setattr(digests, "read", read)
    return counted


@pytest.fixture
def later(monkeypatch):
    """Let the clock of the module run ahead: change times cannot be put back."""
    monkeypatch.setattr(digests.time, "time_ns", lambda now=time.time_ns: now() + OLD_S * 1_000_000_000)


def test_a_settled_file_is_not_read_again(tmp_path, reads, later):
    """Neither by the same object nor by one that has its record."""
    path = settled(tmp_path / "a", "text")
    first = Digests()
    digest = first.of(path)
    assert (first.of(path), first.has_news) == (digest, True)
    second = Digests(first.to_record())
    assert (second.of(path), second.has_news, reads) == (digest, False, ["a"])


def test_a_young_file_is_read_every_time(tmp_path, reads):
    """A second edit could fall into the same tick of the filesystem's clock."""
    path = settled(tmp_path / "a", "text")
    first = Digests()
    first.of(path)
    Digests(first.to_record()).of(path)
    assert (json.loads(first.to_record())["files"], reads) == ({}, ["a", "a"])


def test_a_same_size_edit_with_its_time_put_back_is_seen(tmp_path, later):
    """The change time tells."""
    path = settled(tmp_path / "a", "old")
    first = Digests()
    before, times = first.of(path), path.stat()
    path.write_text("new")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert Digests(first.to_record()).of(path) != before


@pytest.mark.parametrize("field", ["device", "inode", "size_bytes", "modified_ns", "changed_ns"])
def test_each_part_of_a_stamp_counts(tmp_path, reads, later, field):
    """Whatever differs, the file is read."""
    path = settled(tmp_path / "a", "text")
    first = Digests()
    first.of(path)
    record = json.loads(first.to_record())
    position = Stamp._fields.index(field)
    record["files"][str(path)][position] += 1
    Digests(json.dumps(record).encode()).of(path)
    assert reads == ["a", "a"]


@pytest.mark.parametrize(
    ("age_s", "is_settled"),
    [(0, False), (1.9, False), (2.1, True), (-5, False)],
    ids=["now", "1.9 s", "2.1 s", "future"],
)
def test_a_stamp_settles_after_two_seconds(age_s, is_settled):
    """And never while it lies in the future."""
    now_ns = 1_700_000_000_000_000_000
    at_ns = now_ns - int(age_s * 1e9)
    for stamp in (Stamp(1, 1, 1, at_ns, 0), Stamp(1, 1, 1, 0, at_ns)):
        assert stamp.is_settled(now_ns) is is_settled


@pytest.mark.parametrize(
    "record", [b"", b"null", b"[]", b"{", b'{"format": 2, "files": {}}', b'{"format": 1, "files": {"a": [1]}}', b"\xff"]
)
def test_a_damaged_record_is_as_good_as_none(tmp_path, record):
    """It saves milliseconds; it never decides."""
    path = settled(tmp_path / "a", "text")
    assert Digests(record).of(path) == Digests().of(path)


@given(st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"x", b"\0"]), max_size=30), st.integers(1, 9))
def test_line_ends_count_the_same_wherever_a_piece_ends(tmp_path_factory, parts, piece_bytes):
    """A file is read in pieces, and a line end may lie across two of them."""
    path = tmp_path_factory.mktemp("pieces") / "a"
    data = b"".join(parts)
    path.write_bytes(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(digests, "_PIECE_BYTES", max(piece_bytes, 8000 if b"\0" in data else 1))
        found = Digests().of(path)
    assert found == digests.of_bytes(data if b"\0" in data else data.replace(b"\r\n", b"\n"))


def test_a_file_written_in_between_is_named(tmp_path):
    """Also one whose content was put back: a build may have read what it was for a moment."""
    path = settled(tmp_path / "a", "a")
    first, second, third = Digests(), Digests(), Digests()
    first.of(path), second.of(path)
    assert first.restamped(second) == []
    time.sleep(0.02)
    path.write_text("b")
    path.write_text("a")
    assert third.of(path) == first.of(path)
    assert first.restamped(third) == [str(path)]


def test_a_pipe_does_not_keep_anybody_waiting(tmp_path):
    """It is empty, and no file."""
    os.mkfifo(tmp_path / "pipe")
    assert Digests().of(tmp_path / "pipe") == digests.of_bytes(b"")
