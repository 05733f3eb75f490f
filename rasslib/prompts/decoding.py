"""Bytes to text: byte order marks first, then UTF-8, then Windows-1252 with a note."""

from __future__ import annotations

import codecs

from rasslib.errors import PromptError

_MARKS = (  # UTF-32 first: its little-endian mark begins with that of UTF-16
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NOT_TEXT = (
    (b"PK\x03\x04", "an Excel workbook or a zip archive; save the sheet as CSV (UTF-8), or unpack it"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word file; save it as CSV (UTF-8)"),
    (b"%PDF", "a PDF; copy the prompts into a text file, one a line"),
    (b"\x1f\x8b", "compressed (gzip); unpack it"),
    (b"BZh", "compressed (bzip2); unpack it"),
    (b"(\xb5/\xfd", "compressed (zstd); unpack it"),
    (b"SQLite format 3\0", "an SQLite database; export the table as CSV"),
)
_HEAD = 8192
_MOST_NULS = 0.1


def decode(data: bytes, label: str) -> tuple[str, list[str]]:
    """The text in ``data``, and notes for the user on what had to be guessed.

    Args:
        data: A whole file.
        label: What to call it in messages.

    Raises:
        PromptError: It is no text (a workbook, an archive, something binary).
    """
    for magic, what in _NOT_TEXT:
        if data.startswith(magic):
            raise PromptError(f"{label} is {what} and read that instead.")
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            text = data.decode(encoding, "replace")
            broken = text.count("\ufffd")
            told = f"{broken} characters of {label} are damaged and read as \ufffd ({encoding})."
            return text, [told] if broken else []
    if data[:_HEAD].count(0) > _MOST_NULS * min(len(data), _HEAD):
        raise PromptError(f"{label} does not look like text; save it as CSV, JSONL or plain lines in UTF-8.")
    try:
        return data.decode("utf-8"), []
    except UnicodeDecodeError:
        note = f"{label} is not UTF-8 and was read as Windows-1252 (cp1252): check accents and quotes."
        return data.decode("cp1252", "replace"), [note]
