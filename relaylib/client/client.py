"""The client: its resources, and where it finds its server."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Any

import httpx

from relaylib.api import AudioFile
from relaylib.client.annotation_sets import AnnotationSets
from relaylib.client.annotations import Annotations
from relaylib.client.api_keys import ApiKeys
from relaylib.client.audio import Audio
from relaylib.client.datasets import Datasets
from relaylib.client.errors import UploadError
from relaylib.client.http import Http, plain_url
from relaylib.client.inference_files import InferenceFiles
from relaylib.client.inference_jobs import InferenceJobs
from relaylib.client.manifests import UploadedManifest, audio_paths, check_finished, spans_to_send
from relaylib.client.models import Models
from relaylib.client.resource import PathLike
from relaylib.client.retries import RetryPolicy
from relaylib.client.training_jobs import TrainingJobs
from relaylib.errors import ParameterError
from relaylib.types import Manifest

__all__ = ["Client"]

_CONNECT_TIMEOUT_S = 10.0


class Client:
    """A server of the Relay API, be it ours or another.

    Requests that may be repeated (all but those that create something) are tried again when the connection fails or
    the server has a passing trouble (500, 502, 503, 504); one that creates, only when it cannot have arrived. A server
    that answers 429 is given the time it asks for. A client may be used by several threads.

    Parameters
    ----------
    base_url : str
        Address of the server, such as ``http://127.0.0.1:8000``.
    api_key : str
        It is sent to this address alone.
    timeout : float
        Seconds without a sign of life after which a try is given up.
    retries : int or RetryPolicy
        How many times a request is tried again; a policy also says for how long.
    http_client : httpx.Client, optional
        What carries the requests, with its own timeouts, proxies and certificates; it is not closed with this client.

    Attributes
    ----------
    datasets : Datasets
    audio : Audio
    annotation_sets : AnnotationSets
    annotations : Annotations
    training_jobs : TrainingJobs
    models : Models
    inference_jobs : InferenceJobs
    inference_files : InferenceFiles
    api_keys : ApiKeys

    Raises
    ------
    ParameterError
        If the address or the key cannot be one.

    Examples
    --------
    >>> with Client("http://127.0.0.1:8000", "rl_live_...") as client:      # doctest: +SKIP
    ...     dataset = client.datasets.create("calls", artifact_types=["glitch"])
    ...     client.audio.upload_many(dataset.id, paths)
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        timeout: float = 30.0,
        retries: int | RetryPolicy = 4,
        http_client: httpx.Client | None = None,
    ) -> None:
        policy = retries if isinstance(retries, RetryPolicy) else RetryPolicy(retries)
        self._own = None if http_client is not None else _carrier(timeout)
        carrier = http_client or self._own
        assert carrier is not None
        self._http = Http(base_url, api_key, retries=policy, client=carrier)
        self.datasets = Datasets(self._http)
        self.audio = Audio(self._http)
        self.annotation_sets = AnnotationSets(self._http)
        self.annotations = Annotations(self._http)
        self.training_jobs = TrainingJobs(self._http)
        self.models = Models(self._http)
        self.inference_jobs = InferenceJobs(self._http)
        self.inference_files = InferenceFiles(self._http)
        self.api_keys = ApiKeys(self._http)

    @classmethod
    def from_env(cls, **options: Any) -> Client:
        """Return a client of the server and key that ``RELAY_BASE_URL`` and ``RELAY_API_KEY`` name.

        Parameters
        ----------
        **options
            As for the client itself.

        Raises
        ------
        ParameterError
            If one of them is not set.
        """
        missing = [name for name in ("RELAY_BASE_URL", "RELAY_API_KEY") if not os.environ.get(name, "").strip()]
        if missing:
            raise ParameterError(
                f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set; set RELAY_BASE_URL to the "
                "server's address and RELAY_API_KEY to a key of it."
            )
        return cls(os.environ["RELAY_BASE_URL"], os.environ["RELAY_API_KEY"], **options)

    def upload_manifest(
        self,
        manifest: Manifest,
        audio_root: PathLike,
        *,
        name: str,
        description: str | None = None,
        publish: bool = True,
        workers: int = 4,
        timeout: float | None = None,
        progress: bool = True,
    ) -> UploadedManifest:
        """Make a dataset of labelled material: its types, its audio, and an annotation set that is ready to train on.

        Recordings are called by their names without folders there, and their groups are not sent.

        Parameters
        ----------
        manifest : Manifest
        audio_root : path
            Folder to which its filenames are relative.
        name, description : str
            Of the dataset.
        publish : bool
            Make the annotation set final, as training needs; an empty one stays a draft.
        workers : int
            Uploads at a time.
        timeout : float, optional
            Seconds to wait for the processing of the audio; without it, as long as it takes.
        progress : bool
            Show bars.

        Raises
        ------
        ParameterError
            If a recording isn't there, or is to be published while it is still being labelled; nothing was made then.
        UploadError
            If a recording did not arrive. The dataset, which the message names, keeps those that did.
        JobFailedError
            If a recording cannot be decoded by the server.
        """
        if publish:
            check_finished(manifest)
        paths = audio_paths(manifest, audio_root)
        dataset = self.datasets.create(name, artifact_types=manifest.artifact_types, description=description)
        results = self.audio.upload_many(dataset.id, paths, workers=workers, progress=progress)
        arrived: list[AudioFile] = []
        for item, result in zip(manifest, results, strict=True):
            if isinstance(result, Exception):
                n_failed = sum(isinstance(r, Exception) for r in results)
                raise UploadError(
                    f"{n_failed} of {len(results)} recordings did not arrive in dataset {dataset.id}, which keeps the "
                    f"others; the first is {item.filename}: {result}"
                ) from result
            arrived.append(result)
        ready = self.audio.wait(dataset.id, [file.id for file in arrived], timeout=timeout, progress=progress)
        audio = {item.filename: file for item, file in zip(manifest, ready, strict=True)}
        labels = self.annotation_sets.create(dataset.id)
        self.annotations.create_many(dataset.id, labels.id, spans_to_send(manifest, audio))
        if publish and any(item.annotations for item in manifest):
            labels = self.annotation_sets.publish(dataset.id, labels.id)
        return UploadedManifest(dataset, labels, audio)

    def close(self) -> None:
        """Close the connections."""
        if self._own is not None:
            self._own.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({plain_url(self._http.base_url)!r})"


def _carrier(timeout: float) -> httpx.Client:
    return httpx.Client(timeout=httpx.Timeout(timeout, connect=min(timeout, _CONNECT_TIMEOUT_S)))
