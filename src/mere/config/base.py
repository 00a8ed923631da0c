"""What all settings share."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """Base of all settings: frozen, and closed to keys it does not know."""

    # Validators are built when they are first asked for, those within a recipe with it: half of the time to start.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
