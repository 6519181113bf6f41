"""Artifacts put into clean speech at known places, for training, tests and floors of recall."""

from relaylib.inject.catalogue import BASIC_TYPES, SHAPES, shape_names, type_names
from relaylib.inject.injector import Injected, InjectedSpan, inject
from relaylib.inject.nuisance import vary

__all__ = ["BASIC_TYPES", "SHAPES", "Injected", "InjectedSpan", "inject", "shape_names", "type_names", "vary"]
