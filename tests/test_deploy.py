"""What runs the service elsewhere: the container, the unit of systemd, and the files that hosts of projects read."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import tomllib
import urllib.request
from pathlib import Path

import pytest
import yaml

import mere
from mere.serving.app import PATHS
from tests.docs.pages import parsed

ROOT = Path(__file__).parents[1]


def instructions() -> list[tuple[str, str]]:
    text = (ROOT / "Containerfile").read_text(encoding="utf-8").replace("\\\n", "")
    pairs = [line.split(maxsplit=1) for line in text.splitlines() if line and not line.startswith("#")]
    return [(name, rest.strip()) for name, rest in pairs]


def values(name: str) -> list[str]:
    return [rest for given, rest in instructions() if given == name]


def test_the_image_runs_mere_serve_without_rights() -> None:
    order = [name for name, _ in instructions()]
    assert order.count("FROM") == 2
    assert all(re.match(r"python:3\.\d+-slim\b", image) for image in values("FROM"))
    (user,) = values("USER")
    assert int(user) > 0
    assert order.index("USER") < order.index("ENTRYPOINT")
    (start, model) = json.loads(values("ENTRYPOINT")[0]), json.loads(values("CMD")[0])
    assert start[0] == "mere"
    given = parsed((*start[1:], *model))
    assert (given["host"], given["models"], str(given["port"])) == (
        "0.0.0.0",
        ["/model"],
        values("EXPOSE")[0],
    )


def test_the_image_is_built_from_what_is_here() -> None:
    (steps,) = [rest for rest in values("RUN") if " install " in rest]
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(re.findall(r"\.\[([\w,]+)\]", steps)[0].split(",")) <= set(extras)
    taken = [word for rest in values("COPY") if "--from" not in rest for word in rest.split()[:-1]]
    kept = (ROOT / ".containerignore").read_text().split()
    assert all((ROOT / name).exists() and f"!{name}" in kept for name in taken)
    assert {"pyproject.toml", "README.md", "LICENSE", "src", "constraints.txt"} == set(taken)


def test_health_is_asked_of_readyz(monkeypatch: pytest.MonkeyPatch) -> None:
    ((_, _, code),) = (json.loads(rest.split("CMD", 1)[1]) for rest in values("HEALTHCHECK"))
    asked: list[str] = []
    monkeypatch.setattr(urllib.request, "urlopen", lambda url, timeout: asked.append(url))
    exec(code, {})
    assert asked == [f"http://127.0.0.1:{values('EXPOSE')[0]}/readyz"]
    assert "/readyz" in PATHS


def unit() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in (ROOT / "deploy" / "mere.service").read_text(encoding="utf-8").splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(key, []).append(value)
    return found


def test_the_unit_runs_mere_serve() -> None:
    (command,) = unit()["ExecStart"]
    program, *args = shlex.split(command)
    assert Path(program).name == "mere"
    assert parsed(tuple(args))["host"] == "127.0.0.1"
    assert unit()["DynamicUser"] == ["yes"]
    assert unit()["ProtectSystem"] == ["strict"]
    assert int(unit()["TimeoutStopSec"][0]) > 30  # the service takes 30 s to end at most


def test_systemd_takes_the_unit_and_calls_it_safe(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("no systemd-analyze")
    path = tmp_path / "mere.service"
    text = (ROOT / "deploy" / "mere.service").read_text(encoding="utf-8")
    path.write_text(re.sub(r"(?m)^ExecStart=.*$", "ExecStart=/bin/true", text))  # mere is not installed there
    done = subprocess.run([analyze, "verify", path], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    rated = subprocess.run(
        [analyze, "security", "--offline=true", "--threshold=20", path], capture_output=True
    )
    assert rated.returncode == 0  # exposure of 2.0 at most, of 10


def test_citation_and_templates() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert (citation["version"], citation["license"]) == (mere.__version__, "Apache-2.0")
    for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"):
        form = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert path.name == "config.yml" or {"name", "description", "body"} <= set(form)
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert [repo["repo"] for repo in hooks["repos"]] == ["local"]
