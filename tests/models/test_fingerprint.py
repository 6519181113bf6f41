import numpy as np

from relaylib.models.fingerprint import fingerprint


def test_order_and_layout_do_not_matter():
    a, b = np.arange(6.0).reshape(2, 3), np.zeros(2, np.float32)
    same = fingerprint({"hop": 320, "layer": None}, [("a", a), ("b", b)])
    assert same == fingerprint({"layer": None, "hop": 320}, [("b", b), ("a", np.asfortranarray(a))])
    assert same == fingerprint({"layer": None, "hop": 320}, [("b", b), ("a", a.astype(">f8"))])
    assert len(same) == 64


def test_any_change_of_settings_names_types_shapes_or_values_shows():
    a = np.arange(6.0).reshape(2, 3)
    changed = a.copy()
    changed[1, 2] = np.nextafter(5, 6)
    prints = {
        fingerprint({"hop": 320}, [("a", a)]),
        fingerprint({"hop": 160}, [("a", a)]),
        fingerprint({"hop": 320}, [("b", a)]),
        fingerprint({"hop": 320}, [("a", a.T)]),
        fingerprint({"hop": 320}, [("a", a.astype(np.float32))]),
        fingerprint({"hop": 320}, [("a", changed)]),
        fingerprint({"hop": 320}, [("a", a), ("b", np.zeros(0))]),
        fingerprint({"hop": 320}),
    }
    assert len(prints) == 8
