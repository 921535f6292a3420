"""What bench.front compares, as WSGI: the front, a bare application with the same bytes, a Django view with them."""

import gzip
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import cast
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

ROOT = Path(os.environ["BENCH_ROOT"])
NAME = "fr/index.html"
BODY = (ROOT / f"current/site/{NAME}.gz").read_bytes()
HEADERS = [  # as many and as long as the front's, so that the same bytes leave
    *json.loads((ROOT / "current/manifest.json").read_bytes())["headers"][".html"].items(),
    ("Content-Length", str(len(BODY))),
    ("ETag", '"6b07e532-2295"'),
    ("X-Publication", "1"),
    ("Last-Modified", "Fri, 01 Jul 2022 13:20:00 GMT"),
    ("Content-Encoding", "gzip"),
    ("Date", "Fri, 01 Jul 2022 13:20:00 GMT"),
]
assert gzip.decompress(BODY)


def bare(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", HEADERS)
    return [BODY]


def nothing(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("404 Not Found", [("Content-Length", "0")])
    return [b""]


application: WSGIApplication

match os.environ["BENCH_APP"]:
    case "bare":
        application = bare
    case "front":
        import django

        django.setup()
        from comms.status.front import StatusFront

        application = StatusFront(nothing, ROOT)
    case "django":
        from django.conf import settings
        from django.contrib.auth.decorators import login_not_required
        from django.core.wsgi import get_wsgi_application
        from django.http import HttpRequest, HttpResponse
        from django.urls import path

        @login_not_required
        def view(_request: HttpRequest) -> HttpResponse:
            return HttpResponse(BODY, headers=dict(HEADERS))

        urlpatterns = [path("fr/", view)]
        django_application = get_wsgi_application()
        settings.ROOT_URLCONF = "bench.apps"
        application = cast(WSGIApplication, django_application)
