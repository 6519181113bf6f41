"""A server that is killed again and again, at random moments, while clients keep it busy: nothing confirmed is lost.

RELAY_TEST_KILLS sets the number of kills.
"""

import hashlib
import logging
import os
import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from serving import worker_processes

from relaylib.demo import load_demo
from relaylib.server import ServerProcess

_log = logging.getLogger(__name__)

N_KILLS = int(os.environ.get("RELAY_TEST_KILLS", "5"))
SEED = int(os.environ.get("RELAY_TEST_SEED", "20"))
PATIENCE_S = 400
OVER = {"completed", "failed", "cancelled", "ready"}


class Api:
    """Calls that are tried again until the server is back, where doing so twice does no harm."""

    def __init__(self, server):
        self._client = httpx.Client(base_url=f"{server.url}/api/v1", headers={"X-API-Key": server.key}, timeout=30)

    def once(self, method, path, **kwargs):
        answer = self._client.request(method, path, **kwargs)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def surely(self, method, path, **kwargs):
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                return self.once(method, path, **kwargs)
            except (httpx.TransportError, httpx.HTTPStatusError) as exc:  # noqa: PERF203 - trying again is the point
                answered = isinstance(exc, httpx.HTTPStatusError) and exc.response.status_code < 500
                if answered or time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def send(self, target, path):
        while True:
            with path.open("rb") as file:
                try:
                    answer = httpx.post(target["upload_url"], data=target["fields"], files={"file": file}, timeout=30)
                except httpx.TransportError:
                    time.sleep(0.1)
                    continue
            assert answer.status_code == 204, answer.text
            return

    def wait(self, path, field):
        deadline = time.monotonic() + PATIENCE_S
        while (record := self.surely("GET", path))[field] not in OVER:
            assert time.monotonic() < deadline, record
            time.sleep(0.2)
        return record


class Ledger:
    """What the server has confirmed, and so may not forget."""

    def __init__(self):
        self.audio = {}  # id: (dataset, digest)
        self.trainings = []
        self.files = {}  # id: (job, name)
        self.versions = []


def upload(api, dataset_id, path):
    target = api.surely(
        "POST",
        f"/datasets/{dataset_id}/audio/upload-url",
        json={"filename": path.name, "content_type": "audio/ogg", "file_size": path.stat().st_size},
    )
    api.send(target, path)
    api.surely("POST", f"/datasets/{dataset_id}/audio/confirm", json={"audio_id": target["audio_id"]})
    return target["audio_id"]


def infer(api, model_id, paths, ledger):
    job = api.surely("POST", "/inference-jobs", json={"model_id": model_id})
    for path in paths:
        target = api.surely(
            "POST",
            f"/inference-jobs/{job['id']}/files/upload-url",
            json={"filename": path.name, "content_type": "audio/ogg", "file_size_bytes": path.stat().st_size},
        )
        api.send(target, path)
        api.surely("POST", f"/inference-jobs/{job['id']}/files/confirm", json={"file_id": target["file_id"]})
        ledger.files[target["file_id"]] = (job["id"], path.name)
    return job["id"]


def make_training_ground(api, root, items):
    """Return a dataset with enough speech, ready, and a published set."""
    types = sorted({span.artifact_type for item in items for span in item.annotations})
    body = {"name": "to train on", "artifact_types": [{"name": name} for name in types]}
    dataset_id = api.surely("POST", "/datasets", json=body)["id"]
    with ThreadPoolExecutor(4) as pool:
        ids = list(pool.map(lambda item: upload(api, dataset_id, root / item.filename), items))
    set_id = api.surely("POST", f"/datasets/{dataset_id}/annotation-sets")["id"]
    spans = [
        {"audio_file_id": audio_id, "artifact_type": s.artifact_type, "start_ms": s.start_ms, "end_ms": s.end_ms}
        for audio_id, item in zip(ids, items, strict=True)
        for s in item.annotations
    ]
    api.surely("POST", f"/datasets/{dataset_id}/annotation-sets/{set_id}/annotations/bulk", json={"annotations": spans})
    api.surely("POST", f"/datasets/{dataset_id}/annotation-sets/{set_id}/publish")
    for audio_id in ids:
        assert api.wait(f"/datasets/{dataset_id}/audio/{audio_id}", "processing_status")["processing_status"] == "ready"
    config = {"artifact_types": types[:2], "epochs": 1, "validation_split": 0.5}
    return {"dataset_id": dataset_id, "annotation_set_id": set_id, "config": config}


def keep_busy(server, training, model_id, paths, ledger, stop, seed):
    """Do what clients do until told to stop, noting what was confirmed."""
    api, rng = Api(server), random.Random(seed)
    dataset_id = api.surely("POST", "/datasets", json={"name": f"client {seed}"})["id"]
    while not stop.is_set():
        match rng.choices(["upload", "infer", "train", "version"], [5, 4, 1, 2])[0]:
            case "upload":
                path = rng.choice(paths)
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                ledger.audio[upload(api, dataset_id, path)] = (dataset_id, digest)
            case "infer":
                infer(api, model_id, rng.sample(paths, 2), ledger)
            case "train" if len(ledger.trainings) < 3:
                ledger.trainings.append(api.surely("POST", "/training-jobs", json=training)["id"])
            case "version":
                made = api.surely("POST", f"/datasets/{dataset_id}/annotation-sets")
                ledger.versions.append((dataset_id, made["version"]))
        time.sleep(rng.uniform(0.05, 0.4))


@pytest.mark.slow
@pytest.mark.workers
def test_nothing_confirmed_is_lost_however_often_the_server_is_killed(empty_database_url, tmp_path):
    """Every job ends, and no model, detection or version exists twice; how long restarts took goes to the log."""
    train, test, root = load_demo()
    items, paths = [*train, *test], [Path(root) / item.filename for item in test]
    rng, ledger, stop, restarts = random.Random(SEED), Ledger(), threading.Event(), []
    server = ServerProcess(tmp_path / "data", options={"database-url": empty_database_url})
    server.start()
    try:
        api = Api(server)
        training = make_training_ground(api, root, items)
        first = api.wait(f"/training-jobs/{api.surely('POST', '/training-jobs', json=training)['id']}", "status")
        assert first["status"] == "completed", first
        with ThreadPoolExecutor(2) as pool:
            clients = [
                pool.submit(keep_busy, server, training, first["model_id"], paths, ledger, stop, seed)
                for seed in range(2)
            ]
            for _ in range(N_KILLS):
                time.sleep(rng.uniform(0.3, 4.0))
                server.kill()
                began = time.perf_counter()
                server.start()
                restarts.append(time.perf_counter() - began)
            stop.set()
            for client in clients:
                client.result()
        check_audio(api, server, ledger)
        check_trainings(api, ledger)
        check_detections(api, first["model_id"], paths, ledger)
        assert max(Counter(ledger.versions).values(), default=1) == 1
    finally:
        stop.set()
        server.stop()
    assert worker_processes(server.data_dir) == []
    n_uploads, n_files, n_trainings = len(ledger.audio), len(ledger.files), len(ledger.trainings)
    _log.info("%d kills: %d uploads, %d files, %d trainings", N_KILLS, n_uploads, n_files, n_trainings)
    _log.info("restarts took %.1f to %.1f s", min(restarts), max(restarts))


def check_audio(api, server, ledger):
    for audio_id, (dataset_id, digest) in ledger.audio.items():
        place = f"/datasets/{dataset_id}/audio/{audio_id}"
        assert api.wait(place, "processing_status")["processing_status"] == "ready"
        url = api.surely("GET", f"{place}/download-url")["download_url"]
        assert hashlib.sha256(httpx.get(url).content).hexdigest() == digest
    listed = sum(d["audio_count"] for d in api.surely("GET", "/datasets", params={"page_size": 100})["items"])
    assert listed >= len(ledger.audio)


def check_trainings(api, ledger):
    for job_id in ledger.trainings:
        job = api.wait(f"/training-jobs/{job_id}", "status")
        assert (job["status"], job["progress_percent"]) == ("completed", 100), job
    models = Counter()
    page = 1
    while items := api.surely("GET", "/models", params={"page": page, "page_size": 100})["items"]:
        models.update(model["training_job_id"] for model in items)
        page += 1
    assert set(ledger.trainings) <= set(models)
    assert max(models.values()) == 1


def check_detections(api, model_id, paths, ledger):
    """All detections of a file by a model are those of a quiet run."""
    again = Ledger()
    job_id = infer(api, model_id, paths, again)
    quiet = {f["original_filename"]: f["detections"] for f in api.wait(f"/inference-jobs/{job_id}", "status")["files"]}
    for job_id in {job_id for job_id, _ in ledger.files.values()}:
        job = api.wait(f"/inference-jobs/{job_id}", "status")
        assert job["status"] == "completed", job
        confirmed = [f for f in job["files"] if f["status"] != "pending"]
        assert job["processed_files"] == job["total_files"] == len(confirmed)
        assert job["total_detections"] == sum(len(f["detections"]) for f in confirmed)
        for file in confirmed:
            assert file["detections"] == quiet[file["original_filename"]]
    for file_id, (job_id, _) in ledger.files.items():
        assert api.surely("GET", f"/inference-jobs/{job_id}/files/{file_id}")["status"] == "completed"
