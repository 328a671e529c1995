"""The thread of a trading session: the tape player's, with a desk in it and a person's commands for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.deck.contracts import Contract
from app.runner import TapePlayer
from core.clock import monotonic_ns
from core.desk_view import REPLAYED, DeskView, KillPart, KillView
from core.enums import OperatorAct
from core.errors import ConfigError, TapedeckError
from core.plan import SessionPlan
from core.snapshot import Snapshot, State
from core.tape.folder import read_meta
from core.transport import Command, NewLimit, Verb

if TYPE_CHECKING:
    from app.desk_journal import DeskJournal
    from core.desk.acts import Done
    from core.desk.deeds import Act
    from core.desk.desk import Desk
    from core.desk.view import Shown
    from core.engine import Engine
    from core.trading import TradingEngine

_DESK_NS = 100_000_000  # the desk's half of a picture is made ten times a second, and after every act
_LEAST_CHUNK, _MOST_CHUNK = 50, 20_000
_QUICK_NS, _SLOW_NS = 3_000_000, 10_000_000  # a chunk stays between: a key is never far from being obeyed
_ACTS = {
    Verb.ARM: OperatorAct.ARM,
    Verb.DISARM: OperatorAct.DISARM,
    Verb.PAUSE_AGENT: OperatorAct.PAUSE,
    Verb.RESUME_AGENT: OperatorAct.RESUME,
    Verb.CANCEL_ALL: OperatorAct.CANCEL_ALL,
    Verb.FLATTEN: OperatorAct.FLATTEN,
    Verb.KILL: OperatorAct.KILL,
    Verb.REARM: OperatorAct.REARM,
    Verb.ORDER: OperatorAct.ORDER,
    Verb.CANCEL: OperatorAct.CANCEL,
    Verb.LIMIT: OperatorAct.LIMITS,
}
_OWN = (Verb.OWN_EVENT, Verb.STEP_FILL)
_SEEKS = (Verb.GOTO, Verb.GOTO_INDEX, Verb.STEP_MESSAGE, Verb.STEP_TRADE, Verb.STEP_SECOND)


class SessionPlayer(TapePlayer):
    """Plays a session for a screen. Implements `app.deck.contracts.DeskPlayer`."""

    def __init__(
        self,
        plan: SessionPlan,
        make: Callable[[], Desk],
        kills: Path,
        group: int | None = None,
        column: float = 1.0,
        speed: float = 1.0,
        playing: bool = True,
        shown: int = 0,
        journal: DeskJournal | None = None,
    ) -> None:
        """`make` builds a fresh desk (it runs on the engine's thread); `shown`: the tape on the screen; `journal`:
        what writes the session down, None = nothing does.
        """
        super().__init__(plan.tapes[shown].folder, group, column, speed, playing)
        self.plan, self.shown = plan, shown
        self.title = plan.name
        self.contracts = tuple(
            Contract(tape.name, read_meta(tape.folder).instrument, Decimal(tape.multiplier)) for tape in plan.tapes
        )
        self._make, self._kills, self.journal = make, kills, journal
        self._desk_view: DeskView | None = None
        self._desk_at = 0
        self._killed_ns = 0
        self._told = (0, "")  #: how many answers to a person's commands, and the last of them
        self.chunk = _LEAST_CHUNK

    def send(self, command: Command) -> None:
        """Queue a command; never blocks. A kill's time runs from here."""
        if command.verb == Verb.KILL:
            self._killed_ns = monotonic_ns()
            self._commands.appendleft(command)  # nothing that was asked before comes before it
            self._wake.set()
        else:
            super().send(command)

    # --- the engine's thread -------------------------------------------------------------------

    def _open(self) -> Engine:
        from core.desk.acts import rehearse
        from core.desk.view import Shown
        from core.engine import View, usual_group
        from core.trading import TradingEngine

        self._shown: Shown = Shown(hurried=self._urgent)
        spare = self._make()
        spare.advance(most=1)  # what a person waits for is compiled or loaded here, and not at the first play
        rehearse(spare)
        desk = self._make()
        group = self._group or usual_group(desk.tapes[self.shown])
        first: list[Desk] = [desk]
        engine = TradingEngine(
            lambda: self._ready(first.pop() if first else self._make()),
            self.shown,
            View(group, self._column),
            self._kills,
            self.journal.begin if self.journal is not None else lambda _desk, _kills: None,
        )
        self._read_kills(engine)
        return engine

    def _serve(self) -> None:
        """Play until the screen is closed; the journal's last word says how it ended."""
        reason, faulted = "the screen was closed", True
        try:
            super()._serve()
            faulted = False
        except BaseException as error:
            reason = f"{type(error).__name__}: {error}"
            raise
        finally:
            if self.journal is not None:
                from sessions.recording import State

                self.journal.end(reason, State.FAULTED if faulted else State.SEALED)

    def _turn(self, engine: Engine) -> None:
        if self._shown.armed_until and monotonic_ns() >= self._shown.armed_until:
            self._trade(engine, Command(Verb.DISARM, text="its time was up"))  # type: ignore[arg-type]
            self._desk_at = 0
        super()._turn(engine)
        if self.journal is not None:
            self.journal.say(self._playing)

    def _ready(self, desk: Desk) -> Desk:
        desk.answers.urgent = self._urgent
        return desk

    def _urgent(self) -> bool:
        """A kill waits: a picture of a thousand orders takes longer than it may."""
        return any(command.verb == Verb.KILL for command in tuple(self._commands))

    def _play(self, engine: Engine) -> bool:
        idle = super()._play(engine)
        if self._chunk_ns > _SLOW_NS:
            self.chunk = max(_LEAST_CHUNK, self.chunk // 2)
        elif self._chunk_ns < _QUICK_NS:
            self.chunk = min(_MOST_CHUNK, self.chunk * 2)
        return idle

    def _obey(self, engine: Engine, command: Command) -> None:
        trading: Any = engine
        if command.verb in _ACTS:
            self._trade(trading, command)
        elif command.verb in _OWN:
            self._to_own(trading, command)
        else:
            before = trading.replayed
            if command.verb in _SEEKS:
                self._show(State.SEEKING)
            super()._obey(engine, command)
            if command.verb in (Verb.GOTO_INDEX, Verb.STEP_MESSAGE, Verb.STEP_TRADE):
                self._said(trading, before)
        self._desk_at = 0

    def _to_own(self, engine: TradingEngine, command: Command) -> None:
        """To the moment of something of ours. Another command ends the search where it is."""
        self._playing = False
        self._show(State.SEEKING)
        before, denied, onward = engine.replayed, command.verb == Verb.OWN_EVENT, command.value > 0
        found = engine.next_own(denied, self._halted) if onward else engine.previous_own(denied)
        self._rest(engine.clock)
        self._said(engine, before)
        if not found:
            words = f"no fill of ours{' and no order denied' * denied} {'after' if onward else 'before'} this"
            if onward and engine.index < len(engine.messages):
                words = "the search was ended by another key"
            self._told = (self._told[0] + 1, words)

    def _halted(self) -> bool:
        """Whether a search must end: the screen closes, or a command waits that is not another search."""
        return self._stop.is_set() or any(command.verb not in _OWN for command in tuple(self._commands))

    def _goto(self, engine: Engine, ts: int) -> None:
        """To a time; agents have had their turns up to then. Going back says what becomes of them."""
        trading: Any = engine
        ts = min(max(ts, self.first_ts), self.last_ts)
        before = trading.replayed
        trading.seek(engine.tape.index_at(ts), ts)
        self._rest(max(ts, trading.clock) if trading.clock > ts else ts)
        self._said(trading, before)

    def _said(self, engine: TradingEngine, before: int) -> None:
        if engine.replayed != before:
            self._shown.denials.clear()
            self._shown.denied_at.clear()
            count = len(engine.acts)
            acts = f"your {count} act{'s' * (count != 1)}" if count else "no act of yours before it"
            engine.desk.answers.say(engine.clock, -1, f"{REPLAYED}, with {acts}")
            self._read_kills(engine)

    def _trade(self, engine: TradingEngine, command: Command) -> None:
        """A person's command to the desk. What cannot be done is said on the blotter, the engine goes on."""
        from core.desk.acts import DESK
        from core.desk.deeds import Act
        from core.risk.kill import KillFileError

        target = DESK if command.verb in (Verb.ARM, Verb.DISARM, Verb.ORDER, Verb.LIMIT) else int(command.value)
        asked = Act(_ACTS[command.verb], target, command.text, ticket=command.ticket)
        if command.limit is not None:
            asked = _limit_act(command.limit, engine.desk.clock)
        try:
            if command.verb == Verb.ARM:
                self._shown.armed_until = monotonic_ns() + int(float(command.value) * 1e9)
            elif command.verb == Verb.DISARM:
                self._shown.armed_until = 0
            elif command.verb == Verb.KILL:
                done = engine.act(asked, self._killed_ns or monotonic_ns())
                self._keep_kill(engine, done, command.text)
                return
            self._tell(engine, engine.act(asked))
            if command.verb == Verb.REARM:
                self._read_kills(engine)
        except (ConfigError, KillFileError) as error:
            self._refuse(engine, -1, str(error))

    def _refuse(self, engine: TradingEngine, agent: int, words: str) -> None:
        """Say on the blotter, and to the person who asked, why something was not done."""
        engine.desk.answers.say(engine.clock, agent, words)
        self._told = (self._told[0] + 1, words)

    def _tell(self, engine: TradingEngine, done: Any) -> None:
        """What an act did not do."""
        if done.refused:
            name = done.act.name.lower().replace("_", " ")
            self._refuse(engine, done.agent, f"{name}: {done.refused}")

    def _keep_kill(self, engine: TradingEngine, done: Done, reason: str) -> None:
        scope = "desk" if done.agent < 0 else engine.desk.agents[done.agent].name
        parts = tuple(KillPart(name, ok, detail) for name, ok, detail in done.parts)
        view = KillView(scope, reason or "key", engine.desk.clock, done.elapsed_ms, done.still_open, parts)
        self._shown.kills = (*(kill for kill in self._shown.kills if kill.scope != scope), view)

    def _read_kills(self, engine: TradingEngine) -> None:
        """Kills that are latched: those of an earlier session too."""
        switch = engine.desk.switch
        latched = switch.latched if switch is not None else ()
        known = {kill.scope: kill for kill in self._shown.kills}
        views = []
        for act in latched:
            scope = act.scope.removeprefix("agent.")
            fresh = KillView(scope, act.reason, act.ts, 0.0, 0, (KillPart("latched", True, "from the kill file"),))
            views.append(known.get(scope, fresh))
        self._shown.kills = tuple(views)

    # --- publishing ----------------------------------------------------------------------------

    def _take(self, engine: Engine, now: int) -> Snapshot:
        from core.desk.view import Hurried, desk_view, own_rows

        snapshot = super()._take(engine, now)
        trading: Any = engine
        ladder = snapshot.ladder
        if self._desk_view is None or now - self._desk_at >= _DESK_NS:
            self._read_kills(trading)  # another process may have changed them
            try:
                self._desk_view = desk_view(
                    trading.desk, self._shown, ladder.low, len(ladder.bids), ladder.group, self.shown
                )
            except Hurried:
                return self._snapshot  # the next one comes after the kill
            except TapedeckError as error:
                self._fail(str(error))
            self._desk_at = now
        if self._desk_view is None:
            return snapshot
        # Our rows belong to this ladder, whatever age the rest of the desk's picture has.
        bids, asks, bid_ahead, ask_ahead = own_rows(
            trading.desk, ladder.low, len(ladder.bids), ladder.group, self.shown
        )
        mine = {"own_bids": bids, "own_asks": asks, "own_bid_ahead": bid_ahead, "own_ask_ahead": ask_ahead}
        more = {"limits": trading.desk.limits, "told": self._told}
        return replace(snapshot, desk=replace(self._desk_view, **mine, **more))


def _limit_act(limit: NewLimit, clock: int) -> Act:
    """The act that a new limit asks for; its expiry counts from market time `clock`."""
    from core.desk.deeds import Act

    expires = None if limit.seconds is None else clock + int(limit.seconds * 1e9)
    return Act(
        OperatorAct.LIMITS,
        reason=limit.reason,
        person=limit.person,
        scope=limit.scope,
        control=limit.control,
        value=limit.value,
        expires=expires,
    )
