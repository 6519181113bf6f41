import re
from urllib.parse import unquote

from hypothesis import given
from hypothesis import strategies as st

from relaylib.server.objects.disposition import content_disposition, safe_content_type


@given(st.text())
def test_any_name_makes_one_safe_header(filename):
    header = content_disposition(filename)
    assert re.fullmatch(r"attachment; filename=\"[ -!#-\[\]-~]+\"; filename\*=UTF-8''[0-9A-Za-z%._~-]+", header)


def test_the_full_name_can_be_read_back():
    header = content_disposition('dir/Straße "音".wav')
    assert unquote(header.partition("UTF-8''")[2]) == 'Straße "音".wav'


def test_only_a_proper_type_is_given_back():
    assert safe_content_type("audio/wav") == "audio/wav"
    for wrong in ("", "audio", "audio/wav\r\nx: y", "a/b" * 100, "ä/b"):
        assert safe_content_type(wrong) == "application/octet-stream"
