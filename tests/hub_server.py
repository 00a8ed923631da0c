"""A hub on this machine: the endpoints that huggingface_hub calls to push a model and to fetch it, over real HTTP.

It checks what the real one checks: the token, the namespace ("org"), uploaded digests, the card's front matter.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

TOKEN = "hf_ofthetests"
REPO, REV = r"(?P<repo>[^/]+/[^/]+)", r"(?P<rev>[^/]+)"


@dataclass
class Repo:
    """Files by path at each commit, and whether they are for those with a token only."""

    private: bool
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    head: str = ""

    def commit(self, files: dict[str, bytes]) -> str:
        listed = [self.head, *(f"{path} {_oid(data)}" for path, data in sorted(files.items()))]
        self.head = hashlib.sha1("\n".join(listed).encode()).hexdigest()
        self.commits[self.head] = files
        return self.head


@dataclass
class Hub:
    """What the server holds: repositories by name, and uploaded blobs by SHA-256."""

    repos: dict[str, Repo] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    address: str = ""
    down: bool = False

    @contextmanager
    def serve(self) -> Iterator[Hub]:
        with ThreadingHTTPServer(("127.0.0.1", 0), type("Own", (_Handler,), {"hub": self})) as server:
            self.address = f"http://127.0.0.1:{server.server_port}"
            Thread(target=server.serve_forever, daemon=True).start()
            yield self
            server.shutdown()


class _Refusal(Exception):
    """An answer that is no success: status, the hub's words, its own code for it, the repository's name."""


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    ROUTES = (
        ("POST", "/api/repos/create", "create"),
        ("POST", "/api/validate-yaml", "validate"),
        ("GET", f"/api/models/{REPO}(?:/revision/{REV})?", "info"),
        ("GET", f"/api/models/{REPO}/tree/{REV}", "tree"),
        ("POST", f"/api/models/{REPO}/preupload/main", "preupload"),
        ("POST", rf"/{REPO}\.git/info/lfs/objects/batch", "batch"),
        ("PUT", "/lfs/(?P<oid>[0-9a-f]{64})", "upload"),
        ("POST", f"/api/models/{REPO}/commit/main", "commit"),
        ("HEAD|GET", f"/{REPO}/resolve/{REV}/(?P<path>.+)", "resolve"),
    )

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        while self.headers.get("Transfer-Encoding") == "chunked":
            chunk = self.rfile.read(int(self.rfile.readline(), 16) + 2)
            body += chunk[:-2]
            if chunk == b"\r\n":
                break
        self._is_known = self.headers.get("Authorization") == f"Bearer {TOKEN}"
        try:
            if self.hub.down:
                raise _Refusal(503, "the hub is down")
            for methods, pattern, name in self.ROUTES:
                match = re.fullmatch(pattern, urlsplit(self.path).path)
                if match and self.command in methods.split("|"):
                    parts = {key: value and unquote(value) for key, value in match.groupdict().items()}
                    getattr(self, name)(body, **parts)
                    break
            else:
                raise _Refusal(404, "no such endpoint")
        except _Refusal as refusal:
            status, words, code, name = (*refusal.args, "", "")[:4]
            record = {"error": words, "errors": [{"message": words}], "url": f"{self.hub.address}/{name}"}
            self._send(status, record, X_Error_Message=words, X_Error_Code=code)

    do_GET = do_POST = do_PUT = do_HEAD = _handle

    def log_message(self, *_: Any) -> None: ...

    def _send(self, status: int, content: Any, **headers: str) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _writes(self, repo: str) -> None:
        if not self._is_known:
            raise _Refusal(401, "Invalid username or password.")
        if repo.split("/")[0] != "org":
            raise _Refusal(403, "You don't have the rights to create a model under this namespace")

    def _found(self, repo: str, rev: str | None = None) -> tuple[Repo, str]:
        found = self.hub.repos.get(repo)
        if found is None or (found.private and not self._is_known):
            raise _Refusal(404 if self._is_known else 401, "Repository not found", "RepoNotFound")
        sha = found.head if rev in (None, "main") else str(rev)
        if sha not in found.commits:
            raise _Refusal(404, f"Invalid rev id: {rev}", "RevisionNotFound")
        return found, sha

    def create(self, body: bytes) -> None:
        asked = json.loads(body)
        name = f"{asked['organization']}/{asked['name']}"
        self._writes(name)
        if name in self.hub.repos:
            raise _Refusal(409, "You already created this model repo", "", name)
        self.hub.repos[name] = Repo(asked.get("visibility") == "private" or asked.get("private") is True)
        self.hub.repos[name].commit({".gitattributes": b"*.safetensors filter=lfs\n"})
        self._send(200, {"url": f"{self.hub.address}/{name}"})

    def validate(self, body: bytes) -> None:
        match = re.match(r"---\n(.*?\n)---\n", json.loads(body)["content"], re.S)
        try:
            front = yaml.safe_load(match[1]) if match else {}
        except yaml.YAMLError as error:
            raise _Refusal(400, str(error).replace("\n", " ")) from None
        self._send(200, {"warnings": [] if front else [{"message": "empty or missing yaml metadata"}]})

    def info(self, _: bytes, repo: str, rev: str | None) -> None:
        found, sha = self._found(repo, rev)
        told = {"id": repo, "sha": sha, "private": found.private}
        self._send(200, {**told, "siblings": [{"rfilename": path} for path in found.commits[sha]]})

    def tree(self, _: bytes, repo: str, rev: str) -> None:
        found, sha = self._found(repo, rev)
        files = found.commits[sha].items()
        self._send(200, [{"type": "file", "path": p, "size": len(d), "oid": _oid(d)} for p, d in files])

    def preupload(self, body: bytes, repo: str) -> None:
        self._writes(repo)
        paths = [file["path"] for file in json.loads(body)["files"]]
        mode = {path: "lfs" if path.endswith(".safetensors") else "regular" for path in paths}
        self._send(200, {"files": [{"path": p, "uploadMode": mode[p], "shouldIgnore": False} for p in paths]})

    def batch(self, body: bytes, repo: str) -> None:
        self._writes(repo)
        objects = json.loads(body)["objects"]
        for wanted in objects:
            if wanted["oid"] not in self.hub.blobs:
                wanted["actions"] = {"upload": {"href": f"{self.hub.address}/lfs/{wanted['oid']}"}}
        self._send(200, {"transfer": "basic", "objects": objects})

    def upload(self, body: bytes, oid: str) -> None:
        if hashlib.sha256(body).hexdigest() != oid:
            raise _Refusal(400, "not the content that was announced")
        self.hub.blobs[oid] = body
        self._send(200, {})

    def commit(self, body: bytes, repo: str) -> None:
        self._writes(repo)
        found, sha = self._found(repo)
        files = dict(found.commits[sha])
        for key, value in (json.loads(line).values() for line in body.splitlines()):
            if key == "deletedFile":
                del files[value["path"]]
            elif key in ("file", "lfsFile"):
                blob = self.hub.blobs.get(value.get("oid"))
                files[value["path"]] = base64.b64decode(value["content"]) if blob is None else blob
        sha = found.commit(files)
        url = f"{self.hub.address}/{repo}/commit/{sha}"
        self._send(200, {"commitUrl": url, "commitOid": sha, "success": True})

    def resolve(self, _: bytes, repo: str, rev: str, path: str) -> None:
        found, sha = self._found(repo, rev)
        self._send(200, found.commits[sha][path], ETag=_oid(found.commits[sha][path]), X_Repo_Commit=sha)


def _oid(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
