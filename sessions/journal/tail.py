"""The end of a log, without reading all of it."""

from sessions.journal.disk import Disk
from sessions.journal.log import start_of
from sessions.journal.reading import Reader
from sessions.journal.recover import begin_of, segments


def last_texts(disk: Disk, genesis: bytes, stream: str) -> tuple[bytes, Reader]:
    """The last text record of a stream, from its last segment that has any, and the reader at the log's end."""
    count, end = segments(disk, "log"), Reader(disk, start_of(genesis))
    found = b""
    for number in range(count - 1, -1, -1):
        begin = begin_of(disk, number, genesis)
        if begin is None:
            continue
        reader = Reader(disk, begin)
        for block in reader:
            if end.at.blocks and reader.at.segment > number:
                break  # seen already
            for each in block.sections:
                if each.stream.name == stream:
                    found = each.text()
        if not end.at.blocks:
            end = reader
        if found:
            break
    return found, end
