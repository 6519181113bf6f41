"""Running a page of documentation: its shell commands and Python snippets, with host, key and ids replaced."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import requests

HOST = "https://api.relayai.dev"
SAMPLE_IDS = {
    "123e4567-e89b-12d3-a456-426614174000": "DATASET_ID",
    "456e7890-e89b-12d3-a456-426614174001": "AUDIO_ID",
    "789e0123-e89b-12d3-a456-426614174002": "ANNOTATION_SET_ID",
    "model-uuid-here": "MODEL_ID",
}
"""What pages write where an id of an earlier answer belongs."""


def snippets(text: str) -> Iterator[tuple[str, str]]:
    """Yield the language and the source of each snippet of a page, in order."""
    lines = text.splitlines()
    k = 0
    while k < len(lines):
        if lines[k].startswith(("curl ", "export ")):
            n_lines = next(n for n in range(1, len(lines) - k + 1) if _is_whole_command("\n".join(lines[k : k + n])))
            yield "shell", "\n".join(lines[k : k + n_lines])
            k += n_lines
        elif lines[k].strip() == "Python":
            rest = lines[k + 1 :]
            n_lines = max(n for n in range(len(rest) + 1) if _is_python("\n".join(rest[:n])))
            yield "python", "\n".join(rest[:n_lines])
            k += 1 + n_lines
        else:
            k += 1


def _is_whole_command(source: str) -> bool:
    return not source.endswith("\\") and _parses(source)


def _parses(source: str) -> bool:
    return subprocess.run(["bash", "-n", "-c", source], capture_output=True, check=False).returncode == 0


def _is_python(source: str) -> bool:
    try:
        compile(source, "page", "exec")
    except SyntaxError:
        return False
    return True


class Reader:
    """Who does what a page says, in `folder`, where the page's recordings lie."""

    def __init__(self, url: str, key: str, folder: Path) -> None:
        self.variables = {"RELAY_API_KEY": key}
        self.answers: list[tuple[str, int, dict]] = []
        self.folder = folder
        self._url = url
        self._namespace = {"requests": requests, "BASE_URL": url, "API_KEY": key, "open": self._open}

    def follow(self, text: str) -> None:
        """Do everything the page says, one thing after the other."""
        for language, source in snippets(text):
            if language == "python":
                self._run_python(source)
            elif not source.startswith("export "):
                self._run_shell(source)

    def _open(self, name: str, mode: str):
        return (self.folder / name).open(mode)

    def _run_python(self, source: str) -> None:
        self._namespace |= {name.lower(): value for name, value in self.variables.items()}
        really_sleep = time.sleep
        time.sleep = lambda seconds: really_sleep(min(seconds, 0.5))  # the page waits for a busy server far away
        try:
            exec(compile(source, "page", "exec"), self._namespace)
        finally:
            time.sleep = really_sleep
        if "training-jobs" in source:
            self._learn_model()

    def _run_shell(self, source: str) -> None:
        command = source.replace(HOST, self._url)
        for sample, name in SAMPLE_IDS.items():
            if sample in command:
                command = command.replace(sample, self.variables[name])
        command = command.replace("curl ", "curl --silent --show-error --write-out '\\n%{http_code}' ", 1)
        done = subprocess.run(
            ["bash", "-c", command],
            capture_output=True,
            text=True,
            check=True,
            cwd=self.folder,
            env={**os.environ, **self.variables},
        )
        body, status = done.stdout.rsplit("\n", 1)
        answer = json.loads(body) if body.strip() else {}
        self.answers.append((source, int(status), answer))
        assert int(status) < 300, f"{status} {body}\n{source}"
        self._remember(source.partition("\n")[0], answer)

    def _remember(self, call: str, answer: dict) -> None:
        """Keep what a reader would copy from an answer into the next call."""
        kept = {
            "/api/v1/datasets ": {"DATASET_ID": "id"},
            "/audio/upload-url": {"UPLOAD_URL": "upload_url", "AUDIO_ID": "audio_id"},
            '/annotation-sets"': {"ANNOTATION_SET_ID": "id"},
            "/api/v1/training-jobs ": {"JOB_ID": "id"},
            "/api/v1/inference-jobs ": {"INFERENCE_JOB_ID": "id"},
        }
        for place, names in kept.items():
            if place in call:
                self.variables |= {name: answer[field] for name, field in names.items()}
        if "/audio/upload-url" in call:
            fields = answer["fields"]
            self.variables |= {
                "KEY": fields["key"],
                "POLICY": fields["policy"],
                "SIGNATURE": fields["x-amz-signature"],
            }

    def _learn_model(self) -> None:
        job = requests.get(
            f"{self._url}/api/v1/training-jobs/{self.variables['JOB_ID']}",
            headers={"X-API-Key": self.variables["RELAY_API_KEY"]},
        ).json()
        self.variables["MODEL_ID"] = job["model_id"]
