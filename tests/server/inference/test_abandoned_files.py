"""Files that were announced and never confirmed go; all others stay."""

from datetime import datetime, timedelta, timezone

import pytest

from relaylib.server.database.tables import InferenceFileRow
from relaylib.server.inference.abandoned import discard_abandoned

NOW = datetime(2030, 1, 1, tzinfo=timezone.utc)


@pytest.mark.row("I2")
def test_only_unconfirmed_files_go_an_hour_after_their_upload_expired(client, seeds):
    """One at 60 minutes sharp may still be confirmed."""
    job_id = seeds.inference_job()

    def file(status, minutes_ago):
        return seeds.file(job_id, status, upload_expires_at=NOW - timedelta(minutes=minutes_ago))

    gone = file("pending", 61)
    kept = [file("pending", 60), file("pending", -1), file("queued", 999), file("completed", 999)]
    key = seeds.get(InferenceFileRow, gone).object_key
    assert seeds.write(lambda session: discard_abandoned(session, NOW)) == [key]
    job = client.get(f"/api/v1/inference-jobs/{job_id}").json()
    assert [file["id"] for file in job["files"]] == [str(i) for i in kept]
    assert seeds.write(lambda session: discard_abandoned(session, NOW)) == []
