"""Settings: who wins, and what is said about mistakes."""

from pathlib import Path

import pytest

from app.config import DeckConfig, default_path, load
from app.deck.actions import ACTIONS
from core.errors import ConfigError


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "tapedeck.toml"
    path.write_text(text, "utf-8")
    return path


def test_defaults_without_a_file(tmp_path: Path) -> None:
    assert load(environ={"TAPEDECK_HOME": str(tmp_path)}) == DeckConfig()


def test_file_then_environment_then_flag(tmp_path: Path) -> None:
    write(tmp_path, '[deck]\ntheme = "day"\nfps = 10\ncolumn = 2\npalette = "mono"\n')
    home = {"TAPEDECK_HOME": str(tmp_path)}
    assert load(environ=home) == DeckConfig(theme="day", fps=10, column=2.0, palette="mono")
    environ = home | {"TAPEDECK_FPS": "15", "TAPEDECK_THEME": "contrast"}
    assert load(environ=environ) == DeckConfig(theme="contrast", fps=15, column=2.0, palette="mono")
    flags = {"fps": 20, "theme": None, "group": 5}
    assert load(environ=environ, flags=flags) == DeckConfig(
        theme="contrast", fps=20, column=2.0, palette="mono", group=5
    )


def test_keys(tmp_path: Path) -> None:
    path = write(tmp_path, '[keys]\nplay = "p"\npalette = ["P", "ctrl+y"]\n')
    assert load(path, environ={}).keys == {"play": ("p",), "palette": ("P", "ctrl+y")}


def test_where_the_file_is() -> None:
    assert default_path({"TAPEDECK_HOME": "/somewhere"}) == Path("/somewhere/tapedeck.toml")
    assert default_path({}).name == "tapedeck.toml"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ('[deck]\nthme = "day"\n', ["tapedeck.toml", "[deck]", "'thme'", "'theme'"]),
        ("[dek]\nfps = 3\n", ["tapedeck.toml", "'dek'", "'deck'"]),
        ('[deck]\ntheme = "nigt"\n', ["tapedeck.toml", "theme", "'nigt'", "'night'"]),
        ("[deck]\nfps = 0\n", ["fps", "0", "1 to 60"]),
        ("[deck]\nfps = true\n", ["fps", "True"]),
        ('[deck]\nfps = "30"\n', ["fps", "'30'"]),
        ("[deck]\ncolumn = -1.5\n", ["column", "-1.5"]),
        ("[deck]\ncolumn = nan\n", ["column", "nan"]),
        ("[deck\n", ["tapedeck.toml", "not valid TOML"]),
        ("deck = 3\n", ["[deck]", "must be a table"]),
        ('[keys]\npaly = "p"\n', ["[keys]", "'paly'", "'play'"]),
        ("[keys]\nplay = 3\n", ["[keys]", "play", "3"]),
        ('[keys]\nplay = "p"\n', ["'p'", "'play'", "'palette'"]),
        ('[keys]\nplay = "spcae"\n', ["'spcae'", "'space'"]),
    ],
)
def test_mistakes_in_the_file(tmp_path: Path, text: str, parts: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        load(write(tmp_path, text), environ={})
    assert all(part in str(caught.value) for part in parts), str(caught.value)
    assert caught.value.exit_code == 2


def test_mistakes_elsewhere(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such settings file"):
        load(tmp_path / "nothing.toml", environ={})
    home = {"TAPEDECK_HOME": str(tmp_path)}
    with pytest.raises(ConfigError, match="TAPEDECK_FPS: 'fast'"):
        load(environ=home | {"TAPEDECK_FPS": "fast"})
    with pytest.raises(ConfigError, match="--glyphs: 'asci' .* 'ascii'"):
        load(environ=home, flags={"glyphs": "asci"})
    with pytest.raises(ConfigError, match="unknown option 'colour'"):
        load(environ=home, flags={"colour": "red"})
    (tmp_path / "tapedeck.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="cannot be read"):
        load(environ=home)


def test_every_setting_is_explained() -> None:
    source = (Path(__file__).resolve().parents[3] / "app" / "config.py").read_text("utf-8")
    body = source[source.index("class DeckConfig") : source.index("def load(")]
    settings = [line for line in body.splitlines() if line.startswith("    ") and ": " in line and " = " in line]
    assert len(settings) == len(DeckConfig.__dataclass_fields__)
    assert body.count('"""') == 2 * (len(settings) + 1)


def test_no_action_has_the_name_of_a_table() -> None:
    assert not {"deck", "keys"} & {action.name for action in ACTIONS}
