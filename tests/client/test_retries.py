"""What is tried again, how often, and when."""

import threading
import time
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import httpx
import pytest
from api_bodies import DATASET, JOB, dataset, inference_job
from web_server import KEY, Answer, Web

from relaylib.client import Client, ConnectionFailedError, NotFoundError, RetryPolicy, ServerError
from relaylib.client.retries import retry_after_s
from relaylib.errors import ParameterError

ONE = f"/datasets/{DATASET}"


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_get_is_repeated_after_a_passing_trouble(web, client, status):
    web.on(f"GET {ONE}", Answer(status), Answer(status, b"<html>"), Answer(200, dataset()))
    assert client.datasets.get(DATASET).name == "calls"
    assert len(web.asked) == 3


@pytest.mark.parametrize("how", ["reset", "silence", "short"])
def test_a_get_is_repeated_after_a_broken_connection(web, client, how):
    web.on(f"GET {ONE}", Answer(200, dataset(), how=how), Answer(200, dataset()))
    assert client.datasets.get(DATASET).name == "calls"
    assert len(web.asked) == 2


def test_a_get_is_repeated_after_a_silence(web):
    web.on(f"GET {ONE}", Answer(200, dataset(), after_s=1.0), Answer(200, dataset()))
    with Client(web.url, KEY, timeout=0.2, retries=1) as client:
        assert client.datasets.get(DATASET).name == "calls"


def test_patch_and_delete_are_repeated(web, client):
    web.on(f"PATCH {ONE}", Answer(503), Answer(200, dataset(name="new")))
    web.on(f"DELETE {ONE}", Answer(how="reset"), Answer(204))
    assert client.datasets.update(DATASET, name="new").name == "new"
    client.datasets.delete(DATASET)
    assert web.calls() == [f"PATCH {ONE}"] * 2 + [f"DELETE {ONE}"] * 2


def test_a_creation_is_not_repeated_once_it_may_have_arrived(web, client):
    """A second dataset would be worse than an error, which says that the first may exist."""
    web.on("POST /datasets", Answer(503, {"detail": "later"}))
    with pytest.raises(ServerError, match="503 later"):
        client.datasets.create("calls")
    web.on(f"POST /inference-jobs/{JOB}/cancel", Answer(how="reset"))
    with pytest.raises(ConnectionFailedError, match="may have been carried out"):
        client.inference_jobs.cancel(JOB)
    assert len(web.asked) == 2


def test_a_creation_is_repeated_while_nobody_listens(web):
    """A connection that was never made cannot have created anything."""
    port = int(web.url.rsplit(":", 1)[1])
    web.close()
    started = []

    def start():
        started.append(Web(port))
        started[0].on("POST /inference-jobs", Answer(201, inference_job()))

    threading.Timer(0.3, start).start()
    with Client(web.url, KEY, retries=RetryPolicy(20, 0.1, 0.1)) as client:
        assert client.inference_jobs.create(DATASET).id == JOB
    started[0].close()
    assert len(started[0].asked) == 1


def test_a_deletion_that_was_carried_out_unheard_succeeds(web, client):
    """The second try finds nothing, since the first removed it."""
    web.on(f"DELETE {ONE}", Answer(how="silence"), Answer(404, {"detail": "Dataset not found"}))
    client.datasets.delete(DATASET)
    with pytest.raises(NotFoundError):
        client.datasets.delete(DATASET)


def test_after_the_last_try_the_error_is_told(web, client):
    web.on(f"GET {ONE}", Answer(500, {"detail": "Internal Server Error"}))
    with pytest.raises(ServerError, match=f"GET /api/v1{ONE}: 500 Internal Server Error"):
        client.datasets.get(DATASET)
    assert len(web.asked) == 4


def test_nobody_listening_is_told_with_the_address(web, client):
    web.close()
    with pytest.raises(ConnectionFailedError, match=rf"4 tries\); server {web.url}"):
        client.datasets.get(DATASET)


def test_too_many_requests_wait_as_the_server_asks(web, client):
    """Even a creation, since 429 says that it was not carried out."""
    web.on("POST /datasets", Answer(429, headers={"Retry-After": "1"}), Answer(201, dataset()))
    began = time.monotonic()
    client.datasets.create("calls")
    assert 1.0 <= time.monotonic() - began < 3.0


def test_a_wait_beyond_the_bound_is_an_error_at_once(web, client):
    web.on(f"GET {ONE}", Answer(503, {"detail": "in an hour"}, {"Retry-After": "3600"}))
    began = time.monotonic()
    with pytest.raises(ServerError, match="in an hour"):
        client.datasets.get(DATASET)
    assert time.monotonic() - began < 1.0


def test_waits_double_within_their_bounds():
    policy = RetryPolicy(retries=10, first_wait_s=1.0, most_wait_s=4.0, total_s=100.0)
    for n_tries, longest in ((1, 1.0), (2, 2.0), (3, 4.0), (9, 4.0)):
        waits = [policy.wait_s(n_tries, 0.0) for _ in range(50)]
        assert longest / 2 <= min(waits) < max(waits) <= longest
    assert policy.wait_s(11, 0.0) is None
    assert policy.wait_s(1, 99.9) is None
    assert policy.wait_s(1, 0.0, 30.0) == 30.0


@pytest.mark.parametrize("options", [{"retries": -1}, {"first_wait_s": 0}, {"most_wait_s": 0.1}, {"total_s": 0}])
def test_a_policy_that_makes_no_sense_is_refused(options):
    with pytest.raises(ParameterError, match="need retries"):
        RetryPolicy(**options)


def test_retry_after_is_read_in_both_of_its_forms():
    soon = datetime.now(timezone.utc) + timedelta(seconds=30)
    assert retry_after_s(httpx.Headers({"Retry-After": "7"})) == 7.0
    assert 25 < retry_after_s(httpx.Headers({"Retry-After": format_datetime(soon, usegmt=True)})) <= 30
    for value in ("", "soon", "-5", "²"):
        assert retry_after_s(httpx.Headers([(b"retry-after", value.encode("latin-1"))])) is None
    assert retry_after_s({}) is None
