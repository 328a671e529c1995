"""Import: find the format, stream the source through the writer, hash the files meanwhile."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import entry_points
from pathlib import Path
from queue import Full, Queue
from threading import Event, Thread

from core.errors import ConfigError, FeedError
from core.feeds.files import file_sha256
from core.feeds.source import Batch, Feed, Options, Source
from core.tape.folder import SourceFile, TapeMeta
from core.tape.writer import TapeWriter

GROUP = "tapedeck.feeds"
#: Other words for formats.
_ALIASES = {"generic": "tabular", "table": "tabular", "csv": "tabular", "parquet": "tabular", "databento": "dbn"}


def feed_names() -> list[str]:
    """Installed formats; nothing is imported."""
    return sorted({point.name for point in entry_points(group=GROUP)})


def load_feed(name: str) -> Feed:
    """One format by name. Raises `ConfigError`."""
    for point in entry_points(group=GROUP, name=_ALIASES.get(name, name)):
        feed: Feed = point.load()
        return feed
    raise ConfigError(f"unknown format {name!r}; there are: {', '.join(feed_names())}")


def detect_feed(path: Path) -> Feed:
    """The one format that recognises a file. Raises `FeedError`."""
    if not path.exists():
        raise FeedError(path, "no such file")
    found = [feed for feed in map(load_feed, feed_names()) if feed.matches(path)]
    if len(found) == 1:
        return found[0]
    names = ", ".join(feed.name for feed in found) or ", ".join(feed_names())
    problem = "could be any of" if found else "is of no known format; say which with --format:"
    raise FeedError(path, f"{problem} {names}")


def open_source(paths: Sequence[Path], options: Options, format_name: str | None = None) -> Source:
    """Open source files given in time order. Raises `FeedError` or `ConfigError`."""
    if not paths:
        raise ConfigError("name at least one source file")
    for path in paths:
        try:
            usable, there = path.is_file(), path.exists()
        except OSError as error:
            raise FeedError(path, error.strerror or str(error)) from error
        if not usable:
            raise FeedError(path, "is not a file" if there else "no such file")
    feed = load_feed(format_name) if format_name else detect_feed(paths[0])
    return feed.open(paths, options)


def import_tape(
    source: Source,
    target: Path,
    options: Options,
    *,
    force: bool = False,
    progress: Callable[[float, int], None] | None = None,
) -> TapeMeta:
    """Write `source` to the tape folder `target`. `progress(share, messages)` is called after each batch.

    Raises `FeedError` for a bad source and `TapeError` for a target that cannot be written; either way
    nothing half-made is left.
    """
    with ThreadPoolExecutor(max_workers=1) as pool, TapeWriter(target, source, options, force) as writer:
        digests = [pool.submit(file_sha256, path) for path in source.paths]
        sizes = [path.stat().st_size for path in source.paths]
        for batch in ahead(source.batches()):
            writer.append(batch)
            if progress:
                progress(source.progress(), writer.count)
        sources = [
            SourceFile(path.name, size, digest.result())
            for path, size, digest in zip(source.paths, sizes, digests, strict=True)
        ]
        return writer.finish(sources)


def ahead(batches: Iterator[Batch], depth: int = 2) -> Iterator[Batch]:
    """The same batches, read in a thread of their own: parsing and ingesting use a core each."""
    ready: Queue[Batch | BaseException | None] = Queue(depth)
    stop = Event()

    def put(item: Batch | BaseException | None) -> bool:
        while not stop.is_set():
            try:
                ready.put(item, timeout=0.1)
                return True
            except Full:
                continue
        return False

    def read() -> None:
        try:
            for batch in batches:
                if not put(batch):
                    return
            put(None)
        except BaseException as error:  # noqa: BLE001 - handed to the caller, who raises it
            put(error)

    thread = Thread(target=read, name="feed", daemon=True)
    thread.start()
    try:
        while (item := ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stop.set()
        thread.join()
