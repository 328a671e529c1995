"""Bookmarks on disk."""

import json
from pathlib import Path

import pytest

from sessions.bookmarks import Bookmark, BookmarkStore, open_bookmarks


def test_kept_in_order_and_found_again(tmp_path: Path) -> None:
    store = open_bookmarks(tmp_path / "new" / "folder", "AMZN 2012")
    assert store.load() == ()
    store.add(30, "later")
    store.add(10)
    assert store.add(20, "grüße ◆") == (Bookmark(10), Bookmark(20, "grüße ◆"), Bookmark(30, "later"))
    assert BookmarkStore(tmp_path / "new" / "folder", "AMZN 2012").load() == store.load()
    assert store.remove(20) == (Bookmark(10), Bookmark(30, "later"))
    assert store.remove(99) == store.load()


def test_the_same_moment_gets_the_new_note(tmp_path: Path) -> None:
    store = BookmarkStore(tmp_path, "x")
    store.add(10, "first")
    assert store.add(10, "second") == (Bookmark(10, "second"),)


def test_two_decks_do_not_lose_each_others(tmp_path: Path) -> None:
    one, other = BookmarkStore(tmp_path, "x"), BookmarkStore(tmp_path, "x")
    one.load()
    other.add(1)
    assert one.add(2) == (Bookmark(1), Bookmark(2))


def test_tapes_have_files_of_their_own(tmp_path: Path) -> None:
    titles = ["AMZN", "a/b", "a:b", "..", "", "x" * 300, "天"]
    stores = [BookmarkStore(tmp_path, title) for title in titles]
    for number, store in enumerate(stores):
        store.add(number)
    assert [store.load()[0].ts for store in stores] == list(range(len(titles)))
    assert all(store.path.parent == tmp_path for store in stores)


@pytest.mark.parametrize(
    "content",
    [
        b"{", b"[]", b'{"version": 2}', b"\xff\xfe\x00", b'{"version": 1, "bookmarks": [{"ts": "9"}]}',
        b'{"version": 1, "bookmarks": [{"ts": true}]}', b'{"version": 1, "bookmarks": [3]}',
        b'{"version": 1, "bookmarks": [{"ts": 1, "note": 3}]}', b'{"version": 1, "bookmarks": 3}',
    ],
)  # fmt: skip
def test_a_damaged_file_is_said_and_set_aside(tmp_path: Path, content: bytes) -> None:
    store = BookmarkStore(tmp_path, "x")
    store.path.write_bytes(content)
    assert store.load() == ()
    assert str(store.path) in store.problem
    assert store.path.read_bytes() == content, "reading changes nothing"
    assert store.add(5) == (Bookmark(5),)
    assert [path.read_bytes() for path in tmp_path.glob("*.damaged-1")] == [content]
    assert store.load() == (Bookmark(5),)
    assert store.problem == ""


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = BookmarkStore(tmp_path, "x")
    store.add(1)

    def fail(*_: object, **__: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(json, "dump", fail)
    with pytest.raises(OSError, match="disk full"):
        store.add(2)
    monkeypatch.undo()
    assert store.load() == (Bookmark(1),)
    assert [path.name for path in tmp_path.iterdir()] == [store.path.name]


def test_the_file_is_plain_json(tmp_path: Path) -> None:
    store = BookmarkStore(tmp_path, "x")
    store.add(1_340_285_400_000_000_001, "note")
    document = json.loads(store.path.read_text("utf-8"))
    assert document == {"version": 1, "tape": "x", "bookmarks": [{"ts": 1_340_285_400_000_000_001, "note": "note"}]}
