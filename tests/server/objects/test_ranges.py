import pytest

from relaylib.server.objects.ranges import UnsatisfiableRangeError, requested_range


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", None),
        ("bytes=-", None),
        ("bytes=5-2", None),
        ("bytes=0-1,3-4", None),
        ("items=0-1", None),
        ("bytes=0-", (0, 10)),
        ("bytes=0-0", (0, 1)),
        ("bytes=9-", (9, 10)),
        ("bytes=2-99", (2, 10)),
        ("bytes=-99", (0, 10)),
        ("Bytes= 1 - 2", (1, 3)),
        ("bytes=" + "9" * 5000 + "-", None),
    ],
)
def test_the_bytes_that_are_asked_for(header, expected):
    assert requested_range(header, 10) == expected


@pytest.mark.parametrize(("header", "size"), [("bytes=10-", 10), ("bytes=-0", 10), ("bytes=0-", 0)])
def test_a_range_after_the_end_cannot_be_met(header, size):
    with pytest.raises(UnsatisfiableRangeError):
        requested_range(header, size)
