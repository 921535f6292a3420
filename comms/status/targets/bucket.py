"""An S3-compatible bucket, served as a static web site. Needs the extra `s3`; credentials come as boto3 finds them.

A bucket cannot show many objects at once: what is linked to is put before what links to it, the pages of today last.
The index object, put with a condition after all others, says what is there; who finds a later number in it leaves the
bucket alone.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comms.status.publish import Publication
from comms.status.targets.base import TargetError, files_of

INDEX = "publication.json"
SECONDS = 20


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
        index, etag = self._index(client)
        if index["number"] >= publication.number:
            return int(index["number"])
        known: Mapping[str, str] = index["files"]
        files = {
            name: path
            for name, path in files_of(root, publication)
            if not name.endswith((".br", ".gz")) and "404." not in name
        }
        digests = {name: _digest(name, path, publication) for name, path in files.items()}
        for name in sorted(files, key=_order):
            if known.get(name) != digests[name]:
                client.put_object(
                    Bucket=self.bucket,
                    Key=self.prefix + name,
                    Body=files[name].read_bytes(),
                    **_headers(name, publication),
                )
        body = json.dumps({"number": publication.number, "files": digests}).encode()
        condition = {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}
        client.put_object(
            Bucket=self.bucket,
            Key=self.prefix + INDEX,
            Body=body,
            ContentType="application/json",
            **condition,
        )
        for name in known.keys() - digests.keys():
            client.delete_object(Bucket=self.bucket, Key=self.prefix + name)
        return publication.number

    def _index(self, client: Any) -> tuple[Mapping[str, Any], str | None]:
        """What the bucket holds by its own account, and the ETag of that account."""
        from botocore.exceptions import ClientError

        try:
            found = client.get_object(Bucket=self.bucket, Key=self.prefix + INDEX)
        except ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
                return {"number": 0, "files": {}}, None
            raise
        return json.loads(found["Body"].read()), found["ETag"]


def _digest(name: str, path: Path, publication: Publication) -> str:
    return publication.files.get(name) or hashlib.sha256(path.read_bytes()).hexdigest()


def _order(name: str) -> tuple[bool, bool, str]:
    """Leaves first, the pages of today last."""
    return name.count("/") < 2 and name.endswith("index.html"), name.endswith("index.html"), name


def _headers(name: str, publication: Publication) -> dict[str, str]:
    """Those that an object can carry; a bucket sets no others."""
    headers = publication.headers[Path(name).suffix]
    return {"ContentType": headers["Content-Type"], "CacheControl": headers["Cache-Control"]}
