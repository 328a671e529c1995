"""What the line knows: one `Line` per instrument; agents, parents, gate, accounts and outputs are shared."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.account.account import Account
from core.book.state import BookState
from core.features.flow import Flow
from core.jit_states import state
from core.risk.state import Gate
from core.venue.state import Venue

#: Later than any market time.
NEVER = 2**62

#: One agent.
AGENT = np.dtype(
    [
        ("instrument", "<i8"),
        ("state", "<i8"),  # AgentState
        ("every", "<i8"),  # ns between decisions
        ("next_wake", "<i8"),  # our clock, NEVER = not again
        ("parent", "<i8"),  # parent order worked on, -1 = none
        ("next_parent", "<i8"),  # the one after it
        ("last_parent", "<i8"),  # one behind its last
        ("asks", "<i8"),  # 1 = Python answers (a signal, a policy of its own)
        ("features", "<i8"),  # 1 = it reads the feature row
        ("model", "<i8"),  # model of the manifest, -1 = none
        ("model_ts", "<i8"),  # our clock at the model's last good answer, -1 = never
        ("model_bad", "<i8"),
        ("model_latency", "<i8"),  # ns, 0 while inside its soft budget
        ("open_head", "<i8"),  # its first open order, -1
        ("open_tail", "<i8"),
        ("n_open", "<i8"),
        ("decisions", "<i8"),
        ("denied", "<i8"),
        ("why", "<i8"),  # reason it gave last
        ("feature", "<i8"),  # row of its last reading in the session, -1
        ("signal", "<f8"),
        ("warned50", "<u8"),  # controls whose 50, 75 and 90 per cent it has been told of; one bit each
        ("warned75", "<u8"),
        ("warned90", "<u8"),
    ]
)

#: One parent order.
PARENT = np.dtype(
    [
        ("agent", "<i8"),
        ("instrument", "<i8"),
        ("side", "<i8"),
        ("qty", "<i8"),
        ("start", "<i8"),
        ("end", "<i8"),
        ("limit", "<i8"),  # ticks, NO_PRICE = none
        ("urgency", "<f8"),
        ("code", "<i8"),  # core.policies.codes.Code
        ("state", "<i8"),  # 0 waits, 1 is worked, 2 is over
        ("filled", "<i8"),
        ("working", "<i8"),
        ("value", "<i8"),  # sum of price * lots
        ("fees", "<i8"),
        ("arrival2", "<i8"),  # twice the mid when it started, NO_PRICE if none
        ("end2", "<i8"),
        ("start_volume", "<i8"),
        ("end_volume", "<i8"),
        ("start_worth", "<i8"),  # sum of price * lots of all prints before it
        ("end_worth", "<i8"),
        ("first_fill", "<i8"),
        ("ts_over", "<i8"),
        ("curve", "<i8"),  # first place of its curve
        ("curve_n", "<i8"),  # places
    ]
)

#: Scalars shared by all instruments.
LINE_TOP = np.dtype(
    [
        ("next_id", "<i8"),
        ("decision", "<i8"),  # decisions made in the session
        ("reading", "<i8"),  # feature rows kept in the session
        ("decisions", "<i8"),  # records in the output buffers
        ("verdicts", "<i8"),
        ("readings", "<i8"),
        ("asked", "<i8"),  # agent whose answer is awaited, -1 = none
        ("answered", "<i8"),  # 1 = `intents` holds it
        ("answers", "<i8"),  # how many
        ("agents", "<i8"),
        ("features", "<i8"),  # agents that read features
        ("broken", "<i8"),  # not 0 = an account refused a fill: the session is faulted
        ("idle", "<i8"),  # 1 = decisions that change nothing are recorded too
        ("durable", "<i8"),  # 1 = nothing goes on before the decisions made are written down
    ]
)


@state
class Line(NamedTuple):
    """Everything the compiled line needs for one instrument."""

    book: BookState
    venue: Venue
    flow: Flow
    account: Account
    gate: Gate
    agents: NDArray[np.void]  #: AGENT
    parents: NDArray[np.void]  #: PARENT
    codes: NDArray[np.int64]  #: Code by row; row = parent, or parents + agent where there is none
    params: NDArray[np.float64]  #: shape (rows, 16)
    memory: NDArray[np.int64]  #: shape (rows, 16)
    curves: NDArray[np.float64]  #: all curves one behind the other
    seen: NDArray[np.void]  #: VIEW, shape (1,)
    opens: NDArray[np.void]  #: OPEN, the asking agent's open orders
    intents: NDArray[np.void]  #: INTENT, its answer
    draft: NDArray[np.void]  #: DRAFT, shape (1,)
    market: NDArray[np.void]  #: MARKET, shape (1,)
    row: NDArray[np.float32]  #: the feature row of the moment
    decisions: NDArray[np.void]  #: DECISION, output
    verdicts: NDArray[np.void]  #: VERDICT, output
    readings: NDArray[np.float32]  #: feature rows, output, shape (n, features)
    top: NDArray[np.void]  #: LINE_TOP, shape (1,)
