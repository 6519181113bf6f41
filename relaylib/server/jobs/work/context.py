"""What a worker keeps between tasks."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from relaylib.errors import AudioDecodeError, ModelFormatError, ParameterError
from relaylib.models import Detector, EmbeddingCache, Encoder, load_encoder
from relaylib.models.detector_file import read
from relaylib.models.ready import detector_file_of
from relaylib.server.jobs.executor import TaskFailedError
from relaylib.server.objects import ObjectMissingError, open_store
from relaylib.server.objects.ready import ready_detector
from relaylib.server.objects.store import ObjectStore
from relaylib.server.settings import Settings

__all__ = ["WorkContext", "open_context"]

_MOST_DETECTORS = 4


class WorkContext:
    """The store, the encoder with its cache, and the detectors that were used last.

    Parameters
    ----------
    store : ObjectStore
    encoder : Encoder
        Embeds uploaded audio; detectors share it if it is theirs.
    cache : EmbeddingCache
    data_dir : Path
        Not named in messages.
    """

    def __init__(self, store: ObjectStore, encoder: Encoder, cache: EmbeddingCache, data_dir: Path) -> None:
        self.store = store
        self.encoder = encoder
        self.cache = cache
        self.data_dir = data_dir.absolute()
        self._encoders = {encoder.fingerprint: encoder}
        self._detectors: OrderedDict[str, Detector] = OrderedDict()

    @contextmanager
    def stored(self, key: str, filename: str) -> Iterator[Path]:
        """Give a file with the bytes of an object, or of a detector that comes along, that its owner calls `filename`.

        Raises
        ------
        TaskFailedError
            If it isn't there.
        """
        with ExitStack() as stack:
            try:
                ready = ready_detector(key)
                path = detector_file_of(ready) if ready else stack.enter_context(self.store.local(key))
            except ObjectMissingError as exc:
                raise TaskFailedError(f"{filename}: is no longer stored; upload it again.") from exc
            yield path

    @contextmanager
    def opened(self, key: str, filename: str) -> Iterator[Path]:
        """Do as :meth:`stored`; what the library finds wrong with the file then names it `filename`.

        Raises
        ------
        TaskFailedError
            In place of the library's error, too.
        """
        with self.stored(key, filename) as path:
            try:
                yield path
            except (AudioDecodeError, ParameterError, ModelFormatError) as exc:
                raise TaskFailedError(self.public(str(exc).replace(str(path), filename))) from exc

    def public(self, text: str) -> str:
        """Return a message without the place of the data folder on this machine."""
        for folder in (self.data_dir.resolve(), self.data_dir):
            text = text.replace(str(folder), "the data folder")
        return text

    def detector(self, key: str) -> Detector:
        """Return a stored detector, loaded unless it was used lately."""
        detector = self._detectors.get(key)
        if detector is None:
            with self.opened(key, "the model") as path:
                wanted = read(path).meta.encoder
                encoder = self._encoders.get(wanted.fingerprint)
                detector = Detector.load(path, encoder=encoder)
            self._encoders.setdefault(wanted.fingerprint, detector.encoder)
            self._detectors[key] = detector
        self._detectors.move_to_end(key)
        if len(self._detectors) > _MOST_DETECTORS:
            self._detectors.popitem(last=False)
            used = {detector.encoder.fingerprint for detector in self._detectors.values()}
            used.add(self.encoder.fingerprint)
            self._encoders = {name: encoder for name, encoder in self._encoders.items() if name in used}
        return detector


def open_context(*, storage_url: str | None, data_dir: Path, encoder: str) -> WorkContext:
    """Open the store and the cache, and load the encoder with all that is slow to load.

    Parameters
    ----------
    storage_url : str, optional
        See :class:`relaylib.server.settings.Settings`.
    data_dir : Path
        Embeddings are cached in it.
    encoder : str
        See :func:`relaylib.load_encoder`.

    Raises
    ------
    EncoderNotAvailableError, StorageError
    """
    store = open_store(storage_url, data_dir=data_dir, make_folder=False)  # the server has; one that is away stays so
    cache = EmbeddingCache(Settings(data_dir=data_dir).embeddings_dir)
    return WorkContext(store, load_encoder(encoder), cache, data_dir)
