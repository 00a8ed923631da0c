"""What the tests of the quick-start corpus share: the corpus, made once, and the languages it is made of."""

from __future__ import annotations

import pytest

from mere.data.quickstart.generate import LANGUAGES, Language, generate
from tests.data.quickstart.quickstart_examples import Records


@pytest.fixture(scope="session")
def corpus() -> Records:
    return generate()


@pytest.fixture(scope="session")
def languages() -> dict[str, Language]:
    return {lang: Language(lang) for lang in LANGUAGES}
