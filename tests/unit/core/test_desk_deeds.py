"""A person's act written down and read again is the same act."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.desk.deeds import Act, Deed, deed_text, read_deed
from core.desk.desk import Place
from core.enums import OperatorAct
from core.errors import ConfigError
from core.transport import Ticket

_WHOLE = st.integers(-(2**62), 2**62)
_TICKETS = st.builds(Ticket, st.integers(0, 9), st.sampled_from([1, -1]), _WHOLE, _WHOLE, st.integers(1, 6))
_ACTS = st.builds(
    Act,
    st.sampled_from(OperatorAct),
    _WHOLE,
    st.text(),
    st.text(),
    st.none() | _TICKETS,
    st.text(),
    st.text(),
    st.floats(allow_nan=False),
    st.none() | _WHOLE,
)
_PLACES = st.builds(Place, st.lists(st.integers(0, 2**40), min_size=1).map(tuple), st.none() | _WHOLE)


@given(st.builds(Deed, _PLACES, _WHOLE, st.integers(0, 2**40), _ACTS))
def test_a_deed_survives_being_written_down(deed: Deed) -> None:
    text = deed_text(deed)
    assert "\n" not in text
    assert read_deed(text) == deed


def test_no_value_stays_no_value() -> None:
    deed = Deed(Place((3,), None), 5, 3, Act(OperatorAct.KILL, reason="fat finger"))
    back = read_deed(deed_text(deed))
    assert math.isnan(back.act.value)
    assert (back.act.what, back.act.reason, back.place, back.ts, back.index) == (
        OperatorAct.KILL,
        "fat finger",
        Place((3,), None),
        5,
        3,
    )


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"place":{},"act":{}}', b"\xff", '{"place":1,"act":2}'])
def test_what_is_no_deed_says_so(text: str | bytes) -> None:
    with pytest.raises(ConfigError, match="not a person's act"):
        read_deed(text)
