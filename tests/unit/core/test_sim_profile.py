"""The profile of a synthetic market: JSON there and back, and nothing accepted that is not meant."""

import json
from dataclasses import fields, replace
from decimal import Decimal
from pathlib import Path

import pytest

from core.errors import ConfigError
from core.sim.profile import SHARES, MarketProfile

DEFAULT = MarketProfile.default()


@pytest.mark.parametrize("name", ["default", "dense"])
def test_what_is_saved_is_loaded(name: str, tmp_path: Path) -> None:
    profile = MarketProfile.named(name)
    profile.save(tmp_path / "p.json")
    assert MarketProfile.load(tmp_path / "p.json") == profile
    assert profile.name == name
    assert (tmp_path / "p.json").read_text() == profile.to_json()


def test_every_float_survives_json_exactly() -> None:
    profile = replace(DEFAULT, spread=0.1 + 0.2 + 1, daily_volatility=1 / 300, improve=1e-17)
    assert MarketProfile.from_json(profile.to_json()) == profile


def test_whole_numbers_stand_for_floats_but_not_the_other_way() -> None:
    raw = json.loads(DEFAULT.to_json())
    assert MarketProfile.from_json(json.dumps(raw | {"spread": 4, "fills": [1, 2]})).fills == (1.0, 2.0)
    with pytest.raises(ConfigError, match="live_orders must be a whole number"):
        MarketProfile.from_json(json.dumps(raw | {"live_orders": 600.0}))


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("name", "", "must not be empty"),
        ("tick", 0.01, "decimal number in quotes"),
        ("tick", "a cent", "decimal number in quotes"),
        ("tick", "NaN", "must be finite"),
        ("tick", "-0.01", "above zero"),
        ("open_price", "585.005", "multiple of tick"),
        ("open_price", "0.05", "20 to 100,000,000 ticks"),
        ("messages_per_day", 0, "1 to 10"),
        ("live_orders", True, "a whole number"),
        ("live_orders", 63, "64 to"),
        ("add", 0.9, "sum to 1"),
        ("add", -0.1, "0 to 1"),
        ("full_fill", "half", "a number"),
        ("full_fill", 1.5, "0 to 1"),
        ("spread", 0.5, "1 to 10,000"),
        ("spread_swing", 1, "0 up to 1"),
        ("daily_volatility", 0, "above 0"),
        ("sign_tail", 1.0, "above 1"),
        ("sign_shift", 0.0, "above sign_tail - 1"),
        ("jump_share", 0.9, "must not exceed 1 together"),
        ("jumps_per_day", -1, "0 to 1,000,000"),
        ("sizes", [], "as long as sizes"),
        ("sizes", [0] * 64, "1 to 2"),
        ("sizes", 100, "a list of whole numbers"),
        ("size_weights", [1] * 63, "as long as sizes"),
        ("fills", [], "weights, not all zero"),
        ("fills", [0, 0], "weights, not all zero"),
        ("fills", [1, -1], "weights, not all zero"),
        ("fills", [1] * 65, "at most 64"),
        ("gaps", [1] * 28, "at most 27"),
        ("distance_edges", [1, 2, 3], "start at 0"),
        ("distance_edges", [0, 2, 2], "must increase"),
        ("age_edges", [0, 2**17], "65,536 or below"),
        ("placement", [1, 1], "one value per distance bin"),
        ("cancel_age", [1, 1], "one value per age bin"),
        ("cancel_round", [1, 1, 1], "four entries"),
        ("activity_curve", [], "1 to 4,680 entries"),
        ("activity_curve", [1, 0], "between 0.001 and 1000"),
    ],
)
def test_a_wrong_field_is_named(field: str, value: object, reason: str) -> None:
    text = json.dumps(json.loads(DEFAULT.to_json()) | {field: value})
    with pytest.raises(ConfigError, match=reason) as error:
        MarketProfile.from_json(text, "my.json")
    assert str(error.value).startswith("my.json: ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "not JSON"),
        ("[]", "not a market profile"),
        ("{}", "not a market profile"),
        (DEFAULT.to_json().replace('"version": 1', '"version": 2'), "version 2"),
        (DEFAULT.to_json().replace('"spread":', '"sprede":'), "unknown field 'sprede'|missing field 'spread'"),
        (DEFAULT.to_json().replace('"spread": ', '"spread": NaN, "x": '), "NaN is not a number"),
    ],
)
def test_a_wrong_file_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        MarketProfile.from_json(text)


def test_missing_and_unknown_fields_are_both_refused() -> None:
    raw = json.loads(DEFAULT.to_json())
    for field in fields(MarketProfile):
        with pytest.raises(ConfigError, match=f"missing field '{field.name}'"):
            MarketProfile.from_json(json.dumps({k: v for k, v in raw.items() if k != field.name}))
    with pytest.raises(ConfigError, match="unknown field 'extra'"):
        MarketProfile.from_json(json.dumps(raw | {"extra": 1}))


def test_a_missing_file_and_an_unknown_name_are_config_errors(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.json"):
        MarketProfile.load(tmp_path / "none.json")
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"binary\.json"):
        MarketProfile.load(tmp_path / "binary.json")
    with pytest.raises(ConfigError, match="no profile is called 'nil'; there are: default, dense"):
        MarketProfile.named("nil")


def test_the_shares_that_are_checked_are_the_shares_there_are() -> None:
    assert sum(getattr(DEFAULT, name) for name in SHARES) == pytest.approx(1, abs=1e-6)
    assert DEFAULT.open_ticks == int(DEFAULT.open_price / Decimal("0.01"))
