"""Parse speed of the ITCH importer: `python tests/bench/itch_parse.py [MILLIONS] [STOCKS]`, prints JSON.

Makes a synthetic capture of many stocks, then reads it warm: one stock out of all, and a capture of a single
stock where every message becomes a row. All messages of the file count.
"""

import gzip
import importlib.util
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from core.feeds.itch import FEED
from core.feeds.source import Options

_spec = importlib.util.spec_from_file_location("itch_encoder", ROOT / "tests" / "encoders" / "itch.py")
assert _spec is not None and _spec.loader is not None
encoder = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(encoder)


def measure(path: Path, symbol: str, messages: int, runs: int = 5) -> dict[str, float]:
    """Median over `runs` of opening and reading all batches of one stock."""
    seconds, rows = [], 0
    for _ in range(runs):
        start = time.perf_counter()
        source = FEED.open([path], Options(symbol=symbol, date="2019-01-30"))
        rows = sum(len(batch.rows) for batch in source.batches())
        seconds.append(time.perf_counter() - start)
        assert source.messages == messages, (source.messages, messages)
    middle = statistics.median(seconds)
    return {"rows": rows, "seconds": round(middle, 4), "messages_per_second": round(messages / middle)}


def main(millions: float, stocks: int) -> None:
    """Build, measure, print."""
    result: dict[str, object] = {"cpus": 1}
    with tempfile.TemporaryDirectory() as folder:
        for name, count in (("many_stocks", stocks), ("one_stock", 1)):
            data, messages = encoder.day(np.random.default_rng(1), int(millions * 1e6 / 2.75), count)
            path = Path(folder) / "day.itch"
            path.write_bytes(data)
            measure(path, "S00000", messages, 1)  # compile, warm the page cache
            result[name] = {"messages": messages, "bytes": len(data), **measure(path, "S00000", messages)}
            if name == "many_stocks":
                packed = Path(folder) / "day.itch.gz"
                packed.write_bytes(gzip.compress(data[: len(data) // 4], 6))
                part = FEED.open([packed], Options(symbol="S00000", date="2019-01-30"))
                list(part.batches())
                result["many_stocks_gzip"] = {"messages": part.messages, **measure(packed, "S00000", part.messages, 3)}
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 4.0, int(sys.argv[2]) if len(sys.argv) > 2 else 5000)
