"""Parse speed of the ITCH importer: `python tests/bench/itch_parse.py [MILLIONS] [STOCKS]`, prints JSON.

Makes a synthetic capture of many stocks, then reads it warm: one stock out of all, and a capture of a single
stock where every message becomes a row. All messages of the file count.
"""

import gzip
import json
import runpy
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from core.feeds.itch import FEED  # noqa: E402 - the repository need not be installed
from core.feeds.source import Options  # noqa: E402

encoder = runpy.run_path(str(ROOT / "tests" / "encoders" / "itch.py"))


def measure(path: Path, symbol: str, messages: int, runs: int = 5) -> dict[str, float]:
    """Median over `runs` of opening and reading all batches of one stock: wall time, and CPU time of the process."""
    wall, cpu, rows = [], [], 0
    for _ in range(runs):
        start, start_cpu = time.perf_counter(), time.process_time()
        source = FEED.open([path], Options(symbol=symbol, date="2019-01-30"))
        rows = sum(len(batch.rows) for batch in source.batches())
        wall.append(time.perf_counter() - start)
        cpu.append(time.process_time() - start_cpu)
        if source.messages != messages:
            raise SystemExit(f"{source.messages} messages read, {messages} written")
    seconds, busy = statistics.median(wall), statistics.median(cpu)
    return {
        "rows": rows,
        "seconds": round(seconds, 4),
        "messages_per_second": round(messages / seconds),
        "messages_per_cpu_second": round(messages / busy),
    }


def main(millions: float, stocks: int) -> None:
    """Build, measure, print."""
    result: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, count in (("many_stocks", stocks), ("one_stock", 1)):
            data, messages = encoder["day"](np.random.default_rng(1), int(millions * 1e6 / 2.75), count)
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
