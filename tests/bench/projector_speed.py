"""Rows a second from the log into DuckDB, and the ten questions asked of the result by a fresh process each.

Makes a journal of `--records` seeded records without an engine. Prints one JSON record.

    python tests/bench/projector_speed.py --records 1000000
    python tests/bench/projector_speed.py --records 10000000 --questions --keep /tmp/ten
"""

import argparse
import json
import subprocess
import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path

from core.clock import monotonic_ns
from sessions.audit.project import project
from sessions.journal.log import start_of
from sessions.journal.reading import Reader
from sessions.manifest import read_manifest
from sessions.recording import log_disk

QUESTIONS = {
    "why": "SELECT * FROM v_why WHERE order_id = {order}",
    "chain": "SELECT * FROM v_chain WHERE order_id = {order} ORDER BY record",
    "denied": "SELECT control, count(*), min(ts), max(ts), any_value(changed_by) FROM v_denied GROUP BY control",
    "position": "SELECT agent, instrument, arg_max(position, record) FROM v_position WHERE ts <= {ts} GROUP BY ALL",
    "working": "SELECT * FROM v_working WHERE ts_arrived <= {ts} AND (ts_done > {ts} OR ts_done IS NULL)",
    "stale": "SELECT * FROM v_stale",
    "orphans": "SELECT what, count(*) FROM v_orphans GROUP BY what",
    "operator": "SELECT * FROM v_operator",
    "rates": "SELECT * FROM v_rates",
    "latency": "SELECT * FROM v_latency",
    "near": "SELECT control, agent, count(*), max(share) FROM v_near GROUP BY ALL",
    "integrity": "SELECT * FROM v_integrity",
}
_ASK = """
import sys
from pathlib import Path
from sessions.audit.connect import reading
from sessions.manifest import read_manifest
folder = Path(sys.argv[1])
with reading(folder, read_manifest(folder)) as journal:
    ask = journal.connection.execute
    order, ts = ask("SELECT max(order_id) // 2, (min(ts_sent) + max(ts_sent)) // 2 FROM orders").fetchone()
    print(len(ask(sys.argv[2].format(order=order, ts=ts)).fetchall()))
"""


def make(folder: Path, records: int) -> None:
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from tests.oracle.journals import made

    journal = made(folder, keep=False)
    while journal.log.at.records < records:
        journal.write(journal.block(2_000))
    journal.seal()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--questions", action="store_true")
    parser.add_argument("--keep", type=Path, help="folder of the journal; what is there is used")
    args = parser.parse_args()
    with nullcontext(str(args.keep)) if args.keep else tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "session"
        if not folder.exists():
            make(folder, args.records)
        manifest = read_manifest(folder)
        began = monotonic_ns()
        read = sum(block.records for block in Reader(log_disk(folder), start_of(manifest.hash)))
        reading = (monotonic_ns() - began) / 1e9
        began = monotonic_ns()
        done = project(folder, manifest)
        taken = (monotonic_ns() - began) / 1e9
        found = {
            "records": read, "log_mb": sum(f.stat().st_size for f in (folder / "wal").iterdir()) // 10**6,
            "duckdb_mb": done.path.stat().st_size // 10**6, "read_s": round(reading, 2), "project_s": round(taken, 2),
            "rows_per_s": round(done.added / taken),
        }  # fmt: skip
        for name, query in QUESTIONS.items() if args.questions else ():
            began = monotonic_ns()
            answer = subprocess.run(
                [sys.executable, "-c", _ASK, str(folder), query], check=True, capture_output=True, text=True
            )
            found[name] = {"s": round((monotonic_ns() - began) / 1e9, 2), "rows": int(answer.stdout)}
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
