"""The other ends of every kind of channel, as their makers document them: `python -m bench.fakes SMTP HTTP`.

Each kind has a place of its own on the HTTP port: /x/2/tweets, /mastodon/api/v1/statuses … Control: POST /_/set takes
{"modes": {place: mode}, "forgetful": bool, "kill": [pid, n]}, POST /_/reset forgets all that came and what was set,
GET /_/seen answers what readers would see: [[place, what, name, seconds], …], of mail the recipient and the Message-ID.
A place is "well", a "hole" that never answers, answers "junk", is "busy" (429, Retry-After) or finds the token
"expired". *forgetful*: no repeat is recognised by its key. *kill*: who sent the nth message dies before the answer.
"""

import argparse
import json
import os
import re
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiosmtpd.controller import Controller

from tests.comms.receivers import MailServer

RETRY_AFTER = 1200  # seconds
JUNK = b"<html>Welcome to the hotel. Please sign in.</html>"
MODES = ("well", "hole", "junk", "busy", "expired")


@dataclass
class Ends:
    """What came, and how the places behave."""

    seen: list[tuple[str, str, str, float]] = field(default_factory=list)
    posts: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    """By place and name what stands there."""
    modes: dict[str, str] = field(default_factory=dict)
    forgetful: bool = False
    kill: tuple[int, int] | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def reset(self) -> None:
        with self.lock:
            self.seen, self.posts, self.modes = [], {}, {}
            self.forgetful, self.kill = False, None

    def set(self, given: dict[str, Any]) -> None:
        with self.lock:
            self.modes |= given.get("modes", {})
            self.forgetful = given.get("forgetful", self.forgetful)
            self.kill = tuple(given["kill"]) if "kill" in given else self.kill

    def take(self, place: str, what: str, *, key: str = "", name: str = "", **post: Any) -> str:
        """A message was accepted; its name. A repeat of *key* is the same message, with the name it had."""
        with self.lock:
            known = (place, key) in self.posts and bool(key) and not self.forgetful
            name = key or name or str(1000 + len(self.seen))
            if not known:
                self.seen.append((place, what, name, time.time()))
                at = datetime.now(UTC).isoformat()
                self.posts[place, name] = {"id": str(1000 + len(self.posts)), "text": what, "at": at, **post}
            if self.kill:
                pid, left = self.kill
                self.kill = (pid, left - 1) if left > 1 else None
                if left == 1:
                    os.kill(pid, signal.SIGKILL)
            return name


ENDS = Ends()
Answer = tuple[int, dict[str, str], Any]


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    query: dict[str, list[str]]
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, list[str]]:
        return parse_qs(self.body.decode())


def mastodon(place: str, asked: Asked) -> Answer:
    """https://docs.joinmastodon.org/methods/statuses/"""
    if asked.path.endswith("verify_credentials"):
        return 200, {}, {"id": "7", "acct": "farmaflux"}
    if asked.method == "GET":
        newest = [] if "max_id" in asked.query else [*ENDS.posts.items()][::-1]
        return 200, {}, [_status(post) for (where, _name), post in newest if where == place]
    name = ENDS.take(place, asked.json["status"], key=asked.headers["Idempotency-Key"])
    return 200, {}, _status(ENDS.posts[place, name])


def _status(post: dict[str, Any]) -> dict[str, Any]:
    text = post["text"].replace("&", "&amp;").replace("<", "&lt;")
    return {
        "id": post["id"],
        "url": f"https://m.example/@f/{post['id']}",
        "created_at": post["at"],
        "content": f"<p>{text}</p>",
    }


def bluesky(place: str, asked: Asked) -> Answer:
    """Lexicons com.atproto.server.createSession, com.atproto.repo.putRecord and getRecord."""
    method = asked.path.rpartition("/")[2]
    if method == "com.atproto.server.createSession":
        return 200, {}, {"did": "did:plc:f", "handle": asked.json["identifier"], "accessJwt": "jwt"}
    if method == "com.atproto.repo.putRecord":
        record = asked.json["record"]
        name = ENDS.take(place, record["text"], key=asked.json["rkey"], value=record)
        return 200, {}, {"uri": f"at://did:plc:f/{asked.json['collection']}/{name}", "cid": "c"}
    [name], [collection] = asked.query["rkey"], asked.query["collection"]
    if (place, name) not in ENDS.posts:
        return 400, {}, {"error": "RecordNotFound", "message": "Could not locate record"}
    value = ENDS.posts[place, name]["value"]
    return 200, {}, {"uri": f"at://did:plc:f/{collection}/{name}", "cid": "c", "value": value}


def x(place: str, asked: Asked) -> Answer:
    return 201, {}, {"data": {"id": ENDS.take(place, asked.json["text"]), "text": asked.json["text"]}}


def facebook(place: str, asked: Asked) -> Answer:
    return 200, {}, {"id": f"1234567890_{ENDS.take(place, asked.form['message'][0])}"}


def linkedin(place: str, asked: Asked) -> Answer:
    return 201, {"x-restli-id": f"urn:li:share:{ENDS.take(place, asked.json['commentary'])}"}, None


def gateway(place: str, asked: Asked) -> Answer:
    ENDS.take(place, f"{asked.form['to'][0]} {asked.form['text'][0]}")
    return 200, {}, "OK"


def slack(place: str, asked: Asked) -> Answer:
    ENDS.take(place, asked.json["text"])
    return 200, {}, "ok"


def teams(place: str, asked: Asked) -> Answer:
    ENDS.take(place, asked.json["attachments"][0]["content"]["fallbackText"])
    return 202, {}, None


def apprise(place: str, asked: Asked) -> Answer:
    ENDS.take(place, asked.json["message"])
    return 200, {}, "ok"


def webhook(place: str, asked: Asked) -> Answer:
    key = asked.headers["Idempotency-Key"]
    ENDS.take(place, key, key=key)
    return 200, {}, "ok"


PLACES: dict[str, Callable[[str, Asked], Answer]] = {
    "mastodon": mastodon,
    "bluesky": bluesky,
    "x": x,
    "facebook": facebook,
    "linkedin": linkedin,
    "sms": gateway,
    "caller-sms": gateway,
    "staff-sms": gateway,
    "slack": slack,
    "teams": teams,
    "apprise": apprise,
    "webhook": webhook,
    "subscriber-hook": webhook,
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        asked = Asked(self.command, parts.path, parse_qs(parts.query), self.headers, body)
        with suppress(OSError):  # who asked may have died meanwhile
            self._answer(*_control(asked) if parts.path.startswith("/_/") else _place(asked))

    do_GET = do_PUT = do_DELETE = do_POST  # noqa: N815

    def _answer(self, status: int, headers: dict[str, str], said: Any) -> None:
        content = said if isinstance(said, bytes) else said.encode() if isinstance(said, str) else _json(said)
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: Any) -> None:
        pass


def _json(said: Any) -> bytes:
    return b"" if said is None else json.dumps(said).encode()


def _control(asked: Asked) -> Answer:
    match asked.path:
        case "/_/set":
            ENDS.set(asked.json)
        case "/_/reset":
            ENDS.reset()
    return 200, {}, ENDS.seen


def _place(asked: Asked) -> Answer:
    """/x-3/… is another account at the same end as /x/…, with a mode of its own."""
    place = asked.path.split("/")[1]
    match ENDS.modes.get(place, "well"):
        case "hole":
            time.sleep(3600)
        case "junk":
            return 200, {}, JUNK
        case "busy":
            return 429, {"Retry-After": str(RETRY_AFTER)}, None
        case "expired":
            return 401, {}, {"error": "expired", "title": "Unauthorized"}
    return PLACES[re.sub(r"-\d+$", "", place)](place, asked)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who asked was killed."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("smtp", type=int)
    parser.add_argument("http", type=int)
    given = parser.parse_args()
    mail = MailServer(pipelining=True)

    def accepted() -> None:
        recipient, message = mail.accepted.pop()
        ENDS.take("mail", recipient, name=str(message["Message-ID"]))

    mail.on_accepted = accepted
    Controller(mail, hostname="127.0.0.1", port=given.smtp).start()
    Server(("127.0.0.1", given.http), Handler).serve_forever()


if __name__ == "__main__":
    main()
