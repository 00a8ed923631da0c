"""What all settings share."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """Base of all settings: frozen, and closed to keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)
