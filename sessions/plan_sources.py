"""The tapes and model files that a session was made from, found again by their content."""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import TapeError
from core.tape.folder import MESSAGES, META, read_meta
from sessions.manifest import Manifest
from sessions.plan_file import MOST_AGENTS, MOST_TAPES
from sessions.toml_table import Table

_MOST_SCANNED = 10_000


@dataclass(frozen=True, slots=True)
class Sources:
    """Folders of the tapes in their order; files of the models by sha256."""

    tapes: list[Path]
    models: dict[str, list[Path]]
    called: Mapping[tuple[str, str], str]  #: file name of an agent's policy or signal

    def model(self, sha: str, agent: str, key: str) -> Path:
        """The file that an agent's `key` ("policy", "signal") was: of equal ones the one of that name."""
        name = self.called.get((agent, key), "")
        return next((path for path in self.models[sha] if path.name == name), self.models[sha][0])


def find_sources(
    manifest: Manifest, root: Table, tapes: Sequence[Path], models: Sequence[Path], names: bool
) -> tuple[Sources, list[str], list[str]]:
    """What was found, what is missing or changed, and what lies elsewhere now; see `restore`."""
    problems: list[str] = []
    notes: list[str] = []
    places: list[Path] = []
    listed = manifest.fields["tapes"]
    said = listed if isinstance(listed, list) else []
    for k, table in enumerate(root.tables("tapes", MOST_TAPES)):
        wanted, name = table.text("messages_sha256"), table.text("name")
        entry = said[k] if k < len(said) and isinstance(said[k], dict) else {}
        own = Path(str(entry.get("folder", ""))) if names else None
        place, problem = _tape(name, wanted, own, tapes)
        places += [place] if place is not None else []
        problems += [problem] if place is None else []
        notes += [problem] if place is not None and problem else []
    found: dict[str, list[Path]] = {}
    named = manifest.fields.get("models")
    entries = [e for e in named if isinstance(e, dict)] if isinstance(named, list) else []
    for sha in sorted({sha for agent in root.tables("agents", MOST_AGENTS) for sha in _shas(agent)}):
        own_files = [Path(str(e.get("file", ""))) for e in entries if e.get("sha256") == sha] if names else []
        found[sha], problem = _model(sha, own_files, models)
        problems += [] if found[sha] else [problem]
        notes += [problem] if found[sha] and problem else []
        problems += _other_cards(found[sha], {str(e["card_sha256"]) for e in entries if "card_sha256" in e})
    agents = manifest.fields["agents"]
    called = {
        (str(each.get("name")), key): str(each.get(key))
        for each in agents
        if isinstance(each, dict)
        for key in ("policy", "signal")
    }
    return Sources(places, found, called), problems, notes


def _tape(name: str, sha: str, own: Path | None, folders: Sequence[Path]) -> tuple[Path | None, str]:
    """Folder of the tape with that content, and what is to be said about it."""
    wrong = "is nowhere"
    for k, place in enumerate(_places(own, folders, META)):
        try:
            if read_meta(place).messages_sha256 != sha:
                wrong = f"{place} holds other messages" if k == 0 and place == own else wrong
                continue
            if _sha256(place / MESSAGES) == sha:
                return place, "" if place == own or own is None else f"tape {name}: found at {place}"
            wrong = f"{place}: {MESSAGES} was changed"
        except (TapeError, OSError, ValueError) as error:
            wrong = str(error) if place == own and own.is_dir() else wrong
    return None, f"tape {name} (sha256 {sha[:16]}): {wrong}"


def _model(sha: str, own: Sequence[Path], folders: Sequence[Path]) -> tuple[list[Path], str]:
    """Files with that content, those that the manifest names first; and what is to be said about it."""
    name = own[0].name if own else "model"
    wrong = f"model {name} (sha256 {sha[:16]}): is nowhere"
    here = []
    for path in own:
        try:
            if _sha256(path) == sha:
                here.append(path)
            else:
                wrong = f"model {name} (sha256 {sha[:16]}): {path} was changed"
        except (OSError, ValueError):
            continue
    if here:
        return here, ""
    for path in _places(None, folders, "*.onnx"):
        try:
            if _sha256(path) == sha:
                return [path], f"model {name}: found at {path}"
        except OSError:
            continue
    return [], wrong


def _other_cards(files: Sequence[Path], known: Collection[str]) -> list[str]:
    """A model's card says what is a good answer: one that was changed makes another session."""
    problems = []
    for card in {path.with_suffix(".json") for path in files} if known else ():
        try:
            if _sha256(card) not in known:
                problems.append(f"model card {card}: was changed")
        except OSError:
            problems.append(f"model card {card}: is missing")
    return problems


def _places(own: Path | None, folders: Sequence[Path], what: str) -> Iterator[Path]:
    """Where a thing may be: where it was, then whatever looks like one in some folders, by name."""
    if own is not None and str(own) not in ("", "."):
        yield own
    for folder in folders:
        try:
            if what == META:
                found = sorted(path.parent for path in folder.glob(f"*/{META}"))
            else:
                found = sorted(folder.glob(what))
        except (OSError, ValueError):
            continue
        yield from found[:_MOST_SCANNED]


def _sha256(path: Path) -> str:
    if not path.is_file():  # a pipe would never end
        raise FileNotFoundError(path)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _shas(agent: Table) -> Iterator[str]:
    for key in ("policy", "signal"):
        if isinstance(agent.raw(key), dict):
            agent.table(key).only(("onnx",))
            yield agent.table(key).text("onnx")
