"""The whole API against its own description, by a program that knows nothing else of it."""

import asyncio
import json
import logging
import os
import re
import subprocess
import sys
from collections import Counter
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace

import httpx
import numpy as np
import pytest
from seeding import Seeds

from relaylib.audio import save
from relaylib.server import ServerProcess
from relaylib.server.database.database import Database, database_url
from relaylib.server.database.tables import AnnotationRow, AnnotationSetRow, DatasetRow
from relaylib.server.keys.service import DEFAULT_TENANT
from relaylib.types import SAMPLE_RATE, Waveform

pytest.importorskip("schemathesis", reason="schemathesis is not installed")

_log = logging.getLogger(__name__)

HERE = Path(__file__).parent
N_EXAMPLES = int(os.environ.get("RELAY_TEST_EXAMPLES", "10"))
"""Cases an operation in the fuzzing phase."""

N_WALKS = 2 * N_EXAMPLES
"""Walks along links in a run of them."""

N_SEEDED = 12
"""Datasets and models for the walks of a run to begin with."""

MOST_RUNS = 6

PHASES = ("examples", "coverage", "fuzzing", "stateful")
N_OPERATIONS = 41
MUST_FOLLOW = {
    ("create_api_key", "revoke_api_key"),
    ("create_dataset", "create_annotation_set"),
    ("create_dataset", "create_audio_upload"),
    ("create_dataset", "delete_dataset"),
    ("create_dataset", "get_dataset"),
    ("create_dataset", "update_dataset"),
    ("create_inference_job", "cancel_inference_job"),
    ("create_inference_job", "create_inference_file_upload"),
    ("create_inference_file_upload", "get_inference_file"),
    ("get_model", "create_inference_job"),
    ("get_model", "update_model"),
}
"""Links that walks drawn at random reach for certain, as (operation, the one that follows); `test_links` tries all."""


def seed(url, n_run):
    """Store what the API cannot make at once: models, and labelled datasets that a training could use.

    They are dated ahead, those of a later run further, so that they come first in lists, and walks along links begin
    with them. The parts of a dataset have its id, so that one answer leads to all of them.
    """
    with asyncio.Runner() as runner:
        database = Database(url)
        app = SimpleNamespace(state=SimpleNamespace(context=SimpleNamespace(db=database)))
        seeds = Seeds(app, lambda work: runner.run(work()), DEFAULT_TENANT)
        to_come = datetime.now(timezone.utc) + timedelta(days=n_run)
        for n in range(N_SEEDED):
            seeds.model(created_at=to_come)
            one_id = seeds.dataset(("glitch",))
            seeds.change(DatasetRow, one_id, created_at=to_come, n_versions=1)
            seeds.audio(one_id, id=one_id)
            status = ("draft", "published")[n % 2]
            row = AnnotationSetRow(id=one_id, tenant_id=seeds.tenant_id, dataset_id=one_id, version=1, status=status)
            seeds.add(row)
            span = {"artifact_type": "glitch", "start_ms": 0, "end_ms": 500}
            seeds.add(AnnotationRow(tenant_id=seeds.tenant_id, annotation_set_id=one_id, audio_file_id=one_id, **span))
        runner.run(database.close())


class Run:
    """A run of the program against a server: its status, what it printed, its report, and the scenarios it played."""

    def __init__(self, server, folder, *, phases, seed, n_walks):
        folder.mkdir()
        recording, config = folder / "recording.wav", folder / "schemathesis.toml"
        save(recording, Waveform(np.zeros(SAMPLE_RATE // 5, dtype=np.float32)))
        walks = f"\n[phases.stateful.generation]\nmax-examples = {n_walks}\n"
        config.write_text((HERE / "schemathesis.toml").read_text() + walks)
        report, events = folder / "report.json", folder / "events.ndjson"
        command = [sys.executable, "-m", "schemathesis.cli", "--config-file", config, "run"]
        command += [f"{server.url}/openapi.json", "--checks", "all", "--phases", ",".join(phases), "--seed", seed]
        command += ["--max-examples", N_EXAMPLES, "-H", f"X-API-Key: {server.key}"]
        command += ["--report-json-path", report, "--report-ndjson-path", events]
        variables = {
            "PYTHONPATH": str(HERE),
            "RELAY_TEST_KEY_ID": first_key_id(server),
            "RELAY_TEST_RECORDING": str(recording),
        }
        done = subprocess.run(
            list(map(str, command)), cwd=folder, env=os.environ | variables, capture_output=True, text=True, check=False
        )
        self.status, self.text = done.returncode, done.stdout + done.stderr
        assert report.exists(), self.text
        self.report = json.loads(report.read_text(encoding="utf-8"))
        lines = map(json.loads, events.read_text(encoding="utf-8").splitlines())
        self.scenarios = [line["ScenarioFinished"] for line in lines if "ScenarioFinished" in line]
        self.walks = [scenario["recorder"] for scenario in self.scenarios if scenario["phase"] == "stateful"]

    def check(self, phases):
        assert self.status == 0, self.text
        assert not self.report["failures"]
        assert not self.report["errors"]
        assert {name: self.report["phases"][name]["status"] for name in phases} == dict.fromkeys(phases, "success")


def first_key_id(server):
    """Return the id of the key that the server was started with."""
    keys = httpx.get(f"{server.url}/api/v1/auth/api-keys", headers={"X-API-Key": server.key}).json()
    return next(key["id"] for key in keys if key["name"] == "server process")


def followed(walks, operation_ids):
    """Return how often each link was followed, and was answered well."""
    found = Counter()
    for walk in walks:
        for case_id, case in walk.get("cases", {}).items():
            answer = walk["interactions"].get(case_id, {}).get("response")
            if case["is_transition_applied"] and answer is not None and answer["status_code"] < httpx.codes.BAD_REQUEST:
                source, _, target = case["transition"]["id"].split(" -> ")
                found[operation_ids[source], operation_ids[target]] += 1
    return found


def operation_ids_of(server):
    """Return the id of each operation by its method and path."""
    paths = httpx.get(f"{server.url}/openapi.json").json()["paths"]
    return {
        f"{method.upper()} {path}": operation["operationId"]
        for path in paths
        for method, operation in paths[path].items()
    }


@pytest.mark.slow
def test_the_server_does_what_its_description_says(empty_database_url, tmp_path):
    """Every check holds for every operation in every phase, the walks get far, and no request breaks the server.

    The program ends its walks early where a walk cannot be repeated, since the server has changed in between; so it is
    run again, with another seed, until all links of interest were followed.
    """
    with ServerProcess(tmp_path / "data", options={"database-url": empty_database_url}) as server:
        url = database_url(empty_database_url, data_dir=tmp_path)
        seed(url, 1)
        operation_ids = operation_ids_of(server)
        runs = [Run(server, tmp_path / "run0", phases=PHASES, seed=0, n_walks=N_WALKS)]
        runs[0].check(PHASES)
        links = followed(runs[0].walks, operation_ids)
        while len(runs) < MOST_RUNS and (set(MUST_FOLLOW) - set(links)):
            seed(url, len(runs) + 1)
            runs.append(Run(server, tmp_path / f"run{len(runs)}", phases=["stateful"], seed=len(runs), n_walks=N_WALKS))
            runs[-1].check(["stateful"])
            links += followed(runs[-1].walks, operation_ids)
        still = httpx.get(f"{server.url}/api/v1/datasets", headers={"X-API-Key": server.key})
    operations = runs[0].report["operations"]
    assert operations["tested"] == operations["total"] == len(operation_ids) == N_OPERATIONS
    n_cases = Counter()
    for run in runs:
        for scenario in run.scenarios:
            n_cases[scenario["phase"]] += len(scenario["recorder"].get("cases", {}))
    _log.info("cases: %s; walks: %d in %d runs", dict(n_cases), sum(len(run.walks) for run in runs), len(runs))
    _log.info("links: %s", "; ".join(f"{n} {' -> '.join(link)}" for link, n in sorted(links.items())))
    assert set(n_cases) == set(PHASES)
    assert set(links) >= set(MUST_FOLLOW)
    assert still.status_code == httpx.codes.OK
    log = server.log.read_text(encoding="utf-8", errors="replace")
    assert not re.search(r"Traceback|\[error|\[critical|status=5\d\d", log), log[-5000:]
