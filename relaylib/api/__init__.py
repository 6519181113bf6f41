"""The REST API as types: the bodies that a server of it takes and gives, shared by our server and our client.

A field without a default is one that the documented API always sends; one with a default is an addition, so that
the client also reads servers that do not send it.
"""

from relaylib.api.annotations import (
    AnnotationBody,
    AnnotationSet,
    AnnotationSetDetail,
    CreateAnnotation,
    CreateAnnotations,
    CreatedAnnotations,
    SetList,
    SetStatus,
    UpdateAnnotation,
)
from relaylib.api.audio import (
    AudioFile,
    AudioStatus,
    ConfirmAudio,
    ConfirmedAudio,
    CreateAudioUpload,
    DownloadUrl,
    UploadTarget,
)
from relaylib.api.common import MAX_UPLOAD_BYTES, UPLOAD_LIFETIME_S, Message, Page, Problem, Problems
from relaylib.api.datasets import ArtifactTypeBody, CreateDataset, Dataset, DatasetSummary, UpdateDataset
from relaylib.api.inference import (
    ConfirmFile,
    CreateFileUpload,
    CreateInferenceJob,
    DetectionBody,
    FileStatus,
    InferenceConfig,
    InferenceFile,
    InferenceJob,
    InferenceJobDetail,
    InferenceStatus,
)
from relaylib.api.keys import ApiKey, CreateApiKey, CreatedApiKey
from relaylib.api.models import Model, UpdateModel
from relaylib.api.training import CreateTrainingJob, EpochMetrics, TrainingConfig, TrainingJob, TrainingStatus

__all__ = [
    "MAX_UPLOAD_BYTES",
    "UPLOAD_LIFETIME_S",
    "AnnotationBody",
    "AnnotationSet",
    "AnnotationSetDetail",
    "ApiKey",
    "ArtifactTypeBody",
    "AudioFile",
    "AudioStatus",
    "ConfirmAudio",
    "ConfirmFile",
    "ConfirmedAudio",
    "CreateAnnotation",
    "CreateAnnotations",
    "CreateApiKey",
    "CreateAudioUpload",
    "CreateDataset",
    "CreateFileUpload",
    "CreateInferenceJob",
    "CreateTrainingJob",
    "CreatedAnnotations",
    "CreatedApiKey",
    "Dataset",
    "DatasetSummary",
    "DetectionBody",
    "DownloadUrl",
    "EpochMetrics",
    "FileStatus",
    "InferenceConfig",
    "InferenceFile",
    "InferenceJob",
    "InferenceJobDetail",
    "InferenceStatus",
    "Message",
    "Model",
    "Page",
    "Problem",
    "Problems",
    "SetList",
    "SetStatus",
    "TrainingConfig",
    "TrainingJob",
    "TrainingStatus",
    "UpdateAnnotation",
    "UpdateDataset",
    "UpdateModel",
    "UploadTarget",
]
