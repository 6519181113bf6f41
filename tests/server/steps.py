"""What a client does on the way to labelled audio, each step one call, and fixtures for servers that do no work."""

import dataclasses
import threading
from contextlib import contextmanager

import pytest
import structlog
from sqlalchemy import Engine, event

API = "/api/v1"
NOWHERE = "00000000-0000-4000-8000-000000000000"
"""An id that nothing has."""


class Steps:
    """Calls that must succeed; each returns the answer's body."""

    def __init__(self, client):
        self._client = client

    def post(self, path, status, body=None):
        answer = self._client.post(API + path, json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    def get(self, path, **query):
        answer = self._client.get(API + path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def dataset(self, *types, name="speech"):
        types = types or ("glitch", "long_pause")
        return self.post("/datasets", 201, {"name": name, "artifact_types": [{"name": t} for t in types]})["id"]

    def upload_target(self, dataset_id, filename="a.wav", size_bytes=1000):
        body = {"filename": filename, "content_type": "audio/wav", "file_size": size_bytes}
        return self.post(f"/datasets/{dataset_id}/audio/upload-url", 200, body)

    def audio(self, dataset_id, filename="a.wav"):
        return self.upload_target(dataset_id, filename)["audio_id"]

    def annotation_set(self, dataset_id):
        return self.post(f"/datasets/{dataset_id}/annotation-sets", 201)["id"]

    def annotate(self, dataset_id, set_id, audio_id, artifact_type="glitch", start_ms=1000, end_ms=1500, **rest):
        body = span(audio_id, artifact_type, start_ms, end_ms, **rest)
        return self.post(f"/datasets/{dataset_id}/annotation-sets/{set_id}/annotations", 201, body)

    def publish(self, dataset_id, set_id):
        return self.post(f"/datasets/{dataset_id}/annotation-sets/{set_id}/publish", 200)

    def draft(self, *types):
        """Make a dataset with a file and a draft; return (dataset id, set id, audio id)."""
        dataset_id = self.dataset(*types)
        return dataset_id, self.annotation_set(dataset_id), self.audio(dataset_id)

    def published(self):
        """Make a dataset whose one set has one annotation and is published; return the ids as `draft` does."""
        dataset_id, set_id, audio_id = self.draft()
        self.annotate(dataset_id, set_id, audio_id)
        self.publish(dataset_id, set_id)
        return dataset_id, set_id, audio_id


def span(audio_id, artifact_type="glitch", start_ms=1000, end_ms=1500, **rest):
    return {
        "audio_file_id": audio_id,
        "artifact_type": artifact_type,
        "start_ms": start_ms,
        "end_ms": end_ms,
        **rest,
    }


def invalid(answer):
    """Return where a request was wrong."""
    assert answer.status_code == 422, answer.text
    for problem in answer.json()["detail"]:
        assert problem["msg"]
        assert problem["type"]
    return [problem["loc"] for problem in answer.json()["detail"]]


def refused(answer):
    """Return why a request was refused."""
    assert answer.status_code == 400, answer.text
    return answer.json()["detail"]


def missing(answer):
    """Return what was not found."""
    assert answer.status_code == 404, answer.text
    return answer.json()["detail"]


def all_pages(client, path, page_size, **query):
    """Return the items of every page, asked for one after the other; the totals have to agree."""
    items, page = [], 1
    while True:
        answer = client.get(path, params={**query, "page": page, "page_size": page_size}).json()
        if not answer["items"]:
            assert answer["total"] == len(items)
            return items
        items += answer["items"]
        page += 1


def at_once(*calls):
    """Make all the calls at the same moment; return the answers in their order."""
    answers = [None] * len(calls)
    start = threading.Barrier(len(calls))

    def make(k):
        start.wait()
        answers[k] = calls[k]()

    threads = [threading.Thread(target=make, args=(k,)) for k in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@contextmanager
def counted_statements():
    """Give a list that gets every statement that requests send to a database meanwhile; housekeeping is none."""
    statements = []

    def note(connection, cursor, statement, *_):
        if "request_id" in structlog.contextvars.get_contextvars():
            statements.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", note)


@pytest.fixture
def settings(settings):
    """Give settings of a server without workers: tests do the work themselves, or leave it undone."""
    return dataclasses.replace(settings, workers=0)
