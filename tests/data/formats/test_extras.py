"""Optional libraries are imported where a file of theirs is met, and an error names the extra that brings them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from mere.data.formats.extras import library
from mere.errors import UserError


def test_the_table_of_formats_imports_no_optional_library() -> None:
    optional = "{'spacy', 'pyarrow', 'cassis', 'lxml', 'torch'}"
    program = f"import sys, mere, mere.data.formats.kinds; print(*{optional} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"


def test_what_is_not_installed_is_named_with_its_extra() -> None:
    with pytest.raises(
        UserError, match=r"nowhere_to_be_found is not installed .* Run: pip install 'mere\[uima\]'"
    ):
        library("nowhere_to_be_found.tokens", "uima")
