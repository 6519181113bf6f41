"""Annotation sets, the versions of a dataset's labels, and the annotations in them."""

from relaylib.server.annotations.controller import AnnotationController
from relaylib.server.annotations.sets_controller import AnnotationSetController

__all__ = ["AnnotationController", "AnnotationSetController"]
