"""What the tests of the quick-start corpus share: the corpus, made once, and the languages it is made of."""

from __future__ import annotations

import pytest
from quickstart_examples import Records

from mere.data.quickstart.generate import LANGUAGES, Language, generate


@pytest.fixture(scope="session")
def corpus() -> Records:
    return generate()


@pytest.fixture(scope="session")
def languages() -> dict[str, Language]:
    return {lang: Language(lang) for lang in LANGUAGES}
