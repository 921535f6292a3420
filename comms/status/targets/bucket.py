"""An S3-compatible bucket, served as a static web site. Needs the extra `s3`; credentials come as boto3 finds them.

A bucket cannot show many objects at once: what is linked to is put before what links to it, the pages of today last.
An object of our own keeps account of what is there. What is about to change is struck from it before, so that who
dies half way leaves nothing that is taken for up to date; each writing of it is conditional, and who finds a later
number in it leaves the bucket alone.
"""

import json
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import batched, groupby
from pathlib import Path
from typing import Any

from comms.status.publish import Publication
from comms.status.targets.base import TargetError, files_of

INDEX = "publication.json"
SECONDS = 20
AT_ONCE = 8  # objects on their way
NOTED_AFTER = 200  # objects: so many at most are put again after a failure


@dataclass(slots=True)
class Account:
    """What the bucket holds. number: of the publication shown whole; files: digests by name, "" where in doubt."""

    number: int
    files: dict[str, str]
    etag: str | None


@dataclass(frozen=True, slots=True)
class BucketTarget:
    """prefix: before every name, "" or ending in a slash; endpoint: None for Amazon's own."""

    bucket: str
    prefix: str
    endpoint: str | None
    key = "bucket"

    @property
    def place(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"

    def push(self, root: Path, publication: Publication) -> int:
        import boto3  # an optional extra, and slow to import
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError

        settings = Config(connect_timeout=SECONDS, read_timeout=SECONDS, retries={"max_attempts": 1})
        try:
            client = boto3.client("s3", endpoint_url=self.endpoint, config=settings)
            return self._push(client, root, publication)
        except (BotoCoreError, ClientError, OSError) as error:
            raise TargetError(f"{error} ({self.place})") from error

    def _push(self, client: Any, root: Path, publication: Publication) -> int:
        account = self._account(client)
        if account.number >= publication.number:
            return account.number
        files = {
            name: path
            for name, path in files_of(root, publication)
            if not name.endswith((".br", ".gz")) and "404." not in name
        }
        digests = {name: _digest(name, path, publication) for name, path in files.items()}
        known = account.files
        doubtful = [name for name in known.keys() | digests.keys() if known.get(name) != digests.get(name)]
        known |= dict.fromkeys(doubtful, "")
        self._note(client, account)

        def put(name: str) -> None:
            self._put(client, name, files[name].read_bytes(), _headers(name, publication))

        for names in batched(sorted((name for name in doubtful if name in files), key=_order), NOTED_AFTER):
            _in_turn(put, names)
            known |= {name: digests[name] for name in names}
            self._note(client, account)
        for name in known.keys() - digests.keys():
            client.delete_object(Bucket=self.bucket, Key=self.prefix + name)
            del known[name]
        account.number = publication.number
        self._note(client, account)
        return publication.number

    def _account(self, client: Any) -> Account:
        """By its own account; where that makes no sense everything is in doubt."""
        from botocore.exceptions import ClientError

        try:
            found = client.get_object(Bucket=self.bucket, Key=self.prefix + INDEX)
        except ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
                return Account(0, {}, None)
            raise
        try:
            told = json.loads(found["Body"].read())
            return Account(int(told["number"]), dict(told["files"]), found["ETag"])
        except (ValueError, TypeError, KeyError):
            return Account(0, {}, found["ETag"])

    def _note(self, client: Any, account: Account) -> None:
        body = json.dumps({"number": account.number, "files": account.files}).encode()
        condition = {"IfMatch": account.etag} if account.etag else {"IfNoneMatch": "*"}
        account.etag = self._put(client, INDEX, body, {"ContentType": "application/json"} | condition)

    def _put(self, client: Any, name: str, body: bytes, more: dict[str, str]) -> str:
        """Returns the object's ETag."""
        put = client.put_object(Bucket=self.bucket, Key=self.prefix + name, Body=body, **more)
        return str(put["ETag"])


def _in_turn(put: Callable[[str], None], names: Iterable[str]) -> None:
    """Several at once, but no page before those that it links to."""
    for _, together in groupby(names, _rank):
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for done in [pool.submit(put, name) for name in together]:
                done.result()


def _digest(name: str, path: Path, publication: Publication) -> str:
    """A page of the archive is kept with its time for as long as it does not change."""
    if digest := publication.files.get(name):
        return digest
    stat = path.stat()
    return f"{stat.st_mtime_ns:x}-{stat.st_size:x}"


def _rank(name: str) -> tuple[bool, bool]:
    """Leaves first, the pages of today last."""
    return name.count("/") < 2 and name.endswith("index.html"), name.endswith("index.html")


def _order(name: str) -> tuple[bool, bool, str]:
    return *_rank(name), name


def _headers(name: str, publication: Publication) -> dict[str, str]:
    """Those that an object can carry; a bucket sets no others."""
    headers = publication.headers[Path(name).suffix]
    return {"ContentType": headers["Content-Type"], "CacheControl": headers["Cache-Control"]}
