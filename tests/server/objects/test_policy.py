import base64
import json
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relaylib.server.objects.errors import UploadRefusedError
from relaylib.server.objects.policy import UploadGrant, check_download, check_form, sign_download, sign_form

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
SECRET = b"s" * 32
GRANT = UploadGrant("uploads/0190/a.wav", 1, 1000)


def signed(grant=GRANT, secret=SECRET):
    fields = sign_form(grant, secret=secret, now=NOW, expires_in=60)
    return {name.lower(): value for name, value in fields.items()}


def status_of(fields, *, now=NOW, secret=SECRET):
    try:
        check_form(fields, secret=secret, now=now)
    except UploadRefusedError as error:
        return error.status
    return 204


def test_a_form_permits_what_was_signed():
    assert check_form(signed(), secret=SECRET, now=NOW) == GRANT


def test_key_policy_and_either_signature_are_enough():
    fields = signed()
    for name in ("x-amz-signature", "signature"):
        assert status_of({"key": fields["key"], "policy": fields["policy"], name: fields[name]}) == 204
    assert status_of({**fields, "signature": "wrong", "unknown": "x"}) == 204


def test_the_form_has_the_documented_names():
    fields = sign_form(GRANT, secret=SECRET, now=NOW, expires_in=60)
    assert set(fields) == {
        "key", "policy", "x-amz-signature", "x-amz-credential", "x-amz-algorithm", "x-amz-date",
        "x-amz-security-token", "AWSAccessKeyId", "signature",
    }  # fmt: skip
    assert fields["x-amz-date"] == "20260101T000000Z"
    policy = json.loads(base64.b64decode(fields["policy"]))
    assert policy["expiration"] == "2026-01-01T00:01:00Z"
    assert ["content-length-range", 1, 1000] in policy["conditions"]


@pytest.mark.parametrize("missing", [("key",), ("policy",), ("x-amz-signature", "signature")])
def test_a_missing_field_is_a_bad_request(missing):
    fields = {name: value for name, value in signed().items() if name not in missing}
    assert status_of(fields) == 400


def test_a_form_lives_until_it_expires():
    assert status_of(signed(), now=NOW + timedelta(seconds=59)) == 204
    assert status_of(signed(), now=NOW + timedelta(seconds=60)) == 403


def test_another_secret_signs_nothing():
    assert status_of(signed(secret=b"t" * 32)) == 403


def test_another_key_is_refused():
    assert status_of({**signed(), "key": "uploads/0191/a.wav"}) == 403


@given(st.data())
def test_any_change_of_the_policy_or_the_signature_is_refused(data):
    """Replace, insert or remove a group of characters anywhere: what results is refused unless it is the original."""
    fields = signed()
    name = data.draw(st.sampled_from(["policy", "x-amz-signature"]))
    text = fields[name]
    start = data.draw(st.integers(0, len(text)))
    stop = data.draw(st.integers(start, min(len(text), start + 8)))
    group = data.draw(st.text(max_size=8) | st.text("0123456789abcdefABCDEF=+/", max_size=8))
    changed = text[:start] + group + text[stop:]
    fields = {"key": fields["key"], "policy": fields["policy"], "x-amz-signature": fields["x-amz-signature"]}
    assert status_of({**fields, name: changed}) == (204 if changed == text else 403)


@pytest.mark.parametrize("name", ["policy", "x-amz-signature"])
def test_no_single_character_can_be_changed(name):
    fields = signed()
    del fields["signature"]
    for at, character in enumerate(fields[name]):
        other = "A" if character != "A" else "B"
        assert status_of({**fields, name: fields[name][:at] + other + fields[name][at + 1 :]}) == 403


@given(st.dictionaries(st.sampled_from(["key", "policy", "x-amz-signature", "signature"]), st.text()))
def test_any_form_that_we_did_not_sign_is_refused(fields):
    assert status_of(fields) in (400, 403)


def download_query():
    query = {"expires": str(int(NOW.timestamp()) + 60), "filename": "a.wav", "content-type": "audio/wav"}
    return {**query, "signature": sign_download("k", query, secret=SECRET)}


def test_a_download_is_permitted_until_it_expires():
    query = download_query()
    assert check_download("k", query, secret=SECRET, now=NOW + timedelta(seconds=59)) is None
    assert "expired" in check_download("k", query, secret=SECRET, now=NOW + timedelta(seconds=60))


@given(st.sampled_from(["expires", "filename", "content-type", "signature", "more"]), st.text())
def test_any_change_of_a_download_is_refused(name, value):
    query = download_query()
    if query.get(name) != value:
        assert check_download("k", {**query, name: value}, secret=SECRET, now=NOW) is not None
    assert check_download("other", query, secret=SECRET, now=NOW) is not None
