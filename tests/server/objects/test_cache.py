import threading

from relaylib.server.objects.cache import FileCache


def kept(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def test_a_file_is_fetched_once(tmp_path):
    fetched = []

    def fetch(file):
        fetched.append(1)
        file.write(b"abc")

    cache = FileCache(tmp_path, 100)
    for _ in range(3):
        with cache.hold("a", 3, fetch) as path:
            assert path.read_bytes() == b"abc"
    assert len(fetched) == 1


def test_many_users_at_once_share_one_fetch(tmp_path):
    """Each through its own cache object, as processes have."""
    fetched, read = [], []

    def fetch(file):
        fetched.append(1)
        file.write(b"x" * 100_000)

    def use():
        with FileCache(tmp_path, 1_000_000).hold("a", 100_000, fetch) as path:
            read.append(len(path.read_bytes()))

    threads = [threading.Thread(target=use) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(fetched), read) == (1, [100_000] * 16)


def test_the_least_recently_used_goes_first(tmp_path):
    cache = FileCache(tmp_path, 250)
    for name in ("a", "b", "a", "c"):
        with cache.hold(name, 100, lambda file: file.write(b"x" * 100)):
            pass
    assert kept(tmp_path) == ["a", "c"]


def test_a_file_in_use_stays(tmp_path):
    cache = FileCache(tmp_path, 100)
    first = cache.hold("a", 100, lambda file: file.write(b"x" * 100))
    second = cache.hold("b", 100, lambda file: file.write(b"y" * 100))
    with first as path, second:
        assert path.read_bytes() == b"x" * 100
        assert kept(tmp_path) == ["a", "b"]
    with cache.hold("c", 100, lambda file: file.write(b"z" * 100)):
        assert kept(tmp_path) == ["c"]


def test_a_fetch_that_fails_leaves_nothing(tmp_path):
    def fail(file):
        file.write(b"half")
        raise OSError("cut")

    cache = FileCache(tmp_path, 100)
    try:
        with cache.hold("a", 100, fail):
            raise AssertionError("a file that was not fetched was given")
    except OSError:
        assert kept(tmp_path) == []
    with cache.hold("a", 1, lambda file: file.write(b"x")) as path:
        assert path.read_bytes() == b"x"
