"""The API's description: valid, complete, and true of what the server does."""

import re
from importlib.resources import files

import jsonschema
import msgspec
import pytest
from litestar import Litestar

from relaylib.api import CreateDataset
from relaylib.server.app import api_router
from relaylib.server.examples import EXAMPLES
from relaylib.server.openapi import describe, operations

REFERENCE = re.compile(r"#/components/schemas/(\w+)")


@pytest.fixture(scope="module")
def document():
    return describe(api_router())


def test_it_is_served_in_two_places(anonymous, document):
    for path in ("/openapi.json", "/schema/openapi.json"):
        answer = anonymous.get(path)
        assert answer.status_code == 200
        assert answer.json() == msgspec.to_builtins(document)
    assert document["openapi"].startswith("3.1.")


def test_it_is_valid(document):
    """By the specification's own schema, and each of its schemas by JSON Schema's."""
    definitions = pytest.importorskip("schemathesis.specs.openapi.definitions", reason="schemathesis is not installed")
    errors = [error.message for error in definitions.OPENAPI_31_VALIDATOR.iter_errors(msgspec.to_builtins(document))]
    assert not errors
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    text = msgspec.json.encode(document).decode()
    assert set(REFERENCE.findall(text)) <= set(document["components"]["schemas"])
    for path, _, operation in operations(document):
        declared = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}
        assert declared == set(re.findall(r"{(\w+)}", path))
        assert all(status.isdigit() and answer["description"] for status, answer in operation["responses"].items())


def test_every_route_is_in_it(document):
    routes = Litestar([api_router()], openapi_config=None, logging_config=None).routes
    expected = {
        (route.path_format, method.lower()) for route in routes for method in route.methods if method != "OPTIONS"
    }
    assert {(path, method) for path, method, _ in operations(document)} == expected


def test_every_operation_says_who_may_call_it_and_how_it_fails(document):
    assert document["security"] == [{"ApiKeyAuth": []}]
    assert document["components"]["securitySchemes"]["ApiKeyAuth"] == {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
    }
    ids = []
    for path, _, operation in operations(document):
        responses = operation["responses"]
        schemas = {
            status: REFERENCE.findall(str(answer.get("content")))
            for status, answer in responses.items()
            if status >= "4"
        }
        assert schemas["401"] == ["Message"]
        assert schemas["422"] == ["Problems"]
        assert schemas.get("404", ["Message"]) == schemas.get("400", ["Message"]) == ["Message"]
        assert "404" in schemas or "{" not in path
        assert len([status for status in responses if status < "4"]) == 1
        assert operation["summary"]
        assert operation["description"]
        assert len(operation["tags"]) == 1
        ids.append(operation["operationId"])
    assert len(set(ids)) == len(ids)


def test_rules_of_fields_are_in_it(document):
    schemas = document["components"]["schemas"]
    assert schemas["CreateDataset"]["properties"]["name"] == {
        "type": "string",
        "minLength": 1,
        "maxLength": 255,
        "pattern": r"^[^\u0000]*$",
    }
    assert schemas["TrainingConfig"]["properties"]["artifact_types"]["items"]["minLength"] == 1
    assert schemas["ApiKey"]["properties"]["created_at"]["format"] == "date-time"
    page = {p["name"]: p["schema"] for p in document["paths"]["/api/v1/datasets"]["get"]["parameters"]}
    assert (page["page"]["minimum"], page["page_size"]["maximum"]) == (1, 100)
    status = {p["name"]: p["schema"] for p in document["paths"]["/api/v1/training-jobs"]["get"]["parameters"]}["status"]
    assert status["type"] == "string"
    assert None not in status["enum"]


def test_every_body_has_an_example_that_is_right(document):
    named = set()
    for _, _, operation in operations(document):
        if "requestBody" in operation:
            content = operation["requestBody"]["content"]["application/json"]
            name = REFERENCE.findall(content["schema"]["$ref"])[0]
            resolved = {**content["schema"], "components": document["components"]}
            jsonschema.Draft202012Validator(resolved).validate(content["example"])
            named.add(name)
    assert named == set(EXAMPLES)
    assert msgspec.convert(EXAMPLES["CreateDataset"], CreateDataset).name == "TTS Glitch Detection"


def test_links_lead_from_an_id_to_what_takes_it(document):
    by_id = {operation["operationId"]: (path, operation) for path, _, operation in operations(document)}
    n_links = 0
    for path, _, operation in operations(document):
        for answer in operation["responses"].values():
            for link in answer.get("links", {}).values():
                target_path, _ = by_id[link["operationId"]]
                assert set(link["parameters"]) == set(re.findall(r"{(\w+)}", target_path))
                for expression in link["parameters"].values():
                    place, _, name = expression.rpartition(".path.")
                    assert place != "$request" or f"{{{name}}}" in path
                n_links += 1
    assert n_links > 25
    made = by_id["create_dataset"][1]["responses"]["201"]["links"]
    assert made["get_dataset"]["parameters"] == {"dataset_id": "$response.body#/id"}
    upload = by_id["create_audio_upload"][1]["responses"]["200"]["links"]
    assert upload["confirm_audio_upload"]["requestBody"] == {
        "audio_id": "$response.body#/audio_id",
        "file_id": "$response.body#/file_id",
    }


def test_the_page_is_made_of_files_of_the_server_alone(anonymous):
    page = anonymous.get("/docs")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert "://" not in page.text
    for path in re.findall(r'(?:src|href)="(docs/[^"]+)"', page.text):
        part = anonymous.get(f"/{path}")
        assert part.status_code == 200
        assert part.headers["content-type"].startswith(("text/javascript", "text/css"))


@pytest.mark.parametrize("name", ["docs.html", "nothing.js", "..%2fapp.py", "swagger-ui.LICENSE"])
def test_other_files_are_not_served(anonymous, name):
    assert anonymous.get(f"/docs/{name}").status_code == 404


def test_the_licence_of_the_script_comes_along():
    folder = files("relaylib.server") / "static"
    assert "Apache License" in (folder / "swagger-ui.LICENSE").read_text()
    assert "SmartBear" in (folder / "swagger-ui.NOTICE").read_text()
    assert sum(len(path.read_bytes()) for path in folder.iterdir()) < 2_500_000
