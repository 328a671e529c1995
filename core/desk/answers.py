"""Turns that the compiled line cannot take by itself: signals, and policies in Python."""

import copy
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from core.desk.budget import Worker
from core.desk.recorder import Recorder
from core.enums import AgentState, EventKind, Reason, Stage
from core.features.spec import SPEC
from core.line.state import NEVER, Line
from core.line.submit import desk_event
from core.line.wake import policy, row_of
from core.plan import AgentPlan, SessionPlan
from core.policies.check import Answer, ask
from core.policies.codes import Code
from core.policies.port import Policy
from core.policies.reasons import ReasonBook
from core.policies.shown import View
from core.ports import Reading, ReadingStatus, Signal
from core.records import LATENCY

_LATE = {
    ReadingStatus.LATE: Reason.POLICY_LATE,
    ReadingStatus.NOT_FINITE: Reason.NOT_FINITE,
    ReadingStatus.OUT_OF_RANGE: Reason.OUT_OF_RANGE,
    ReadingStatus.FAILED: Reason.POLICY_RAISED,
}


class Past(Protocol):
    """What a session said of its answers by the wall clock: a second run is told, or it could not agree."""

    patience_ns: int  #: time that a policy has in the second run, whatever the plan says

    def cut_off(self, agent: int, now: int) -> bool:
        """Whether the agent's policy did not answer in time in its turn at `now` (ns UTC, our clock)."""

    def late(self, agent: int, now: int, policy: bool) -> bool:
        """Whether its signal, or with `policy` its policy's model, was cut off in that turn."""

    def latency(self, agent: int, now: int) -> int:
        """Nanoseconds that the gate was told its model took; 0 inside of the soft budget."""


class Answers:
    """Asks signals and Python policies, within their time, and puts what they say before the line."""

    def __init__(
        self,
        plan: SessionPlan,
        agents: Sequence[AgentPlan],
        policies: Mapping[int, Policy],
        signals: Mapping[int, Signal],
    ) -> None:
        """`policies` by row of settings, `signals` by agent."""
        self._agents, self._policies, self._signals = agents, policies, signals
        self._budget = int(plan.budget_ms * 1e6)
        self._workers: dict[int, Worker] = {}
        self.reasons = [ReasonBook() for _ in agents]
        self.latency = [0] * len(agents)  #: ns of each agent's last decision, wall time
        self._times: list[NDArray[np.void]] = []
        self.said: deque[tuple[int, int, str]] = deque(maxlen=256)  #: ns UTC, agent (-1 = the desk), what was wrong
        self.urgent: Callable[[], bool] = lambda: False  #: whether a person's command waits
        self.past: Past | None = None  #: the session that this one repeats

    def give(self, line: Line, recorder: Recorder) -> None:
        """Answer for the agent that the line asks about."""
        agent = int(line.top[0]["asked"])
        now = int(line.seen[0]["now"])
        taken = self._read_signal(line, agent, now)
        row = int(row_of(line, agent))
        n = 0
        if line.codes[row] != Code.OUTSIDE:
            n = int(policy(line, agent))
        elif row in self._policies:
            n, more = self._ask(line, agent, row, now)
            taken += more
            self._time(line, agent, Stage.POLICY, more)
        self.latency[agent] = taken
        line.top[0]["answers"], line.top[0]["answered"] = n, 1

    def _time(self, line: Line, agent: int, stage: Stage, ns: int) -> None:
        record = np.zeros(1, LATENCY)
        record["ts"], record["ns"], record["agent"], record["stage"] = line.seen[0]["now"], ns, agent, stage
        record["decision"] = line.top[0]["decision"]
        self._times.append(record)

    def tell(self, recorder: Recorder) -> None:
        """Record the wall times taken since the last call."""
        if self._times:
            recorder.take("latencies", np.concatenate(self._times))
            self._times.clear()

    def _read_signal(self, line: Line, agent: int, now: int) -> int:
        signal = self._signals.get(agent)
        if signal is None:
            return 0
        who = line.agents[agent]
        reading = self._as_recorded(signal.read(line.row), agent, now, False)
        self._time(line, agent, Stage.SIGNAL, reading.latency_ns)
        line.seen[0]["signal"] = who["signal"] = reading.value
        who["model_bad"] = int(
            reading.status in (ReadingStatus.NOT_FINITE, ReadingStatus.OUT_OF_RANGE, ReadingStatus.FAILED)
        )
        # Inside the soft budget the time is not told, so that two runs agree to the last bit.
        who["model_latency"] = 0 if reading.status == ReadingStatus.OK else reading.latency_ns
        if reading.usable:
            who["model_ts"] = now
        else:
            reason = _LATE[reading.status]
            desk_event(line, now, EventKind.MODEL, agent, 0, reason, int(reading.status), 0)
            self.say(now, agent, f"signal {signal.name}: {reason.name.lower().replace('_', ' ')}")
        return reading.latency_ns

    def _ask(self, line: Line, agent: int, row: int, now: int) -> tuple[int, int]:
        """Ask a Python policy. How many intents, and the ns it took."""
        count = int(line.seen[0]["n_open"])
        view = View(line.seen[0].copy(), line.opens[:count].copy(), line.row.copy(), SPEC.names)
        worker = self._workers.setdefault(agent, Worker(self._agents[agent].name))
        decider, book, out, past = self._policies[row], self.reasons[agent], np.zeros_like(line.intents), self.past
        if past is not None and past.cut_off(agent, now):
            self._fail(line, agent, now, Reason.POLICY_LATE, "no answer in time, as recorded: cut off, paused")
            return 0, 0
        late = past is not None and past.late(agent, now, True)
        before, words = getattr(decider, "reading", None), copy.deepcopy(book) if late else book
        budget = self._budget if past is None else past.patience_ns
        in_time, answer, taken = worker.call(lambda: ask(decider, view, out, words), budget, self.urgent)
        if late and in_time:
            if getattr(decider, "reading", None) is not before:
                answer, out[:] = Answer(0), np.zeros((), out.dtype)  # what the model said came too late to count
            else:
                self.reasons[agent] = words
        if not in_time:
            del self._workers[agent]
            self._fail(line, agent, now, Reason.POLICY_LATE, f"no answer within {taken / 1e6:.0f} ms: cut off, paused")
            return 0, taken
        given: Answer = answer
        line.intents[:] = out
        who = line.agents[agent]
        if given.reason != Reason.NONE:
            desk_event(line, now, EventKind.MODEL, agent, 0, int(given.reason), 0, 0)
            self.say(now, agent, given.detail)
            if given.reason == Reason.POLICY_RAISED:
                self._fail(line, agent, now, given.reason, "")
            return 0, taken
        if who["model"] >= 0:
            self._model_health(line, agent, row, now)
        return given.n, taken

    def _model_health(self, line: Line, agent: int, row: int, now: int) -> None:
        """A policy that is a model says how its last answer came about."""
        reading = getattr(self._policies[row], "reading", None)
        if reading is None:
            return
        reading = self._as_recorded(reading, agent, now, True)
        who = line.agents[agent]
        who["model_bad"] = int(
            reading.status in (ReadingStatus.NOT_FINITE, ReadingStatus.OUT_OF_RANGE, ReadingStatus.FAILED)
        )
        who["model_latency"] = 0 if reading.status == ReadingStatus.OK else reading.latency_ns
        if reading.usable:
            who["model_ts"] = now
        else:
            desk_event(line, now, EventKind.MODEL, agent, 0, int(_LATE[reading.status]), int(reading.status), 0)

    def _as_recorded(self, reading: Reading, agent: int, now: int, policy: bool) -> Reading:
        """A reading as it counted in the session that this one repeats, as far as the wall clock decided it."""
        if self.past is None:
            return reading
        latency = self.past.latency(agent, now)
        if self.past.late(agent, now, policy):
            return Reading((0.0,) * len(reading.values), latency, ReadingStatus.LATE)
        usable = ReadingStatus.SLOW if latency else ReadingStatus.OK
        return Reading(reading.values, latency, usable if reading.usable else reading.status)

    def _fail(self, line: Line, agent: int, now: int, reason: Reason, words: str) -> None:
        """Pause an agent whose policy cannot be trusted; its open orders stay until a person, or the gate, acts."""
        who = line.agents[agent]
        who["state"], who["next_wake"] = AgentState.UNHEALTHY, NEVER
        desk_event(line, now, EventKind.AGENT, agent, 0, int(reason), AgentState.UNHEALTHY, 0)
        if words:
            self.say(now, agent, words)

    @property
    def troubles(self) -> list[tuple[int, str]]:
        """Agent and what was wrong, the latest last."""
        return [(agent, words) for _, agent, words in self.said]

    def say(self, ts: int, agent: int, words: str) -> None:
        """Tell on the blotter what no record has words for; agent -1 is the desk."""
        self.said.append((ts, agent, words))

    def why(self, line: Line, agent: int) -> str:
        """Why an agent last did what it did, in words."""
        return self.reasons[agent].words(int(line.agents[agent]["why"]))

    def close(self) -> None:
        """Let the threads end."""
        for worker in self._workers.values():
            worker.close()
