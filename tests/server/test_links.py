"""Every link of the API's description leads somewhere: followed after a real answer, it is answered well."""

import re

from steps import Steps, settings  # noqa: F401 - a fixture

from relaylib.server.openapi import operations

GLITCH = {"artifact_type": "glitch", "start_ms": 0, "end_ms": 500}
AUDIO = {"filename": "a.wav", "content_type": "audio/wav", "file_size": 1000}


class World:
    """One tenant's things; each method makes what an operation needs and returns (parameters of its path, its body)."""

    def __init__(self, client, seeds):
        self.client, self.seeds, self.steps = client, seeds, Steps(client)

    def before_create_api_key(self):
        return {}, {"name": "k"}

    def before_create_dataset(self):
        return {}, {"name": "d", "artifact_types": [{"name": "glitch"}]}

    def before_create_annotation_set(self):
        return {"dataset_id": self.steps.dataset("glitch")}, None

    def before_create_annotation(self):
        dataset_id, set_id, audio_id = self.steps.draft("glitch")
        return {"dataset_id": dataset_id, "annotation_set_id": set_id}, {"audio_file_id": audio_id, **GLITCH}

    def before_create_annotations(self):
        parameters, span = self.before_create_annotation()
        return parameters, {"annotations": [span]}

    def before_publish_annotation_set(self):
        dataset_id = self.seeds.dataset(("glitch",))
        spans = [(self.seeds.audio(dataset_id), "glitch", 0, 500)]
        return {
            "dataset_id": dataset_id,
            "annotation_set_id": self.seeds.annotation_set(dataset_id, spans, status="draft"),
        }, None

    def before_create_audio_upload(self):
        return {"dataset_id": self.steps.dataset("glitch")}, AUDIO

    def before_confirm_audio_upload(self):
        dataset_id = self.steps.dataset("glitch")
        target = self.uploaded(self.steps.upload_target(dataset_id))
        return {"dataset_id": dataset_id}, {"audio_id": target["audio_id"]}

    def before_create_training_job(self):
        dataset_id, set_id, _ = self.seeds.labelled(("glitch",))
        ids = {"dataset_id": str(dataset_id), "annotation_set_id": str(set_id)}
        return {}, {**ids, "config": {"artifact_types": ["glitch"]}}

    def before_get_training_job(self):
        job_id = self.seeds.training_job()
        self.seeds.train(job_id)
        return {"job_id": job_id}, None

    def before_get_model(self):
        return {"model_id": self.seeds.model()}, None

    def before_create_inference_job(self):
        return {}, {"model_id": str(self.seeds.model())}

    def before_create_inference_file_upload(self):
        return {"job_id": self.seeds.inference_job()}, AUDIO

    def before_confirm_inference_file(self):
        job_id = self.seeds.inference_job()
        target = self.uploaded(self.steps.post(f"/inference-jobs/{job_id}/files/upload-url", 200, AUDIO))
        return {"job_id": job_id}, {"file_id": target["file_id"]}

    def uploaded(self, target):
        """Send a file where an answer says, and return the answer."""
        sent = self.client.post(target["upload_url"], data=target["fields"], files={"file": ("a.wav", b"RIFF")})
        assert sent.status_code == 204
        return target

    def between(self, target, parameters, answer):
        """Do what the description cannot say has to come before `target`; return fields that its body needs besides."""
        match target:
            case "update_dataset" | "update_model":
                return {"name": "another"}
            case "update_annotation":
                return {"end_ms": 700}
            case "create_audio_upload" | "create_inference_file_upload":
                return AUDIO
            case "create_training_job":
                return {"config": {"artifact_types": ["glitch"]}}
            case "create_annotation":
                return {**GLITCH, "audio_file_id": self.steps.audio(parameters["dataset_id"])}
            case "create_annotations":
                return {"annotations": [{**GLITCH, "audio_file_id": self.steps.audio(parameters["dataset_id"])}]}
            case "publish_annotation_set":  # an empty one is refused
                dataset_id, set_id = parameters["dataset_id"], parameters["annotation_set_id"]
                self.steps.annotate(dataset_id, set_id, self.steps.audio(dataset_id))
            case _ if target.startswith("confirm_") or target.endswith("_download"):
                self.uploaded(answer)
        return {}


def value_of(expression, parameters, answer):
    """Return what an expression of a link stands for."""
    if expression.startswith("$request.path."):
        return parameters[expression.removeprefix("$request.path.")]
    value = answer
    for part in re.fullmatch(r"\$response\.body#/(.+)", expression)[1].split("/"):
        value = value[int(part) if isinstance(value, list) else part]
    return value


def test_every_link_can_be_followed(anonymous, client, seeds):
    document = anonymous.get("/openapi.json").json()
    known = {operation["operationId"]: (path, method, operation) for path, method, operation in operations(document)}
    world = World(client, seeds)

    def call(name, parameters, body):
        path, method, operation = known[name]
        answer = client.request(method.upper(), path.format_map(parameters), json=body)
        assert str(answer.status_code) in operation["responses"], f"{name}: {answer.text}"
        assert answer.status_code < 300, f"{name}: {answer.text}"
        return operation["responses"][str(answer.status_code)], answer.json() if answer.content else None

    n_followed = 0
    for source, (*_, operation) in known.items():
        for link in [link for said in operation["responses"].values() for link in said.get("links", {}).values()]:
            parameters, body = getattr(world, f"before_{source}")()
            said, answer = call(source, parameters, body)
            assert link in said["links"].values()
            given = {name: value_of(text, parameters, answer) for name, text in link["parameters"].items()}
            sent = world.between(link["operationId"], given, answer)
            sent |= {name: value_of(text, parameters, answer) for name, text in link.get("requestBody", {}).items()}
            call(link["operationId"], given, sent or None)
            n_followed += 1
    assert n_followed > 40
