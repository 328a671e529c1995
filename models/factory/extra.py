"""The training libraries: not part of a plain installation, so they are imported when they are needed."""

from importlib import import_module, metadata
from typing import Any

from core.errors import ConfigError

LIBRARIES = ("torch", "onnx")


def library(name: str) -> Any:
    """A training library. Raises `ConfigError` that says how to get it."""
    try:
        return import_module(name)
    except ImportError as error:
        raise ConfigError(f"training needs {name}: pip install 'tapedeck[train]'") from error


def versions() -> tuple[str, ...]:
    """Names and versions of what trains and serves, for the card."""
    return tuple(f"{name} {metadata.version(name)}" for name in ("numpy", *LIBRARIES, "onnxruntime"))
