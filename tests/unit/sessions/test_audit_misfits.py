"""Values that no column can hold are one error with file and key, in a manifest as in a record."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from core.enums import OperatorAct
from sessions.audit.project import project
from sessions.journal.errors import JournalError
from sessions.journal.streams import text_section
from sessions.manifest import Manifest
from tests.oracle.journals import Made, made, small

LONE = "\ud800"


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return small(tmp_path_factory.mktemp("misfits") / "20260101-000000-made", blocks=1)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        (("name",), LONE, "session[0].name is no text"),
        (("created_ns",), 2**70, "session[0].created_ns is a number beyond"),
        (("created_ns",), math.inf, "OverflowError"),
        (("plan", "seed"), -(2**63) - 1, "session[0].seed is a number beyond"),
        (("plan", "tapes", 0, "multiplier"), 1e308, "plan.tapes[0].multiplier is no size: '1e+308'"),
        (("plan", "tapes", 1, "multiplier"), "x", "plan.tapes[1].multiplier is no size: 'x'"),
        (("plan", "limits", "version"), 2**70, "limits[0].version is a number beyond"),
        (("plan", "limits", "version"), math.inf, "plan.limits cannot be used"),
        (("features",), math.nan, "features.names are none"),
        (("features",), [], "features.names are none"),
        (("tapes", 0, "lot"), "1e999999", "tapes[0].lot is no size"),
        (("tapes", 0, "tick"), "Infinity", "tapes[0].tick is no size"),
        (("tapes", 1, "tick"), "NaN", "tapes[1].tick is no size"),
        (("tapes", 0, "tick"), "0", "tapes[0].tick is no size"),
        (("tapes", 0, "first_ts"), 2**70, "instruments[0].first_ts is a number beyond"),
        (("agents", 0, "policy"), LONE, "agents[0].policy is no text"),
        (("kills", 0, "reason"), LONE, "kills[0].reason is no text"),
        (("money_digits",), 2**70, "money_digits is from 0 to 18"),
        (("money_digits",), -400, "money_digits is from 0 to 18"),
    ],
)
def test_a_manifest_with_what_cannot_be(journal: Made, key: tuple[Any, ...], value: Any, said: str) -> None:
    fields = json.loads((journal.folder / "manifest.json").read_text())
    inside = fields
    for each in key[:-1]:
        inside = inside[each]
    inside[key[-1]] = value
    with pytest.raises(JournalError) as error:
        project(journal.folder, Manifest(fields, journal.manifest.hash))
    assert said in error.value.reason
    assert error.value.place.endswith("manifest.json")


@pytest.mark.parametrize("value", [2**70, math.inf, LONE])
def test_a_record_with_what_cannot_be_ends_the_tables_before_its_block(tmp_path: Path, value: Any) -> None:
    written = made(tmp_path / "20260101-000000-made")
    written.write(written.block(5))
    kept = written.log.at
    fields = json.loads(written.act(OperatorAct.PAUSE)[0].text())
    fields["ts"] = value if value != LONE else fields["ts"]
    fields["act"]["reason"] = LONE if value == LONE else ""
    written.log.append([*written.block(5), text_section("acts", json.dumps(fields))])
    done = project(written.folder, written.manifest)
    assert done.at == kept
    assert "what lies behind it is not read" in done.fault
