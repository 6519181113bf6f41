"""The voices that speak the training material: which program says what in which voice, and under which licence."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ENGINES", "VOICES", "Voice"]


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice of an engine; `language` chooses the texts that it is given."""

    engine: str
    name: str
    language: str


ENGINES = {
    "espeak": ("espeak-ng", "GPL-3.0-or-later (program)"),
    "flite": ("flite", "BSD-like (Carnegie Mellon University)"),
    "festival": (
        "festival and festvox packages",
        "BSD-like; Italian GPL-2.0+, Czech GPL-3.0+, Finnish and Catalan LGPL-2.1+",
    ),
    "pico": ("libttspico-utils, of the non-free section", "Apache-2.0"),
    "asterisk": ("asterisk-core-sounds, asterisk-prompt", "CC-BY-SA-3.0; people who speak"),
    "fillets": ("fillets-ng-data", "GPL-2.0-or-later; people who act"),
    "ktuberling": ("ktuberling-data", "GPL-2.0-or-later; people who speak"),
    "tuxpaint": ("tuxpaint-stamps-default", "GPL-2.0; people who speak"),
    "queen": ("flight-of-the-amazon-queen", "may be passed on and changed, not sold alone; people who act"),
}
"""Engine -> (Debian package, licence)."""

_ESPEAK = {
    "en": ("en-us", "en-gb", "en-gb-scotland", "en-us-nyc", "en-029", "en-gb-x-rp"),
    "de": ("de",),
    "fr": ("fr-fr", "fr-be"),
    "es": ("es", "es-419"),
    "it": ("it",),
    "cs": ("cs",),
    "pl": ("pl",),
    "ru": ("ru",),
    "pt": ("pt-br", "pt"),
    # the letters of English texts, by the rules of these
    "any": ("nl", "sv", "da", "nb", "fi", "hu", "ro", "tr", "id", "vi", "sk", "hr", "lt", "lv", "et", "sq", "eo", "cy"),
}
_VARIANTS = ("", "f1", "f2", "f3", "f4", "f5", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "Alex", "Andy", "Annie")
_MORE_VARIANTS = (
    "Diogo",
    "Gene",
    "Hugo",
    "Lee",
    "Marco",
    "Mario",
    "Mike",
    "adam",
    "anika",
    "belinda",
    "grandma",
    "steph",
)
_FESTIVAL = {
    "kal_diphone": "en",
    "ked_diphone": "en",
    "cmu_us_slt_arctic_hts": "en",
    "lp_diphone": "it",
    "pc_diphone": "it",
    "czech_dita": "cs",
    "czech_krb": "cs",
    "czech_machac": "cs",
    "czech_ph": "cs",
    "suo_fi_lj_diphone": "any",
    "hy_fi_mv_diphone": "any",
    "upc_ca_ona_hts": "es",
    "msu_ru_nsh_clunits": "ru",
}


def _espeak() -> list[Voice]:
    found = []
    for language, names in _ESPEAK.items():
        for k, name in enumerate(names):
            variants = (*_VARIANTS, *_MORE_VARIANTS) if language == "en" and k < 2 else _VARIANTS[(3 * k) % 5 :: 3]
            found += [Voice("espeak", f"{name}+{v}" if v else name, language) for v in variants]
    return found


VOICES: tuple[Voice, ...] = (
    *_espeak(),
    *(Voice("flite", name, "en") for name in ("kal", "kal16", "awb", "rms", "slt")),
    *(Voice("festival", name, language) for name, language in _FESTIVAL.items()),
    *(Voice("pico", f"{tag}-{place}", tag) for tag, place in (("en", "US"), ("en", "GB"), ("de", "DE"))),
    *(Voice("pico", f"{tag}-{place}", tag) for tag, place in (("fr", "FR"), ("es", "ES"), ("it", "IT"))),
)
