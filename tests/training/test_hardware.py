"""Device, precision and threads are chosen by what the machine has, and a run keeps what was chosen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml

from mere import environment
from mere.config import Recipe
from mere.errors import UserError
from mere.training import hardware
from mere.training.hardware import (
    choose_device,
    choose_precision,
    choose_threads,
    cpu_multiplies_bf16,
    resolve,
)
from tests import tiny

CPU = torch.device("cpu")
COMPACT = tiny.recipe(precision="auto", threads=0)
PRETRAINED = tiny.recipe(precision="auto", threads=0, encoder={"name": "org/encoder", "kind": "pretrained"})


def has(monkeypatch: pytest.MonkeyPatch, *instructions: str) -> None:
    for name in ("amx_tile", "avx512_bf16"):
        monkeypatch.setattr(torch.cpu, f"_is_{name}_supported", lambda name=name: name in instructions)


@pytest.mark.parametrize("instruction", ["amx_tile", "avx512_bf16"])
def test_bf16_only_for_large_encoders_where_the_cpu_multiplies_it(
    instruction: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA", raising=False)
    has(monkeypatch)
    assert choose_precision(PRETRAINED, CPU) == "fp32"
    has(monkeypatch, instruction)
    assert choose_precision(PRETRAINED, CPU) == "bf16"
    assert choose_precision(COMPACT, CPU) == "fp32"


@pytest.mark.parametrize(
    ("allowed", "expected"),
    [
        ("AVX2", False),
        ("avx512_core", False),
        ("SSE41", False),
        ("AVX512_CORE_BF16", True),
        ("AVX512_CORE_AMX", True),
        ("", True),
    ],
)
def test_onednn_may_be_kept_from_the_instructions(
    allowed: str, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    has(monkeypatch, "amx_tile")
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", allowed)
    assert cpu_multiplies_bf16() is expected


def test_a_run_keeps_the_precision_it_was_begun_with(tmp_path: Path) -> None:
    assert resolve(COMPACT, CPU, tmp_path).precision == "fp32"
    begun = COMPACT.model_dump(mode="json") | {"precision": "bf16", "dev_units_per_batch": 64}
    del begun["dev_pieces_per_batch"]  # its former name
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(begun), encoding="utf-8")
    assert resolve(COMPACT, CPU, tmp_path).precision == "bf16"
    asked = tiny.recipe(precision="fp32")
    assert resolve(asked, CPU, tmp_path) is asked


def test_a_gpu_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto") == choose_device("cpu") == CPU
    with pytest.raises(UserError, match=r"device: cuda: torch finds no GPU here\. Take --set device=cpu"):
        choose_device("cuda")


def test_small_models_use_few_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 64)
    assert choose_threads(COMPACT) == hardware.SMALL_MODEL_THREADS
    assert choose_threads(PRETRAINED) == 64
    assert choose_threads(tiny.recipe(threads=7)) == 7


def test_the_environment_is_touched_by_prepare_alone() -> None:
    """What the user has set stays; `import mere` sets nothing."""
    program = (
        "import json, os, mere, mere.training.run, mere.cli; before = dict(os.environ); "
        "from mere import environment; environment.prepare(); "
        "print(json.dumps([before, dict(os.environ)]))"
    )
    hidden = {*environment._DEFAULTS, "OMP_WAIT_POLICY"}
    given = {n: v for n, v in os.environ.items() if n not in hidden} | {"KMP_BLOCKTIME": "7"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=given, capture_output=True, text=True, check=True
    )
    before, after = json.loads(done.stdout)
    assert not {"GOMP_SPINCOUNT", "ONEDNN_PRIMITIVE_CACHE_CAPACITY"} & before.keys()
    assert after["GOMP_SPINCOUNT"] == environment._DEFAULTS["GOMP_SPINCOUNT"]
    assert after["KMP_BLOCKTIME"] == "7"


def test_old_names_in_a_stored_recipe() -> None:
    tree = COMPACT.model_dump(mode="json")
    tree["stages"][0]["clip"] = tree["stages"][0].pop("max_grad_norm")
    assert Recipe.from_stored(tree, "recipe.yaml") == COMPACT
