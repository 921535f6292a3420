"""What holds for every file of the site."""

import gzip
import json
import re
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import brotli
from hypothesis import given, settings
from hypothesis import strategies as st

from comms.status import documents
from comms.status.facts import Group, Text
from comms.status.languages import WORDS
from comms.status.render import render
from comms.status.style import STALE
from incidents.models.states import MilestoneKind, Phase, ServiceStatus
from tests.comms.status.facts import (
    AT,
    BEGAN,
    everywhere,
    facts,
    impact,
    incident,
    milestone,
    resolved,
    service,
    text,
    update,
)
from tests.comms.status.reading import Read

SCRIPT = """<script>alert('x')</script>"&'><b>{0}"""
OVER_THE_WIRE = 30_000  # bytes; design, "Look and feel"
BROKEN = [status for status in ServiceStatus if status != ServiceStatus.OPERATIONAL]


def everything() -> list[bytes]:
    """A site with something of everything."""
    slow = incident(id="c3n8v5r1yw6h", updates=(), impacts=(impact(1, ServiceStatus.DEGRADED),))
    told = update(
        central_confirmed=True,
        do=text("Enregistrez chaque eForm une seule fois."),
        dont=text("Ne renvoyez pas un eForm enregistré."),
        patient=text("Le certificat suivra."),
        occurred_at=BEGAN,
    )
    site = render(
        facts(
            incident(
                updates=(told,),
                milestones=(
                    milestone(reached_at=BEGAN + timedelta(minutes=90), confirmed_by=everywhere("Sciensano")),
                    milestone(MilestoneKind.RESTART_DONE, planned_for=BEGAN + timedelta(hours=9)),
                ),
            ),
            slow,
            resolved(id="p2d6f9j4sk7z", resolved_at=AT - timedelta(minutes=10), relapse_of=slow.brief),
            resolved(id="r2d6f9j4sk7z", resolved_at=AT - timedelta(days=3)),
        )
    )
    return [content for name, content in site.items() if name.endswith(".html")]


def test_every_page_is_well_formed_with_one_heading_and_no_script_but_our_own() -> None:
    for content in everything():
        page = Read(content)  # asserts that each element closes what it opened
        names = {name for name, _ in page.elements}
        attributes = {name for _, found in page.elements for name in found}

        assert page.count("h1") == 1
        assert page.count("style") == 1
        assert page.count("script") == content.count(f"<script>{STALE}</script>".encode()) <= 1
        assert not names & {"img", "iframe", "form", "button", "input"}
        assert not {name for name in attributes if name.startswith("on") or name == "style"}


def test_headings_go_down_one_level_at_a_time() -> None:
    for content in everything():
        levels = [int(name[1]) for name, _ in Read(content).elements if re.fullmatch("h[1-6]", name)]

        assert levels[0] == 1
        assert [b - a for a, b in pairwise(levels) if b - a > 1] == []


def test_ids_are_unique_and_every_link_inside_a_page_leads_somewhere() -> None:
    for content in everything():
        elements = Read(content).elements
        ids = [found["id"] for _, found in elements if "id" in found]
        targets = {found["href"] for _, found in elements if str(found.get("href")).startswith("#")}

        assert len(ids) == len(set(ids))
        assert targets <= {f"#{key}" for key in ids}


def test_a_page_asks_nothing_of_any_other_address() -> None:
    for content in everything():
        loaded = [
            found
            for name, found in Read(content).elements
            if "src" in found or (name == "link" and found.get("rel") not in ("canonical", "alternate"))
        ]

        assert loaded == [{"rel": "icon", "href": "data:,"}]
        assert b"url(" not in content
        assert b"@import" not in content


def test_every_icon_has_a_size_and_a_word_beside_it() -> None:
    for content in everything():
        icons = [found for name, found in Read(content).elements if name == "svg"]

        assert all({"width", "height"} <= found.keys() for found in icons)
        assert all("aria-hidden" in found or found.get("aria-label") for found in icons)
        assert re.findall(rb"</svg>\s*</(?:p|div|span|dd)>", content) == []


def test_every_file_has_compressed_siblings_that_say_the_same() -> None:
    files = render(facts(incident(), resolved(id="p2d6f9j4sk7z")))
    plain = [
        name for name in files if not name.endswith((".br", ".gz")) and len(files[name]) >= documents.SMALLEST
    ]

    assert len(plain) > 15
    for name in plain:
        if name.endswith(documents.PAGES):
            assert brotli.decompress(files[f"{name}.br"]) == files[name]
        assert gzip.decompress(files[f"{name}.gz"]) == files[name]


def test_the_same_facts_give_the_same_bytes() -> None:
    assert render(facts(incident())) == render(facts(incident()))


def test_every_page_of_a_long_outage_weighs_little_even_uncompressed_by_brotli() -> None:
    long = everywhere("Nous cherchons la solution avec Sciensano et Digitaal Vlaanderen. " * 8)
    messages = tuple(
        update(
            id=f"{n:012}", body=long, headline=everywhere(f"Conséquence {n}"), title=everywhere(f"Titre {n}")
        )
        for n in range(30)
    )
    groups = tuple(
        Group(f"group{n:07}", everywhere(f"Groupe {n}"), tuple(service(4 * n + k) for k in range(4)))
        for n in range(5)
    )
    files = render(
        facts(
            incident(updates=messages, impacts=tuple(impact(n) for n in range(20))),
            *(resolved(id=f"past{n:08}") for n in range(40)),
            groups=groups,
        )
    )

    heavy = {name: len(content) for name, content in files.items() if name.endswith((".gz", ".br"))}
    assert {name: size for name, size in heavy.items() if size > OVER_THE_WIRE} == {}


def test_a_page_of_the_day_weighs_less_than_thirty_kilobytes_even_uncompressed() -> None:
    files = render(facts(incident(updates=tuple(update(id=f"{n:012}") for n in range(8)))))

    assert max(len(content) for name, content in files.items() if name.endswith(".html")) < OVER_THE_WIRE


def hostile(mark: str) -> Text:
    return everywhere(SCRIPT.format(mark))


def test_texts_of_people_are_text_on_every_page_and_in_every_document() -> None:
    told = update(
        **{field: hostile(field) for field in ("headline", "title", "body", "do", "dont", "patient")},
        central_confirmed=True,
    )
    groups = (Group("group0000000", hostile("group"), (service(0, name=hostile("service")),)),)
    step = milestone(reached_at=AT, confirmed_by=hostile("partner"))
    site = facts(
        incident(title=hostile("title"), updates=(told,), milestones=(step,)),
        incident(id="other0000000", title=hostile("title"), updates=()),
        resolved(
            id="past00000000",
            title=hostile("past"),
            updates=(told,),
            resolved_at=AT,
            relapse_of=incident(id="other0000000", title=hostile("title")).brief,
        ),
        groups=groups,
    )

    for name, content in render(site).items():
        if name.endswith(".html"):
            page = Read(content)
            assert page.count("script") == content.count(f"<script>{STALE}</script>".encode()), name
            assert page.count("b") == sum(1 for found in re.findall(rb"<b>", content)), name
            assert content.count(b"<script") == page.count("script"), name
    assert SCRIPT.format("headline") in Read(render(site)["en/index.html"]).text
    document = render(site)["api/v2/summary.json"]
    assert b"<" not in document
    assert json.loads(document)["incidents"][0]["name"] == SCRIPT.format("title")


texts = st.builds(Text, **{language: st.text(max_size=30) for language in WORDS})


@settings(max_examples=15, deadline=None)
@given(headline=texts, body=texts, do=texts, title=texts)
def test_any_text_keeps_every_page_whole(headline: Text, body: Text, do: Text, title: Text) -> None:
    told = update(headline=headline, body=body, do=do, dont=do, patient=title, title=body)
    site = render(
        facts(
            incident(title=title, updates=(told,)), resolved(id="past00000000", title=title, updates=(told,))
        )
    )

    plain = Read(render(facts(incident()))["fr/index.html"])
    for name, content in site.items():
        if name.endswith(".html"):
            page = Read(content)
            assert page.count("h1") == 1
            assert {found for found, _ in page.elements} <= {found for found, _ in plain.elements} | {
                "abbr",
                "b",
                "dd",
                "dl",
                "dt",
                "i",
                "span",
                "strong",
                "time",
            }


@settings(max_examples=15, deadline=None)
@given(
    phases=st.lists(st.sampled_from(Phase), max_size=4),
    statuses=st.lists(st.sampled_from(BROKEN), min_size=1, max_size=3),
)
def test_the_four_languages_list_the_same_incidents_and_services(
    phases: list[Phase], statuses: list[ServiceStatus]
) -> None:
    happened = [
        (resolved if phase == Phase.RESOLVED else incident)(
            id=f"incident{n:04}", title=everywhere(f"Panne {n}")
        )
        for n, phase in enumerate(phases)
    ]
    happened = [
        one if one.resolved_at else replace(one, impacts=tuple(impact(n, s) for n, s in enumerate(statuses)))
        for one in happened
    ]
    site = render(facts(*happened))

    for page in ("index.html", "history/index.html"):
        seen = []
        for language in WORDS:
            read = Read(site[f"{language}/{page}"])
            links = sorted(
                str(found["href"]).removeprefix(f"/{language}/")
                for name, found in read.elements
                if name == "a" and "/incidents/" in str(found["href"])
            )
            icons = [found["href"] for name, found in read.elements if name == "use"]
            services = [name for name in ("Tests rapides", "Vaccination", "Transfert") if name in read.text]
            seen.append((links, icons, services, re.findall(r"\d+:\d\d", read.text)))
        assert seen == [seen[0]] * 4
