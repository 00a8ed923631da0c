"""A client of `mere serve` in one file: copy it; it needs Python 3.11 or later and nothing else.

    client = Client("http://localhost:8000", key="…")
    document = client.extract("Marie Curie wurde in Warschau geboren.")
    for document in client.stream(open("texts.txt")): ...

python mere_client.py URL [--key KEY] < texts.txt > documents.jsonl
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator
from typing import Any

Document = dict[str, Any]


class ServiceError(Exception):
    """The service refused a request; `status` is HTTP's, the message is what the service says."""

    def __init__(self, status: int, detail: str):
        super().__init__(f"{status}: {detail}")
        self.status = status


class Client:
    """Asks a service; waits and asks again while it is overloaded (429).

    Args:
        url: where it listens, as in "http://localhost:8000".
        key: API key, where the service asks for one.
        timeout_s: seconds to wait for an answer, and in all while the service is overloaded.
    """

    def __init__(self, url: str, *, key: str | None = None, timeout_s: float = 60.0):
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._timeout_s = timeout_s

    def extract(self, text: str, **options: Any) -> Document:
        """Return what is found in a text.

        Args:
            options: `lang`, `model` and `min_score`, as the service takes them.

        Raises:
            ServiceError: the service refuses; an OSError where it cannot be reached.
        """
        return self._ask("/v1/extract", {"text": text, **options})

    def extract_many(self, texts: Iterable[str], **options: Any) -> list[Document]:
        """Return what is found in each of several texts, in order; takes and raises what `extract` does."""
        return self._ask("/v1/extract", {"texts": [{"text": text} for text in texts], **options})["documents"]

    def stream(self, texts: Iterable[str], *, batch: int = 64, **options: Any) -> Iterator[Document]:
        """Yield what is found in each text, `batch` of them in a request; takes and raises what `extract` does."""
        waiting: list[str] = []
        for text in texts:
            waiting.append(text)
            if len(waiting) == batch:
                yield from self.extract_many(waiting, **options)
                waiting = []
        if waiting:
            yield from self.extract_many(waiting, **options)

    def graph(self, documents: Iterable[Document], format: str = "turtle", **options: str) -> bytes:
        """Return documents as a graph: a file in a format of `mere graph`.

        Args:
            options: `merge`, `rdf`, `base` and `model`, as the service takes them.
        """
        query = urllib.parse.urlencode({"format": format, **options})
        return self._send(f"/v1/graph?{query}", {"documents": list(documents)})

    def models(self) -> list[dict[str, Any]]:
        """Return the service's models, the default first: name, languages, relations, types."""
        return self._ask("/v1/models")

    def is_ready(self) -> bool:
        """Return whether the service can be reached and takes requests."""
        try:
            return self._ask("/readyz") == {"status": "ready"}
        except (OSError, ServiceError):
            return False

    def _ask(self, path: str, body: Any = None) -> Any:
        return json.loads(self._send(path, body))

    def _send(self, path: str, body: Any = None) -> bytes:
        data = None if body is None else json.dumps(body).encode()
        headers = self._headers | {"Content-Type": "application/json"}
        request = urllib.request.Request(self._url + path, data, headers)
        until = time.monotonic() + self._timeout_s
        while True:
            try:
                with urllib.request.urlopen(request, timeout=self._timeout_s) as answer:
                    return bytes(answer.read())
            except urllib.error.HTTPError as error:
                wait = float(error.headers.get("Retry-After") or 1)
                if error.code != 429 or time.monotonic() + wait > until:
                    raise ServiceError(error.code, _detail(error.read())) from None
                time.sleep(wait)


def _detail(body: bytes) -> str:
    try:
        return str(json.loads(body)["detail"])
    except (ValueError, KeyError, TypeError):
        return body[:200].decode("utf-8", "replace")


def main() -> int:
    """Read texts, one a line, and print their documents as JSON lines."""
    parser = argparse.ArgumentParser(
        description="Texts, one a line, on stdin; documents as JSON lines on stdout."
    )
    parser.add_argument("url", help="http://localhost:8000")
    parser.add_argument("--key", default=os.environ.get("MERE_KEY"), help="API key; default: MERE_KEY")
    options = parser.parse_args()
    sys.stdin.reconfigure(encoding="utf-8", newline="\n")  # type: ignore[union-attr]
    client = Client(options.url, key=options.key)
    try:
        for document in client.stream(line.rstrip("\r\n") for line in sys.stdin):
            print(json.dumps(document, ensure_ascii=False), flush=True)
    except (OSError, ServiceError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
