"""The detectors that come along, as models of every tenant."""

from __future__ import annotations

from uuid import UUID, uuid5

from sqlalchemy.ext.asyncio import AsyncSession

from relaylib.models.ready import detector_metadata, detector_names
from relaylib.server.database.tables import ModelRow
from relaylib.server.keys.service import find_tenant, hold_tenants, make_tenant
from relaylib.server.models.metrics import complete_metrics
from relaylib.server.objects.ready import ready_key

__all__ = ["tenant_with_models"]


async def tenant_with_models(session: AsyncSession, name: str) -> UUID:
    """Return the id of a tenant; where it has to be made, it is given a model for each detector that comes along.

    They are its own from then on: renamed, switched off or deleted as it likes, and not brought back. No training made
    them, and so the id that stands for their training belongs to none.
    """
    found = await find_tenant(session, name)
    if found is None:
        await hold_tenants(session)
        found = await find_tenant(session, name)  # another may have made it meanwhile
    if found is not None:
        return found
    tenant_id = await make_tenant(session, name)
    for detector in detector_names():
        meta = detector_metadata(detector)
        session.add(
            ModelRow(
                tenant_id=tenant_id,
                training_job_id=uuid5(tenant_id, detector),
                name=detector,
                description="Comes with relaylib, trained on artifacts that a program put into speech.",
                artifact_types=meta.artifact_types,
                eval_metrics=complete_metrics(meta.metrics, meta.artifact_types),
                object_key=ready_key(tenant_id, detector),
            )
        )
    await session.flush()
    return tenant_id
