"""`mere push` and models by their hub name, against a hub on this machine: real HTTP, the real huggingface_hub.

huggingface_hub reads its environment once, so commands run in processes of their own, several in one.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from typer.testing import CliRunner

from mere.cli import app
from mere.loading import load_predictor
from tests.apart import apart
from tests.command import mere as invoke
from tests.command import refused, write
from tests.hub_server import TOKEN, Hub

NOWHERE = "http://127.0.0.1:9"  # the port "discard": nobody listens


def invoked(given: list[tuple[list[str], dict[str, str]]]) -> list[tuple[int, str, str]]:
    done = []
    for args, environment in given:
        os.environ.update(environment)
        result = CliRunner().invoke(app, args)
        done.append((result.exit_code, result.stdout, result.stderr))
    return done


def assert_same(*models: str) -> None:
    one, other = map(load_predictor, models)
    texts = ["Ada Byron wurde in London geboren.", "青葉市は緑県にある。", "Nobody knew."]
    langs: list[str | None]
    for langs in (["de", "ja", "en"], [None, None, "de"]):
        found = [predictor.predict(texts, langs, threshold=0.0) for predictor in (one, other)]
        assert found[0] == found[1]
        assert all(prediction.triples for prediction in found[0])
    weights, others = one.backend.model.state_dict(), other.backend.model.state_dict()
    assert all(torch.equal(others.pop(name), tensor) for name, tensor in weights.items())
    assert not others


def hf(*args: str) -> None:
    from huggingface_hub.cli.hf import main

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["hf", *args])
        with pytest.raises(SystemExit) as end:
            main()
    assert not end.value.code


Commands = Callable[..., "list[tuple[int, str, str]]"]


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub().serve() as hub:
        yield hub


@pytest.fixture
def environment(hub: Hub, tmp_path: Path) -> dict[str, str]:
    """A user with a token and an empty cache. Xet, which needs a server of its own, is off."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "HUGGING", "TRANSFORMERS_"))}
    own = {"HF_ENDPOINT": hub.address, "HF_HOME": str(tmp_path / "cache"), "HF_TOKEN": TOKEN}
    off = {"HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1", "OMP_NUM_THREADS": "1"}
    return {**kept, **own, **off}


@pytest.fixture
def run(environment: dict[str, str]) -> Commands:
    """Run commands one after the other in one process; a dict among them changes the environment from there on."""

    def run(*commands: list[Any] | dict[str, str], **changes: str) -> list[tuple[int, str, str]]:
        given: list[tuple[list[str], dict[str, str]]] = []
        changed: dict[str, str] = {}
        for command in commands:
            if isinstance(command, dict):
                changed = command
            else:
                given.append((list(map(str, command)), changed))
        done: list[tuple[int, str, str]] = apart(invoked, environment | changes, given)
        return done

    return run


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text("Ada Byron wurde in London geboren.\n", encoding="utf-8")
    return path


def test_what_is_pushed_is_fetched_bit_for_bit(
    untrained_model: Path, hub: Hub, environment: dict[str, str], run: Commands, text: Path, tmp_path: Path
) -> None:
    model = Path(shutil.copytree(untrained_model, tmp_path / "model"))
    (model / "README.md").write_text('---\nlicense: mit\n---\nmere.load("this folder")\n', encoding="utf-8")
    ((status, out, err),) = run(["push", model, "org/name", "--message", "first"])
    assert status == 0, err
    assert out.strip() == f"{hub.address}/org/name/commit/{hub.repos['org/name'].head}"
    assert not hub.repos["org/name"].private
    assert err.endswith('Load it: mere.load("org/name")\n')
    assert "Note" not in err  # the hub had no word against the card
    files = hub.repos["org/name"].commits[hub.repos["org/name"].head]
    assert files.pop("README.md") == b'---\nlicense: mit\n---\nmere.load("org/name")\n'
    here = {p.name: p.read_bytes() for p in model.iterdir() if p.name != "README.md"}
    assert {name: data for name, data in files.items() if name != ".gitattributes"} == here

    others = {"run.py": b"1/0", "pytorch_model.bin": b"x", "pieces/evil.pkl": b"x", "other.safetensors": b"x"}
    hub.repos["org/name"].commit({**files, "README.md": b"# name", **others})
    apart(assert_same, environment, str(model), "org/name")
    snapshots = tmp_path / "cache" / "hub" / "models--org--name" / "snapshots"
    fetched = {p.relative_to(snapshots).parts[1] for p in snapshots.rglob("*") if p.is_file()}
    assert fetched == {*here, "README.md"}

    extract = [["extract", name, text, "--lang", "de", "--threshold", 0] for name in (model, "org/name")]
    one, other = run(*extract, HF_HUB_OFFLINE="1", HF_ENDPOINT=NOWHERE)
    assert one == other
    assert one[0] == 0
    assert json.loads(one[1])["triples"]
    without_network = run(extract[1], HF_ENDPOINT=NOWHERE)  # not told to be offline, and offline
    assert without_network == [other]


def test_every_verb_that_takes_a_model_takes_its_hub_name(
    untrained_model: Path, run: Commands, tmp_path: Path
) -> None:
    entity = {"start": 0, "end": 3}, {"start": 8, "end": 11}
    triple = {"subject": entity[0], "relation": "birth-place", "object": entity[1]}
    row = {"lang": "uk", "text": "Ada aus Ulm.", "triples": [triple]}
    corpus = write(tmp_path / "data" / "uk.train.jsonl", row).parent
    added = ["add-language", "org/name", corpus, "--lang", "uk", "--epochs", 1, "--quiet"]
    evaluate = ["evaluate", "org/name", corpus, "--split", "train", "--json", "--no-intervals"]
    done = run(["push", untrained_model, "org/name"], [*added, "--out", tmp_path / "new"], evaluate)
    assert [status for status, *_ in done] == [0, 0, 0], done
    assert json.loads(done[2][1])["model"] == "org/name"
    assert "switcher.of.uk.up" in load_file(tmp_path / "new" / "model.safetensors")
    assert 'mere.load("org/name")' not in (tmp_path / "new" / "README.md").read_text(encoding="utf-8")


def test_a_second_push_replaces_the_first(
    untrained_model: Path, hub: Hub, run: Commands, tmp_path: Path
) -> None:
    """What the model no longer has goes, what is not a model's stays, and the first is there by its commit."""
    model = Path(shutil.copytree(untrained_model, tmp_path / "model"))
    (status, out, _), *_ = run(["push", model, "org/name"])
    first = out.strip().rpartition("/")[2]
    files = hub.repos["org/name"].commits[first]
    hub.repos["org/name"].commit({**files, "languages/xx.safetensors": b"x", "mine.txt": b"x"})
    (model / "README.md").unlink()
    pushed, private, loaded = run(
        ["push", model, "org/name"],
        ["push", model, "org/name", "--private"],
        ["extract", f"org/name@{first}", os.devnull],
    )
    assert (status, pushed[0], loaded[0]) == (0, 0, 0), (pushed, loaded)
    now = hub.repos["org/name"].commits[hub.repos["org/name"].head]
    assert set(now) == {*files, "mine.txt"}
    assert private[0] == 2
    assert "org/name: is on the hub already, and public." in private[2]


def test_a_private_model_is_for_those_with_a_token(untrained_model: Path, hub: Hub, run: Commands) -> None:
    pushed, stranger, owner = run(
        ["push", untrained_model, "org/name", "--private"],
        {"HF_TOKEN": ""},
        ["extract", "org/name", os.devnull],
        {"HF_TOKEN": TOKEN},
        ["extract", "org/name", os.devnull],
    )
    assert (pushed[0], stranger[0], owner[0]) == (0, 2, 0), (pushed, stranger, owner)
    assert hub.repos["org/name"].private
    assert (
        "no model on the hub that you may read (401). Check the name; if it is private: Set HF_TOKEN"
        in stranger[2]
    )


def test_what_was_altered_on_the_hub_is_refused(untrained_model: Path, hub: Hub, run: Commands) -> None:
    ((status, *_),) = run(["push", untrained_model, "org/name"])
    repo = hub.repos["org/name"]
    whole = repo.commits[repo.head]
    spoilt = {
        "model.safetensors": whole["model.safetensors"][:-1] + b"\1",
        "labels.json": whole["labels.json"].replace(b"birth-place", b"death-place"),
        "config.json": whole["config.json"].replace(b"0.3", b"0.9"),
        "metrics.json": b"",
    }
    commits = {name: repo.commit({**whole, name: data}) for name, data in spoilt.items()}
    done = run(*(["extract", f"org/name@{sha}", os.devnull] for sha in commits.values()))
    for (name, sha), (code, out, err) in zip(commits.items(), done, strict=True):
        assert (status, code, out) == (0, 2, ""), err
        assert f"{name}: not the file that the model was written with. " in err
        assert f"Fetch it again: hf download org/name {name} --revision {sha} --force-download." in err


def test_offline_the_message_has_the_command_that_fetches_the_model(
    untrained_model: Path, run: Commands, environment: dict[str, str]
) -> None:
    """And the command does: run as it is told, the model is there."""
    (pushed,) = run(["push", untrained_model, "org/name"])
    assert pushed[0] == 0
    extract = ["extract", "org/name", os.devnull]
    ((status, _, err),) = run(extract, HF_HUB_OFFLINE="1")
    assert status == 2
    assert (
        "org/name: no such folder here, and not whole in the hub's cache, while HF_HUB_OFFLINE is set." in err
    )
    offline, program, *args = shlex.split(err.partition("Fetch it: ")[2])
    assert (offline, program) == ("HF_HUB_OFFLINE=0", "hf")
    apart(hf, {**environment, "HF_HUB_OFFLINE": "0"}, *args)
    assert [status for status, *_ in run(extract, HF_HUB_OFFLINE="1", HF_ENDPOINT=NOWHERE)] == [0]


def test_what_the_hub_does_not_have(untrained_model: Path, hub: Hub, run: Commands) -> None:
    extract = [["extract", name, os.devnull] for name in ("org/none", "org/name@v9", "org/na--me")]
    _, *done = run(["push", untrained_model, "org/name"], *extract)
    for (code, out, err), said in zip(
        done,
        (
            "org/none: no such folder here, and no model on the hub that you may read (404). Check the name",
            'org/name@v9: no such folder here, and org/name on the hub has no revision "v9".',
            "org/na--me: no such folder here, and not a name that the hub allows (",
        ),
        strict=True,
    ):
        assert (code, out) == (2, "")
        assert err.startswith(f"Error: {said}"), err
    hub.repos["org/name"].commit({"config.json": b"{}"})
    hub.repos["org/down"] = hub.repos["org/name"]
    ((code, _, err),) = run(["extract", "org/name", os.devnull])
    assert code == 2
    assert "not a model's folder, it lacks labels.json, model.safetensors. Fetch it again: hf download" in err
    hub.down = True
    (down,) = run(["extract", "org/down", os.devnull])
    (silent,) = run(["extract", "org/down", os.devnull], HF_ENDPOINT=NOWHERE)
    assert (
        "the hub answers with an error (503: the hub is down). Fetch it later: hf download org/down"
        in down[2]
    )
    assert (
        "not whole in the hub's cache, and the hub cannot be reached. With a network, fetch it: " in silent[2]
    )


def test_why_a_push_fails(untrained_model: Path, hub: Hub, run: Commands, tmp_path: Path) -> None:
    bad_card = Path(shutil.copytree(untrained_model, tmp_path / "card"))
    (bad_card / "README.md").write_text("---\nlicense: [\n---\n# name\n", encoding="utf-8")
    push = ["push", untrained_model, "org/name"]
    done = run(
        ["push", untrained_model, "other/name"],
        ["push", untrained_model, "org/na--me"],
        ["push", bad_card, "org/card"],
        {"HF_TOKEN": "hf_wrong"},
        push,
        {"HF_TOKEN": ""},
        push,
    )
    expected = [
        (
            2,
            'other/name: the hub has no namespace "other" that this token may write to (403: You don\'t have the',
        ),
        (2, "org/na--me: the hub refuses it (Cannot have -- or .. in repo_id"),
        (2, "org/card: the hub refuses it (Invalid metadata in README.md. - while parsing a flow"),
        (2, "org/name: the hub does not know the token (401). Set HF_TOKEN, or run: hf auth login"),
        (2, "org/name: no token to push with. Set HF_TOKEN, or run: hf auth login"),
    ]
    done += run(push, HF_HUB_OFFLINE="1") + run(push, HF_ENDPOINT=NOWHERE)
    expected += [
        (2, "org/name: HF_HUB_OFFLINE is set, so nothing can be pushed. Run it with HF_HUB_OFFLINE=0."),
        (1, "org/name: the hub cannot be reached (["),
    ]
    for (code, out, err), (status, said) in zip(done, expected, strict=True):
        assert (code, out) == (status, ""), err
        assert f"Error: {said}" in err, err
        assert "hf_" not in err
    assert "org/name" not in hub.repos


def test_a_dry_run_asks_nothing(
    untrained_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the network nor huggingface_hub, which the push itself needs, nor does it take a token."""
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)  # as where it is not installed
    model = Path(shutil.copytree(untrained_model, tmp_path / "model"))
    write(model / "notes.txt", b"mine")
    done = invoke("push", model, "org/name", "--dry-run")
    assert (done.exit_code, done.stdout) == (0, "")
    size = (model / "model.safetensors").stat().st_size
    assert f"{size / 1e3:8.1f} kB  model.safetensors\n" in done.stderr
    assert "in 6 files, every SHA-256 as written\n" in done.stderr
    assert "Note: not of the model, so left out: notes.txt\n" in done.stderr
    missing = 'a hub name needs the package huggingface_hub. Run: pip install "mere[hf]"'
    refused(invoke("push", model, "org/name"), missing)
    refused(invoke("extract", "nobody/nothing", "-"), missing)


def test_what_is_no_whole_model_is_not_pushed(untrained_model: Path, tmp_path: Path) -> None:
    refused(invoke("push", untrained_model, "name"), '"name": give the name on the hub as org/name')
    refused(
        invoke("push", untrained_model, "org/name@v1"), '"org/name@v1": give the name on the hub as org/name'
    )
    refused(invoke("push", tmp_path / "none", "org/name"), "none: no such folder; expected a model's folder")
    refused(invoke("push", tmp_path, "org/name"), "not a model's folder, it lacks config.json")
    model = Path(shutil.copytree(untrained_model, tmp_path / "model"))
    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    config["recipe"]["data"]["path"] = "/home/ada/corpus"
    write(model / "config.json", json.dumps({**config, "format": 1}).encode())
    refused(invoke("push", model, "org/name"), "config.json: format 1, this mere pushes 2.")
    write(model / "config.json", json.dumps(config).encode())
    refused(
        invoke("push", model, "org/name", "--dry-run"), "config.json: not the file that the model was written"
    )
    (model / "SHA256SUMS").unlink()
    message = refused(invoke("push", model, "org/name", "--dry-run"), "an earlier mere wrote this model")
    subprocess.run(message.partition("run: ")[2], shell=True, check=True)
    done = invoke("push", model, "org/name", "--dry-run")
    assert done.exit_code == 0, done.stderr
    assert "Note: config.json names paths of this machine: /home/ada/corpus\n" in done.stderr
    (model / "model.safetensors").write_bytes(b"")
    refused(
        invoke("push", model, "org/name"), "model.safetensors: not the file that the model was written with"
    )
