"""A stand-in for Hugging Face's hub: repositories in memory, by the few calls that we make."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

_COMMIT = "0" * 40


class Hub(ThreadingHTTPServer):
    """Repositories by name; each a dictionary of files."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repos: dict[str, dict[str, bytes]] = {}
        self.private: set[str] = set()
        self.messages: list[str] = []
        self.status: int | None = None
        """Answered to everything, in place of what was asked for."""

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def hub_server() -> Iterator[Hub]:
    hub = Hub()
    thread = threading.Thread(target=hub.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield hub
    finally:
        hub.shutdown()
        thread.join()
        hub.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Hub

    def log_message(self, *_: Any) -> None:
        pass

    def _answer(
        self, value: Any = None, *, status: int = 200, headers: dict[str, str] | None = None
    ) -> None:
        content = value if isinstance(value, bytes) else json.dumps(value or {}).encode()
        self.send_response(status)
        for name, text in {"Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, text)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _path(self) -> list[str]:
        return [unquote(part) for part in urlsplit(self.path).path.strip("/").split("/")]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.server.status is not None:
            self._answer({"error": "no"}, status=self.server.status)
            return
        match self._path():
            case ["api", "repos", "create"]:
                self._create(json.loads(body))
            case ["api", "validate-yaml"]:
                self._answer({"errors": [], "warnings": []})
            case ["api", "models", _, _, "preupload", _]:
                files = [
                    {"path": f["path"], "uploadMode": "regular", "shouldIgnore": False}
                    for f in json.loads(body)["files"]
                ]
                self._answer({"files": files})
            case ["api", "models", owner, name, "commit", _]:
                self._commit(f"{owner}/{name}", body)
            case _:
                self._answer({"error": f"POST {self.path}"}, status=500)

    def _create(self, asked: dict[str, Any]) -> None:
        name = f"{asked.get('organization') or 'me'}/{asked['name']}"
        self.server.repos.setdefault(name, {})
        if asked.get("private") or asked.get("visibility") == "private":
            self.server.private.add(name)
        self._answer({"url": f"{self.server.address}/{name}"})

    def _commit(self, repo: str, body: bytes) -> None:
        for line in map(json.loads, body.splitlines()):
            value = line["value"]
            if line["key"] == "header":
                self.server.messages.append(value["summary"])
            if line["key"] == "file":
                self.server.repos[repo][value["path"]] = base64.b64decode(value["content"])
        commit = {"commitUrl": f"{self.server.address}/{repo}/commit/{_COMMIT}"}
        self._answer({**commit, "commitOid": _COMMIT})

    def do_GET(self) -> None:
        if self.server.status is not None:
            self._answer({"error": "no"}, status=self.server.status)
            return
        path = self._path()
        repo = "/".join(path[2:4] if path[0] == "api" else path[:2])
        files = self.server.repos.get(repo)
        if files is None:
            missing = {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"}
            self._answer({"error": "not found"}, status=404, headers=missing)
        elif path[0] != "api":  # OWNER/NAME/resolve/REVISION/FILE
            self._file(files.get("/".join(path[4:])))
        elif "tree" in path:
            tree = [
                {"type": "file", "path": name, "size": len(content), "oid": _oid(content)}
                for name, content in files.items()
            ]
            self._answer(json.dumps(tree).encode())
        else:
            siblings = [{"rfilename": name} for name in files]
            self._answer({"id": repo, "sha": _COMMIT, "siblings": siblings})

    do_HEAD = do_GET  # noqa: N815

    def _file(self, content: bytes | None) -> None:
        if content is None:
            self._answer(status=404, headers={"X-Error-Code": "EntryNotFound"})
            return
        headers = {"ETag": f'"{_oid(content)}"', "X-Repo-Commit": _COMMIT}
        self._answer(content, headers=headers)


def _oid(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
