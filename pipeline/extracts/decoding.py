"""From the bytes of a landing file to plain UTF-8 text: decompressed, transcoded, proved complete and well encoded.

Belongs here: compression and character sets, streamed in constant memory. Does not belong here: where lines and fields
end (``records``). DuckDB decompresses by itself while it reads and knows UTF-8, so only files that need more (GB18030,
or rows that must be found in the text) are written out as plain text.
"""

import codecs
import csv
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import zstandard

from pipeline.errors import InputError
from pipeline.extracts.contracts import Contract
from pipeline.extracts.landing import ASK_AGAIN

_CHUNK_BYTES = 1 << 20
_LONGEST_HEADER_BYTES = 1 << 16
_GZIP_CONTAINER = 31

# A GB18030 text can be valid UTF-8 by chance for a word or two, not with as many three-byte characters as this.
_CHANCE_CHARACTERS = 12
_CHINESE = re.compile("[\u2e80-\uffee]")


def decompressed_chunks(path: Path, compression: str) -> Iterator[bytes]:
    """Read a file in pieces, decompressed.

    Raises
    ------
    InputError
        If the compressed stream ends early or is damaged. DuckDB's reader takes a zstd file that was cut between two
        blocks, or a gzip file with a wrong checksum, for a whole one.
    """
    with path.open("rb") as file:
        chunks = iter(lambda: file.read(_CHUNK_BYTES), b"")
        if compression == "none":
            yield from chunks
            return
        decoder = None
        for chunk in chunks:
            while chunk:
                # a file may hold several compressed streams one after the other
                decoder = decoder or _decompressor(compression)
                try:
                    yield decoder.decompress(chunk)
                except (zlib.error, zstandard.ZstdError) as error:
                    raise _damaged(path, compression, f"a damaged stream before byte {file.tell()} ({error})") from None
                chunk = decoder.unused_data if decoder.eof else b""
                decoder = None if decoder.eof else decoder
        if decoder is not None or file.tell() == 0:
            raise _damaged(path, compression, f"a stream that breaks off at byte {file.tell()}")


class _Decompressor(Protocol):
    """What zlib's and zstandard's decompression objects have in common."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, /) -> bytes: ...


def _decompressor(compression: str) -> _Decompressor:
    if compression == "gzip":
        return zlib.decompressobj(_GZIP_CONTAINER)
    return zstandard.ZstdDecompressor().decompressobj()


def _damaged(path: Path, compression: str, found: str) -> InputError:
    return InputError(
        "a compressed file is not complete",
        expected=f"a whole {compression} stream",
        found=found,
        where=str(path),
        action=ASK_AGAIN,
    )


def check_complete(path: Path, compression: str) -> None:
    """Decompress a file to its end, for files that no sidecar vouches for.

    Raises
    ------
    InputError
        If the compressed stream ends early or is damaged.
    """
    for _ in decompressed_chunks(path, compression):
        pass


def check_header(contract: Contract, path: Path) -> None:
    """Compare the first line of a file with the columns of the contract.

    Raises
    ------
    InputError
        If there is no first line, or it has other columns or another order.
    """
    if not contract.file.header:
        return
    line = _first_line(contract, path)
    found = tuple(next(csv.reader([line], delimiter=contract.file.delimiter), ()))
    expected = contract.column_names
    if found == expected:
        return
    if not any(found):
        difference = "an empty file" if not line else "an empty first line"
    elif missing_or_new := [
        *(f"no {name}" for name in expected if name not in found),
        *(f"unknown {name!r}" for name in found if name not in expected),
    ]:
        difference = ", ".join(missing_or_new)
    elif sorted(found) != sorted(expected):
        difference = f"twice: {', '.join(sorted({name for name in found if found.count(name) > 1}))}"
    else:
        moved = [
            f"{name} in place {found.index(name) + 1}"
            for name, there in zip(expected, found, strict=True)
            if name != there
        ]
        difference = f"another order: {', '.join(moved)}"
    raise InputError(
        f"the layout of {contract.feed} has changed",
        expected=contract.file.delimiter.join(expected),
        found=difference,
        where=f"{path}, line 1",
        action="agree the layout with the source system; then change the contract and raise its version",
    )


def _first_line(contract: Contract, path: Path) -> str:
    start = b""
    for chunk in decompressed_chunks(path, contract.file.compression):
        start += chunk
        if b"\n" in start or len(start) > _LONGEST_HEADER_BYTES:
            break
    line = start.removeprefix(codecs.BOM_UTF8).split(b"\n", 1)[0].removesuffix(b"\r")
    return line[:_LONGEST_HEADER_BYTES].decode(contract.file.encoding, errors="replace")


def write_plain_text(contract: Contract, path: Path, target: Path) -> None:
    """Write the text of a file as uncompressed UTF-8.

    Parameters
    ----------
    contract : Contract
        Says how the file is compressed and encoded.
    path : Path
        The landing file.
    target : Path
        Where the text goes.

    Raises
    ------
    InputError
        If the file is not complete or not in the encoding of the contract; with byte offset (of the decompressed
        text) and line.
    """
    encoding = contract.file.encoding
    decoder = codecs.getincrementaldecoder(encoding)(errors="strict")
    suspicion = _Utf8Suspicion() if encoding != "UTF-8" else None
    offset = 0
    lines = 0
    with target.open("wb") as file:
        for chunk in _and_the_end(decompressed_chunks(path, contract.file.compression)):
            pending = decoder.getstate()[0]
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                line = lines + 1 + error.object[: error.start].count(b"\n")
                raise _wrongly_encoded(
                    contract, path, f"byte {offset - len(pending) + error.start} (line {line}) is part of no character"
                ) from None
            offset += len(chunk)
            lines += chunk.count(b"\n")
            if suspicion:
                suspicion.look_at(chunk)
            file.write(text.encode("utf-8"))
    if suspicion and suspicion.is_utf8:
        raise _wrongly_encoded(contract, path, "the whole file is valid UTF-8 with Chinese characters")


def _and_the_end(chunks: Iterator[bytes]) -> Iterator[bytes]:
    yield from (chunk for chunk in chunks if chunk)
    yield b""


class _Utf8Suspicion:
    """Watches a text that should be GB18030 for being UTF-8, which decodes to wrong characters without an error."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="strict")
        self._is_valid = True
        self._characters = 0

    def look_at(self, chunk: bytes) -> None:
        if not self._is_valid:
            return
        try:
            text = self._decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError:
            self._is_valid = False
        else:
            if not text.isascii():
                self._characters += len(_CHINESE.findall(text))

    @property
    def is_utf8(self) -> bool:
        return self._is_valid and self._characters >= _CHANCE_CHARACTERS


def _wrongly_encoded(contract: Contract, path: Path, found: str) -> InputError:
    return InputError(
        f"a file of {contract.feed} is not in the encoding of its contract",
        expected=contract.file.encoding,
        found=found,
        where=str(path),
        action="ask the source system for the agreed encoding, or change the contract and raise its version",
    )
