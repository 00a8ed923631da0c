"""What the service allows: sizes, waiting times, and who may ask."""

from __future__ import annotations

from pydantic import Field

from mere.config.base import Settings


class ServingSettings(Settings):
    """Limits of the service (`mere serve`)."""

    max_body_bytes: int = Field(8 << 20, ge=1024, description="largest request body")
    max_texts: int = Field(1000, ge=1, description="most texts in one request; NDJSON has no such limit")
    max_characters: int = Field(1_000_000, ge=1, description="most characters of one text")
    max_wait_s: float = Field(
        2.0, gt=0, description="seconds of extraction that wait before requests are answered with 429"
    )
    batch_characters: int = Field(8_000, ge=1, description="characters that are extracted from at a time")
    batch_wait_ms: float = Field(
        2.0, ge=0, description="how long a batch that is not full waits for more texts; 0: not at all"
    )
    deadline_s: float = Field(30.0, gt=0, description="seconds after which a request is answered with 504")
    body_timeout_s: float = Field(
        10.0, gt=0, description="seconds in which a request's head must arrive, and then its body"
    )
    keys_file: str = Field(
        "", description="file of `name:sha256` lines, one per API key; empty: no key is asked for"
    )
    allow_origins: tuple[str, ...] = Field(
        (), description="origins whose pages may call the service (CORS); none by default"
    )
