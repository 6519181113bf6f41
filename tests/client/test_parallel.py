"""Many files at once."""

import _thread
import signal
import subprocess
import sys
import threading
import time
from uuid import UUID

import pytest
from api_bodies import DATASET, audio
from web_server import Answer

from relaylib.client import RefusedError, UploadError
from relaylib.client.parallel import each
from relaylib.errors import ParameterError

FILES = f"/datasets/{DATASET}/audio"


@pytest.fixture
def store(web):
    """Let the server take any upload; each gets the number in its name as its id."""

    def target(asked):
        number = int(asked.json["filename"].split(".")[0])
        fields = {"key": str(number), "upload": "x"}
        body = {"upload_url": f"/store/{number}", "fields": fields, "audio_id": str(UUID(int=1000 + number))}
        return Answer(200, body)

    web.on(f"POST {FILES}/upload-url", target)
    for n in range(20):
        web.on(f"POST //store/{n}", Answer(204, after_s=0.05))
        web.on(f"GET {FILES}/{UUID(int=1000 + n)}", Answer(200, audio(n)))
    web.on(f"POST {FILES}/confirm", lambda asked: Answer(200, {**asked.json, "status": "normalizing"}))
    return web


def files(folder, n_files):
    for n in range(n_files):
        (folder / f"{n}.wav").write_bytes(b"RIFF" * 1000)
    return [folder / f"{n}.wav" for n in range(n_files)]


@pytest.mark.parametrize("workers", [1, 4, 50])
def test_files_arrive_and_come_back_in_order(store, client, tmp_path, workers):
    results = client.audio.upload_many(DATASET, files(tmp_path, 20), workers=workers)
    assert [file.id.int - 1000 for file in results] == list(range(20))
    assert len({a.path for a in store.asked if a.path.startswith("/store")}) == 20


def test_files_that_fail_leave_their_errors_and_hold_up_none(store, client, tmp_path):
    store._answers["POST", "/store/1"][:] = [Answer(403, b"<Code>AccessDenied</Code>")]
    store._answers["GET", f"/api/v1{FILES}/{UUID(int=1002)}"][:] = [Answer(400, {"detail": "gone"})]
    paths = files(tmp_path, 5)
    paths[3].unlink()
    results = client.audio.upload_many(DATASET, paths, progress=False)
    kinds = [type(result).__name__ for result in results]
    assert kinds == ["AudioFile", "UploadError", "RefusedError", "FileNotFoundError", "AudioFile"]
    assert isinstance(results[1], UploadError)
    assert isinstance(results[2], RefusedError)


def test_no_files_need_no_server(web, client):
    assert client.audio.upload_many(DATASET, []) == []
    with pytest.raises(ParameterError, match="workers=0"):
        client.audio.upload_many(DATASET, [], workers=0)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_drops_what_waits_and_stops_what_runs():
    begun, stopped = [], threading.Event()

    def work(number, stop):
        begun.append(number)
        if number == 0:
            _thread.interrupt_main()
        if stop.wait(10.0):
            stopped.set()

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        each(range(100), work, workers=2, what="testing", progress=False)
    assert stopped.wait(5.0)
    assert time.monotonic() - began < 5.0
    assert set(begun) <= {0, 1, 2, 3}


@pytest.mark.usefixtures("interruptible")  # or the program, too, ignores what the tests ignore
def test_a_program_that_was_interrupted_ends_without_waiting_for_what_cannot_be_stopped():
    program = """
import threading, time
from relaylib.client.parallel import each
def work(item, stop):
    print("begun", flush=True)
    time.sleep(600)
each([1], work, workers=1, what="testing", progress=False)
"""
    running = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert running.stdout.readline() == b"begun\n"
        running.send_signal(signal.SIGINT)
        assert b"KeyboardInterrupt" in running.communicate(timeout=60)[1]
    finally:
        running.kill()


def test_a_mistake_of_ours_is_not_taken_for_a_failed_file():
    def work(number, stop):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        each([1], work, workers=1, what="testing", progress=False)
