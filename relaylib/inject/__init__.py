"""Artifacts put into clean speech at known places, for training, tests and floors of recall."""

from relaylib.inject.catalogue import BASIC_TYPES, SHAPES, shape_names, type_names
from relaylib.inject.folder import inject_files, labelled_manifest
from relaylib.inject.injector import Injected, InjectedSpan, inject
from relaylib.inject.nuisance import vary

__all__ = [
    "BASIC_TYPES",
    "SHAPES",
    "Injected",
    "InjectedSpan",
    "inject",
    "inject_files",
    "labelled_manifest",
    "shape_names",
    "type_names",
    "vary",
]
