"""API keys over HTTP, rows K1 to K3."""

import pytest

PATH = "/api/v1/auth/api-keys"


@pytest.mark.row("K1")
def test_a_new_key_works_and_is_told_once(client, anonymous):
    answer = client.post(PATH, json={"name": "Production Server"})
    assert answer.status_code == 201
    made = answer.json()
    assert made["key"].startswith("rl_live_")
    assert len(made["key"]) >= 48
    assert made["key_prefix"] == "rl_live_"
    assert (made["scopes"], made["expires_at"], made["last_used_at"]) == ([], None, None)
    assert made["created_at"].endswith("Z")
    listed = anonymous.get(PATH, headers={"X-API-Key": f"  {made['key']} "})
    assert listed.status_code == 200
    assert made["key"] not in listed.text
