"""The only door to wall time. The market's clock comes with the messages."""

import time


def monotonic_ns() -> int:
    """Nanoseconds of a clock that never goes back; for pacing and measuring."""
    return time.monotonic_ns()


def wall_ns() -> int:
    """Nanoseconds since the epoch, UTC, by the machine's clock; for naming things, never for deciding any."""
    return time.time_ns()


def cpu_ns() -> int:
    """Processor time of this thread in nanoseconds; for measuring on busy machines."""
    return time.thread_time_ns()


def sleep(seconds: float) -> None:
    """Give the processor away; for pacing threads."""
    time.sleep(seconds)
