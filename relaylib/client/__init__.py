"""A typed client of the REST API, for our server and any other of it."""

from relaylib.client.client import Client
from relaylib.client.errors import (
    ApiError,
    AuthenticationError,
    ConnectionFailedError,
    JobFailedError,
    NotFoundError,
    RefusedError,
    ResponseError,
    ServerError,
    UploadError,
    ValidationError,
    WaitTimeoutError,
)
from relaylib.client.manifests import UploadedManifest
from relaylib.client.retries import RetryPolicy

__all__ = [
    "ApiError",
    "AuthenticationError",
    "Client",
    "ConnectionFailedError",
    "JobFailedError",
    "NotFoundError",
    "RefusedError",
    "ResponseError",
    "RetryPolicy",
    "ServerError",
    "UploadError",
    "UploadedManifest",
    "ValidationError",
    "WaitTimeoutError",
]
