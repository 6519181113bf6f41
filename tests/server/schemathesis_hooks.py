"""What Schemathesis cannot know: rules that no schema can say, and what has to be done outside of the API.

Loaded by the program itself, as `schemathesis.toml` asks it to.
"""

import os
import re
from functools import cache
from itertools import product
from pathlib import Path

import requests
import schemathesis
from schemathesis.generation.meta import TestPhase

_NOT_UPLOADED = "detail: The file has not been uploaded yet;"
_ALIASES = "file_id: differs from audio_id;"  # JSON Schema compares no two fields
_SIZES = "file_size_bytes: differs from file_size;"
_NO_DRAFT = r"detail: Annotation set v\d+ is published"
_SPAN = (
    "audio_file_id: is not an audio file of the dataset",
    "artifact_type: is not an artifact type of the dataset;",
    r"end_ms: must be greater than start_ms, which is \d+$",
    "end_ms: must be at most the file's duration of",
    _NO_DRAFT,
)
_TYPE_NAMES = (
    "name: names another artifact type too: "  # items may differ in other fields, so `uniqueItems` allows them
)
_CANCELLED = "detail: The inference job is cancelled and takes no more files;"
_MODEL_GONE = "detail: The model of the inference job has been deleted;"

RULES = {
    "create_api_key": ("expires_at: must be in the future", "expires_at: is not a time that can be kept"),
    "create_dataset": (_TYPE_NAMES,),
    "update_dataset": (_TYPE_NAMES, "detail: Annotations use these artifact types,"),
    "delete_dataset": ("detail: Training job",),
    "create_audio_upload": (_SIZES,),
    "confirm_audio_upload": (_ALIASES, _NOT_UPLOADED),
    "get_audio_download": (_NOT_UPLOADED,),
    "delete_audio": ("detail: The published annotation set", "detail: Training job"),
    "create_annotation": _SPAN,
    "create_annotations": _SPAN,
    "update_annotation": _SPAN,
    "delete_annotation": (_NO_DRAFT,),
    "publish_annotation_set": (_NO_DRAFT, r"detail: Annotation set v\d+ has no annotations,"),
    "delete_annotation_set": (_NO_DRAFT,),
    "create_training_job": (
        "artifact_types: is no artifact type of the dataset,",
        r"stride_ms: must be at most chunk_size_ms, which is \d+$",
        r"detail: Annotation set v\d+ is a draft;",
        r"detail: \d+ of \d+ audio files are not ready",
        r"detail: The dataset has \d+ ms of audio;",
        r"detail: \d+ of \d+ artifact types have no annotation in set",
    ),
    "cancel_training_job": (r"detail: The training job is \w+ already;",),
    "delete_model": ("detail: The model is in use by",),
    "create_inference_job": ("detail: The model is not active;",),
    "cancel_inference_job": (r"detail: The inference job is \w+ already;",),
    "create_inference_file_upload": (_SIZES, _CANCELLED, _MODEL_GONE),
    "confirm_inference_file": (_ALIASES, _NOT_UPLOADED, _CANCELLED, _MODEL_GONE),
    "get_inference_file_download": (_NOT_UPLOADED,),
}
"""Of each operation, what it may answer to a request that fits its schema: rules that compare two fields, or that
are about the state of things. Anything else that it says against such a request is a failure."""


_SEEDED = {"dataset_id": "id", "annotation_set_id": "id"}
_MARKED = {"audio_file_id": "id", "artifact_type": "glitch"}
_DRAWN_FROM = 8

FROM_LISTS = (
    ("list_datasets", ("list_audio", "list_annotation_sets"), {"dataset_id": "id"}, {}),
    ("list_datasets", ("get_annotation_set", "list_annotations"), _SEEDED, {}),
    ("list_datasets", ("create_annotation",), _SEEDED, _MARKED),
    ("list_datasets", ("create_annotations",), _SEEDED, {"annotations": [_MARKED]}),
    ("list_datasets", ("create_training_job",), {}, _SEEDED | {"config": {"artifact_types": ["glitch"]}}),
    ("list_audio", ("get_audio", "delete_audio"), {"audio_id": "id"}, {}),
    ("list_annotations", ("update_annotation", "delete_annotation"), {"annotation_id": "id"}, {}),
    ("list_models", ("get_model",), {"model_id": "id"}, {}),
    ("list_models", ("create_inference_job",), {}, {"model_id": "id"}),
    ("list_training_jobs", ("get_training_job", "cancel_training_job"), {"job_id": "id"}, {}),
)
"""Links that the description does not have, since a list may be empty: (list, what follows, its parameters, fields of
its body), by the names of the fields of an item, for each of the first items. They lead to what the test has stored,
where a dataset, its annotation set and its audio file have one id, so that few steps lead to each."""


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """Add links from lists, in the way of those that Schemathesis infers: nothing is amiss if a list is empty."""
    by_id = {
        operation["operationId"]: (path, operation)
        for path, item in raw_schema["paths"].items()
        for operation in item.values()
    }
    for source, targets, parameters, body in FROM_LISTS:
        links = by_id[source][1]["responses"]["200"].setdefault("links", {})
        for target, index in product(targets, range(_DRAWN_FROM)):
            names = re.findall(r"{(\w+)}", by_id[target][0])
            places = {name: f"$request.path.{name}" for name in names} | _places(parameters, index)
            link = {"operationId": target, "parameters": places, "x-schemathesis": {"is_inferred": True}}
            links[f"{target}_{index}"] = link | ({"requestBody": _places(body, index)} if body else {})


def _places(fields, index):
    """Return where the fields of a request are found in a list."""
    if isinstance(fields, dict):
        return {name: _places(field, index) for name, field in fields.items()}
    if isinstance(fields, list):
        return [_places(field, index) for field in fields]
    return fields if fields == "glitch" else f"$response.body#/items/{index}/{fields}"


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Keep every failure but the refusal of a request by rules of its operation that no schema can say."""
    if failure.code != "ST202" or response.status_code not in (400, 422):
        return True
    detail = response.json()["detail"]
    said = [f"detail: {detail}"] if isinstance(detail, str) else [_said(problem) for problem in detail]
    rules = RULES.get(context.operation.definition.raw["operationId"], ())
    return not all(any(re.match(rule, text) for rule in rules) for text in said)


def _said(problem):
    field = next(part for part in reversed(problem["loc"]) if isinstance(part, str))
    return f"{field}: {problem['msg']}"


@schemathesis.hook
def filter_case(context, case):
    """Leave out the request that would revoke the key which all others need."""
    return case.path_parameters.get("key_id") != os.environ["RELAY_TEST_KEY_ID"]


@schemathesis.hook
def map_case(context, case):
    """Let walks see the beginning of every list: a filter or a page drawn at random would hide what is there."""
    drawn = case.meta
    if case.method == "GET" and drawn.phase.name == TestPhase.STATEFUL and drawn.generation.mode.is_positive:
        case.query = {}
    return case


@schemathesis.hook
def after_call(context, case, response):
    """Upload a recording wherever an upload URL was given: that happens outside of the described API."""
    if case.path.endswith("/upload-url") and response.status_code == requests.codes.ok:
        target = response.json()
        parts = {"file": ("recording.wav", _recording(), "audio/wav")}
        answer = requests.post(target["upload_url"], data=target["fields"], files=parts, timeout=30)
        assert answer.status_code == requests.codes.no_content, answer.text


@cache
def _recording():
    return Path(os.environ["RELAY_TEST_RECORDING"]).read_bytes()
