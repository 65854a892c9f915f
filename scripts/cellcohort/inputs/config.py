"""Check the config against its schema, and say in one line what is wrong."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, ValidationError

from ..core.errors import InputError


def check_config(config: dict[str, Any], schema: dict[str, Any], *, files: Iterable[str] = ()) -> None:
    """Raise InputError for the first thing in `config` that `schema` forbids.

    Parameters
    ----------
    config
        The merged config, before defaults are filled in.
    schema
        The JSON schema as a dictionary; its descriptions become part of the message.
    files
        The config files that were merged, to name the one that is at fault.
    """
    errors = sorted(Draft202012Validator(schema).iter_errors(config), key=lambda error: list(map(str, error.path)))
    if errors:
        place, problem = explain(errors[0], schema)
        raise InputError(f"{_file_of(place, config, list(files))}: {'.'.join(place)}: {problem}")


PLACES = (
    ("samples",),
    ("reference", "path"),
    ("model", "bundle"),
    ("cnv", "positions"),
    ("cnv", "arms"),
    ("explain", "gene_sets"),
    ("pathvars",),
)
"""Keys that say where something lies and decide no result: what lies there does (`core.provenance`)."""


def without_places(config: dict[str, Any]) -> dict[str, Any]:
    """The config without the keys of `PLACES`: what of it decides results."""
    kept = copy.deepcopy(config)
    for *sections, key in PLACES:
        section = _look_up(kept, sections)
        if isinstance(section, dict):
            section.pop(key, None)
    return kept


def explain(error: ValidationError, schema: dict[str, Any]) -> tuple[list[str], str]:
    """Where an error of the schema lies (a path of keys), and what to do about it."""
    place = [str(part) for part in error.path]
    if error.validator == "additionalProperties" and "properties" in error.schema:
        known = list(error.schema["properties"])
        key = next(key for key in error.instance if key not in known)
        return [*place, str(key)], f"unknown key. {nearest(str(key), known)}"
    if error.validator == "required":
        key = next(key for key in error.validator_value if key not in error.instance)
        return [*place, key], f"missing. Set it: {_description(schema, [*place, key])}"
    return place, f"{error.message}. {_description(schema, place)}".rstrip()


def nearest(word: str, known: list[str]) -> str:
    """A remedy for a misspelt name: the nearest known one, or all of them."""
    close = get_close_matches(word, known, n=1)
    return f"Did you mean {close[0]}?" if close else f"Known are: {', '.join(known)}."


def _description(schema: dict[str, Any], place: list[str]) -> str:
    """The deepest description on the way to `place`."""
    text = ""
    for key in place:
        schema = schema.get("properties", {}).get(key, {})
        text = schema.get("description", text)
    return text


def _look_up(content: Any, place: list[str]) -> Any:
    """The value at `place`, or None."""
    for key in place:
        content = content.get(key) if isinstance(content, dict) else None
    return content


def _file_of(place: list[str], config: dict[str, Any], files: list[str]) -> str:
    """The config file that holds the value at `place`; all of them when none does."""
    value = _look_up(config, place)
    for file in filter(os.path.isfile, files):
        if value is not None and _look_up(yaml.safe_load(Path(file).read_text()), place) == value:
            return file
    return ", ".join(files) or "config"
