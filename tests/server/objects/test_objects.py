import concurrent.futures

import pytest

from relaylib.errors import ParameterError
from relaylib.server.objects import StorageError, open_store
from relaylib.server.objects.folder import FolderStore
from relaylib.server.objects.s3 import S3Store
from relaylib.server.objects.secret import kept_secret


def test_without_a_url_everything_is_in_the_data_folder(tmp_path):
    store = open_store(None, data_dir=tmp_path)
    assert store.root == tmp_path / "objects"
    assert (tmp_path / "storage.key").stat().st_mode & 0o777 == 0o600
    assert open_store(None, data_dir=tmp_path).secret == store.secret
    assert len(store.secret) == 32


def test_a_folder_can_be_elsewhere(tmp_path):
    store = open_store(f"file://{tmp_path}/el%20se", data_dir=tmp_path / "data")
    assert store.root == tmp_path / "el se"
    assert isinstance(store, FolderStore)


def test_a_bucket_has_a_url(tmp_path):
    assert isinstance(open_store("s3://bucket/prefix?region=eu-west-1", data_dir=tmp_path), S3Store)


@pytest.mark.parametrize(
    ("url", "match"),
    [
        ("gs://bucket", "begins with 'gs'; known are file:///PATH and s3://"),
        ("/just/a/path", "begins with ''"),
        ("file://host/path", "three slashes"),
        ("file:relative", "three slashes"),
        ("file:///", "three slashes"),
        ("s3://", "s3://BUCKET"),
        ("s3://[bucket", "cannot be read"),
        ("s3://bucket?endpont=x", "unknown option 'endpont'; known are endpoint, region, uploads"),
        ("s3://bucket?uploads=maybe", "uploads='maybe' is none of server, direct"),
        ("s3://bucket?uploads=", "uploads='' is none of server, direct"),
        ("s3://bucket?endpoint=nonsense", "nonsense"),
        ("s3://bucket/../x", "not an object key"),
    ],
)
def test_another_url_is_an_error(tmp_path, url, match):
    with pytest.raises(ParameterError, match=match):
        open_store(url, data_dir=tmp_path)


def test_a_secret_in_a_url_is_not_repeated(tmp_path):
    with pytest.raises(ParameterError) as caught:
        open_store("s3://key:hidden@bucket", data_dir=tmp_path)
    assert "hidden" not in str(caught.value)


def test_those_who_make_a_secret_at_once_agree(tmp_path):
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(kept_secret, [tmp_path / "data" / "storage.key"] * 16))) == 1
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["storage.key"]


@pytest.mark.parametrize("content", ["", "ab", "not hex"])
def test_a_damaged_secret_is_an_error(tmp_path, content):
    (tmp_path / "storage.key").write_text(content)
    with pytest.raises(StorageError, match=r"storage\.key"):
        open_store(None, data_dir=tmp_path)


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "objects").write_text("a file")
    with pytest.raises(StorageError, match="cannot be used"):
        open_store(None, data_dir=tmp_path)
