import pytest
from hypothesis import given
from hypothesis import strategies as st

from relaylib.server.objects.errors import UploadRefusedError
from relaylib.server.objects.form import UploadForm
from relaylib.server.objects.policy import UploadGrant

CONTENT_TYPE = "multipart/form-data; boundary=edge"


def part(name, value, extra=b""):
    head = b'--edge\r\nContent-Disposition: form-data; name="' + name + b'"' + extra
    return head + b"\r\n\r\n" + value + b"\r\n"


def form_of(max_bytes=1000, content_length=None, content_type=CONTENT_TYPE):
    return UploadForm(content_type, content_length, lambda fields: UploadGrant(fields.get("key", "k"), 1, max_bytes))


def read(body, *, size=10_000, **options):
    form = form_of(**options)
    content = b"".join(piece for at in range(0, len(body), size) for piece in form.feed(body[at : at + size]))
    return form.finish(), content


@given(st.binary(min_size=1, max_size=300) | st.text("\r\n-edg", min_size=1).map(str.encode), st.integers(1, 50))
def test_the_file_comes_out_as_it_went_in_however_the_body_is_cut(content, size):
    if b"\r\n--edge" in b"\r\n" + content:
        return
    body = part(b"KEY", b"a/b") + part(b"file", content, b'; filename="x"') + b"--edge--\r\n"
    grant, received = read(body, size=size)
    assert (grant.key, received) == ("a/b", content)


@given(st.binary(), st.integers(1, 50))
def test_any_other_body_is_refused_and_nothing_else_happens(body, size):
    with pytest.raises(UploadRefusedError):
        read(body, size=size)


@pytest.mark.parametrize(
    ("body", "match"),
    [
        (b"", "ends before"),
        (b"--edge--\r\n", "no part named 'file'"),
        (part(b"key", b"a") + b"--edge--\r\n", "no part named 'file'"),
        (part(b"file", b"abc"), "ends before"),
        (part(b"file", b"abc") + b"--edge", "ends before"),
        (part(b"file", b"") + b"--edge--\r\n", "at least 1"),
        (part(b"file", b"x" * 1001) + b"--edge--\r\n", "too large"),
        (part(b"a", b"x" * 70_000) + part(b"file", b"x") + b"--edge--\r\n", "last is 'a'; .* named 'file'"),
        (b"".join(part(b"%d" % at, b"") for at in range(101)) + b"--edge--\r\n", "proper multipart"),
        (part(b"file", b"x") + b"--edge--\r\n" + b"x" * 600_000, "too much besides"),
        (b"\r\n" * 300_000, "too much besides"),
        (part(b"a", b"", b"; " + b"x" * 10_000), "proper multipart"),
        (b"--edge\r\nnothing\r\n\r\n\r\n--edge--", "proper multipart"),
        (part(b"file", b"abc", b"\r\nContent-Length: 2") + b"--edge--\r\n", "proper multipart"),
        (part(b"file", b"abc", b"\r\nContent-Length: " + b"9" * 6000) + b"--edge--\r\n", "proper multipart"),
    ],
)
def test_a_body_that_breaks_a_rule_is_refused(body, match):
    with pytest.raises(UploadRefusedError, match=match) as caught:
        read(body)
    assert caught.value.status == 400


def test_a_second_file_does_not_count():
    body = part(b"file", b"first") + part(b"file", b"second") + part(b"key", b"late") + b"--edge--\r\n"
    grant, content = read(body)
    assert (grant.key, content) == ("k", b"first")


def test_a_file_is_refused_as_soon_as_it_is_too_large():
    """By what has come, or by what the length announces."""
    with pytest.raises(UploadRefusedError, match="too large"):
        form_of().feed(part(b"file", b"x" * 2000)[:1500])
    with pytest.raises(UploadRefusedError, match="too large"):
        form_of(content_length=3_000_000).feed(part(b"file", b"x"))


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/mixed; boundary=edge",
        "application/json",
        "multipart/form-data; boundary=" + "x" * 300,
        "multipart/form-data; boundary=" + "x" * 30_000,
        'multipart/form-data; boundary="a\nb"',
        "multipart/form-data; boundary=é",
        "multipart/form-data; boundary=\u2014",
    ],
)
def test_another_content_type_is_refused(content_type):
    with pytest.raises(UploadRefusedError, match=r"(?i)multipart/form-data|ends before"):
        form_of(content_type=content_type).finish()
