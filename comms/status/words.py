"""The site's own words. Each language states all of them, so that none can be missing."""

from collections.abc import Mapping
from dataclasses import dataclass

from incidents.models.states import LinkState, MaintenanceStatus, MilestoneKind, Phase, ServiceStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkWords:
    """What is said of planned work."""

    title: str
    intro: str
    announced: str
    states: Mapping[MaintenanceStatus, str]
    active: str
    upcoming: str
    past: str
    none: str
    services: str
    planned: str
    really: str
    begins_late: str
    ends_late: str
    follows: str
    followed_by: str
    calendar: str
    calendar_of_all: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DayWords:
    """What is said of 90 days of a service."""

    bars: str
    label: str
    none: str
    one: str
    several: str
    available: str
    rule: str
    figures: str
    columns: tuple[str, str, str]
    outages: str
    minutes: str
    hours: str
    decimal: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainWords:
    """What is said of the way a message goes."""

    title: str
    intro: str
    states: Mapping[LinkState, str]
    confirmed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """{…} is filled in by the pages. Quotes go around what is said to a patient; the colon follows a label."""

    language: str
    name: str
    colon: str
    quotes: tuple[str, str]

    # Frame
    site: str
    skip: str
    languages: str
    as_of: str
    as_of_short: str
    last_change: str
    zone: str
    renewed: str
    current: str
    past: str
    reload: str
    notice: str
    stale: str
    in_other_language: str
    language_names: Mapping[str, str]

    # State
    statuses: Mapping[ServiceStatus, str]
    disturbances: Mapping[ServiceStatus, str]
    phases: Mapping[Phase, str]
    summary: Mapping[str, str]
    watched: str
    since: str

    # The answer
    calm: str
    calm_help: str
    not_you: str
    central: str
    no_message_yet: str
    came_back: str
    what_works: str
    told: Mapping[ServiceStatus, str]
    to_do: str
    not_to_do: str
    to_patient: str
    valid_until: str
    valid_no_more: str
    next_at: str
    even_without_news: str
    late: str
    late_help: str
    first_soon: str
    next_unknown: str
    me_too: str
    a_problem: str
    tell_me: str
    other_one: str
    others: str

    # Sections
    recovery: str
    steps: Mapping[MilestoneKind, str]
    steps_done: str
    step_done: str
    step_confirmed: str
    step_planned: str
    step_to_come: str
    messages: str
    messages_in_order: str
    happened_published: str
    corrected: str
    withdrawn: str
    withdrawn_short: str
    permanent_link: str
    services: str
    recent: str
    none_recent: str

    # Incident page and history
    begin_end: str
    begin: str
    still_open: str
    at_worst: str
    touched: str
    untouched: str
    relapse_of: str
    relapsed_as: str
    history: str
    history_intro: str
    history_empty: str

    months_of_history: str
    month_count_one: str
    month_count: str
    postmortem: str
    postmortem_published: str

    # Parts with words of their own
    days: DayWords
    chain: ChainWords
    work: WorkWords

    # Pages that are not there, and the choice of language
    not_found: str
    not_found_help: str

    # Moments
    weekdays: tuple[str, ...]
    months: tuple[str, ...]
    first_of_month: str
    date: str
    date_with_year: str
    date_short: str
    day_month: str
    at: str
    dated: str
    month_year: str
