"""Language codes: which are allowed, and what people write instead of them."""

from __future__ import annotations

import re

_CODE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")

NAMES = {
    "arabic": "ar", "bengali": "bn", "chinese": "zh", "czech": "cs", "danish": "da", "dutch": "nl",
    "english": "en", "finnish": "fi", "french": "fr", "german": "de", "greek": "el", "hebrew": "he",
    "hindi": "hi", "hungarian": "hu", "indonesian": "id", "italian": "it", "japanese": "ja", "korean": "ko",
    "norwegian": "no", "persian": "fa", "polish": "pl", "portuguese": "pt", "romanian": "ro", "russian": "ru",
    "spanish": "es", "swahili": "sw", "swedish": "sv", "thai": "th", "turkish": "tr", "ukrainian": "uk",
    "urdu": "ur", "vietnamese": "vi",
}  # fmt: skip
"""English names of languages that prompt files use in place of codes."""


def is_language_code(text: str) -> bool:
    """Whether ``text`` looks like a BCP-47 code: two or three small letters, then parts joined by hyphens."""
    return _CODE.fullmatch(text) is not None


def language_code(text: str) -> str:
    """The code that ``text`` means ("EN", "en_US", "zho_Hans", "German"), or "" if it means none."""
    first, *rest = text.strip().replace("_", "-").split("-")
    if not rest and first.lower() in NAMES:
        return NAMES[first.lower()]
    code = "-".join([first.lower(), *rest])
    return code if is_language_code(code) else ""
