"""Routes of inference jobs and their files, rows I1 to I4 and F1 to F6 of the contract."""

from __future__ import annotations

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody

from relaylib.api import (
    ConfirmFile,
    CreateFileUpload,
    CreateInferenceJob,
    DownloadUrl,
    InferenceFile,
    InferenceJob,
    InferenceJobDetail,
    InferenceStatus,
    Page,
    UploadTarget,
)
from relaylib.server.inference.files import InferenceFiles
from relaylib.server.inference.service import InferenceJobs
from relaylib.server.paging import PageQuery
from relaylib.server.routing import PathId, service

__all__ = ["InferenceController", "InferenceFileController"]

_FILE_SERVICES = {"files": service(InferenceFiles)}
_JOB_SERVICES = {"jobs": service(InferenceJobs)}


class InferenceController(Controller):
    """Inference jobs of the caller's tenant."""

    path = "/inference-jobs"
    tags = ("Inference jobs",)
    dependencies = _JOB_SERVICES

    @post(operation_id="create_inference_job", summary="Create an inference job")
    async def create(self, data: JSONBody[CreateInferenceJob], jobs: NamedDependency[InferenceJobs]) -> InferenceJob:
        """Set up detection by a model; files are added afterwards."""
        return await jobs.create(data)

    @get(operation_id="list_inference_jobs", summary="List inference jobs")
    async def list_jobs(
        self,
        jobs: NamedDependency[InferenceJobs],
        page: NamedDependency[PageQuery],
        status: FromQuery[InferenceStatus | None] = None,
    ) -> Page[InferenceJob]:
        """Give a page of the inference jobs, newest first, without their files."""
        return await jobs.list_page(page, status=status)

    @get("/{job_id:str}", operation_id="get_inference_job", summary="Get an inference job")
    async def get_job(self, job_id: PathId, jobs: NamedDependency[InferenceJobs]) -> InferenceJobDetail:
        """Give an inference job with its files and their detections."""
        return await jobs.get(job_id)

    @post(
        "/{job_id:str}/cancel", status_code=200, operation_id="cancel_inference_job", summary="Cancel an inference job"
    )
    async def cancel(self, job_id: PathId, jobs: NamedDependency[InferenceJobs]) -> InferenceJob:
        """Stop an inference job that is not over; finished files keep their detections."""
        return await jobs.cancel(job_id)


class InferenceFileController(Controller):
    """Files of an inference job."""

    path = "/inference-jobs/{job_id:str}/files"
    tags = ("Inference files",)
    dependencies = _FILE_SERVICES

    @post("/upload-url", status_code=200, operation_id="create_inference_file_upload", summary="Get an upload URL")
    async def create_upload(
        self, job_id: PathId, data: JSONBody[CreateFileUpload], files: NamedDependency[InferenceFiles]
    ) -> UploadTarget:
        """Add a file to an inference job and say where to upload it."""
        return await files.create_upload(job_id, data)

    @post("/confirm", status_code=200, operation_id="confirm_inference_file", summary="Confirm an upload")
    async def confirm(
        self, job_id: PathId, data: JSONBody[ConfirmFile], files: NamedDependency[InferenceFiles]
    ) -> InferenceFile:
        """Queue an uploaded file for detection."""
        return await files.confirm(job_id, data)

    @get(operation_id="list_inference_files", summary="List the files of an inference job")
    async def list_files(
        self, job_id: PathId, files: NamedDependency[InferenceFiles], page: NamedDependency[PageQuery]
    ) -> Page[InferenceFile]:
        """Give a page of the files, newest first."""
        return await files.list_page(job_id, page)

    @get("/{file_id:str}", operation_id="get_inference_file", summary="Get a file of an inference job")
    async def get_file(self, job_id: PathId, file_id: PathId, files: NamedDependency[InferenceFiles]) -> InferenceFile:
        """Give a file with its detections."""
        return await files.get(job_id, file_id)

    @get("/{file_id:str}/download-url", operation_id="get_inference_file_download", summary="Get a download URL")
    async def download_url(
        self, job_id: PathId, file_id: PathId, files: NamedDependency[InferenceFiles]
    ) -> DownloadUrl:
        """Say where the original audio can be fetched without a key."""
        return await files.download_url(job_id, file_id)
