"""Rows put straight into the database of a running application, so that a test starts where its subject begins."""

from datetime import datetime, timedelta, timezone
from uuid import uuid4

import msgspec
from sqlalchemy import select

from relaylib.api import DetectionBody, EpochMetrics, InferenceConfig, TrainingConfig
from relaylib.server.database.tables import (
    AnnotationRow,
    AnnotationSetRow,
    AudioFileRow,
    DatasetRow,
    InferenceFileRow,
    InferenceJobRow,
    JobRow,
    ModelRow,
    TrainingJobRow,
)
from relaylib.server.inference.processing import DetectionWork
from relaylib.server.jobs.tasks import Detected, Progress, Trained
from relaylib.server.keys.service import tenant_by_name
from relaylib.server.training.processing import TrainingWork

NOW = datetime.now(timezone.utc)
METRICS = {"precision": 0.5, "recall": 1.0, "f1_score": 2 / 3, "per_class": {}}


class Seeds:
    """Makes rows for one tenant, and does to them what the dispatcher would."""

    def __init__(self, app, call, tenant="one"):
        self._app = app
        self._call = call
        self.tenant_id = self.write(lambda session: tenant_by_name(session, tenant))

    def write(self, work):
        """Run a function of a session in a transaction; return what it returns."""

        async def transaction():
            async with self._app.state.context.db.write() as session:
                return await work(session)

        return self._call(transaction)

    def add(self, row):
        """Store a row and return it as it is then."""

        async def work(session):
            session.add(row)
            await session.flush()
            return row

        return self.write(work)

    def get(self, table, row_id):
        return self.write(lambda session: session.get(table, row_id))

    def change(self, table, row_id, **values):
        async def work(session):
            row = await session.get(table, row_id)
            for name, value in values.items():
                setattr(row, name, value)

        self.write(work)

    def queued(self, subject_id):
        """Return the row of the queue that is about another row, None if there is none."""
        return self.write(lambda session: session.scalar(select(JobRow).where(JobRow.subject_id == subject_id)))

    def dataset(self, types=("glitch", "long_pause")):
        return self.add(DatasetRow(tenant_id=self.tenant_id, name="d", artifact_types=[{"name": t} for t in types])).id

    def audio(self, dataset_id, duration_ms=300_000, status="ready", expires_in_s=3600, **values):
        return self.add(
            AudioFileRow(
                tenant_id=self.tenant_id,
                dataset_id=dataset_id,
                content_type="audio/wav",
                file_size_bytes=1000,
                object_key=f"audio/{uuid4()}",
                upload_expires_at=datetime.now(timezone.utc) + timedelta(seconds=expires_in_s),
                duration_ms=duration_ms if status == "ready" else None,
                processing_status=status,
                **{"original_filename": "a.wav", **values},
            )
        ).id

    def annotation_set(self, dataset_id, spans=(), *, status="published", version=1):
        """Make a set of (audio id, type, start, end)."""

        async def work(session):
            row = AnnotationSetRow(tenant_id=self.tenant_id, dataset_id=dataset_id, version=version, status=status)
            session.add(row)
            await session.flush()
            names = ("audio_file_id", "artifact_type", "start_ms", "end_ms")
            for span in spans:
                values = dict(zip(names, span, strict=True))
                session.add(AnnotationRow(tenant_id=self.tenant_id, annotation_set_id=row.id, **values))
            return row

        return self.write(work).id

    def labelled(self, types=("glitch", "long_pause")):
        """Make five minutes in which each type is annotated once; return the ids of dataset, set and audio."""
        dataset_id = self.dataset(types)
        audio_id = self.audio(dataset_id)
        spans = [(audio_id, name, 1000 * index, 1000 * index + 500) for index, name in enumerate(types)]
        return dataset_id, self.annotation_set(dataset_id, spans), audio_id

    def training_job(self, **values):
        """Make a job in the queue's words: nothing is queued for it."""
        dataset_id, set_id, _ = self.labelled()
        config = msgspec.to_builtins(TrainingConfig(["glitch", "long_pause"]))
        row = TrainingJobRow(tenant_id=self.tenant_id, dataset_id=dataset_id, annotation_set_id=set_id, config=config)
        for name, value in values.items():
            setattr(row, name, value)
        return self.add(row).id

    def model(self, **values):
        row = ModelRow(
            tenant_id=self.tenant_id,
            training_job_id=uuid4(),
            artifact_types=["glitch"],
            eval_metrics=METRICS,
            object_key=f"models/{uuid4()}.safetensors",
        )
        for name, value in values.items():
            setattr(row, name, value)
        return self.add(row).id

    def inference_job(self, model_id=None, **values):
        config = msgspec.to_builtins(InferenceConfig())
        model_id = model_id or self.model()
        row = InferenceJobRow(tenant_id=self.tenant_id, model_id=model_id, config=config)
        for name, value in values.items():
            setattr(row, name, value)
        return self.add(row).id

    def file(self, job_id, status="queued", **values):
        row = InferenceFileRow(
            tenant_id=self.tenant_id,
            inference_job_id=job_id,
            original_filename="f.wav",
            content_type="audio/wav",
            file_size_bytes=1000,
            object_key=f"inference/{uuid4()}",
            upload_expires_at=datetime.now(timezone.utc) + timedelta(hours=1),
            status=status,
        )
        for name, value in values.items():
            setattr(row, name, value)
        return self.add(row).id

    def start(self, kind, subject_id):
        """Take a job as the dispatcher does; return the task."""
        return self.write(lambda session: kind.task(session, subject_id))

    def detect(self, file_id, n_detections=0, duration_ms=10_000):
        """Do all the work on a file, and find that much in it."""
        kind = DetectionWork()
        task = self.start(kind, file_id)
        found = [DetectionBody("glitch", 100 * n, 100 * n + 60, 0.9) for n in range(n_detections)]
        self.write(lambda session: kind.finished(session, file_id, task, Detected(duration_ms, found)))

    def fail(self, kind, subject_id, reason):
        self.write(lambda session: kind.failed(session, subject_id, reason))

    def train(self, job_id, metrics=METRICS, types=("glitch", "long_pause")):
        """Do all the work of a training; return the task."""
        kind = TrainingWork()
        task = self.start(kind, job_id)
        self.write(lambda session: kind.finished(session, job_id, task, Trained(list(types), metrics)))
        return task

    def progress(self, job_id, *steps):
        """Tell of the progress of a training: fractions, or (fraction, epoch)."""
        told = []
        for step in steps:
            fraction, epoch = step if isinstance(step, tuple) else (step, None)
            told.append(
                Progress(fraction, "training", None if epoch is None else EpochMetrics(0, epoch, 0.5, 0.6, 0.7))
            )
        self.write(lambda session: TrainingWork().progressed(session, job_id, told))
