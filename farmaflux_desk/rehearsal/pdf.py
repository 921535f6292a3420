"""The score sheet on paper."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from farmaflux_desk.rehearsal import sheet
from farmaflux_desk.rehearsal.score import Score

WIDTH = 180  # mm, of the text on A4


def as_pdf(score: Score, earlier: Sequence[Score]) -> bytes:
    """A4, in the active language. The fonts every reader has hold Latin letters; others become question marks."""
    from fpdf import FPDF  # it takes a third of a second, and only this needs it

    class Paper(FPDF):
        def footer(self) -> None:
            self.set_y(-15)
            self.set_font("helvetica", size=8)
            self.cell(0, 8, _plain(f"FarmaFlux Desk · {self.page_no()}"), align="C")

    paper = Paper(format="A4")
    paper.core_fonts_encoding = "windows-1252"
    paper.set_margin(15)
    paper.set_auto_page_break(auto=True, margin=18)
    paper.set_title(_plain(str(score.incident)))
    paper.set_creation_date(score.at)
    paper.add_page()

    def line(text: str, size: int = 10, style: str = "") -> None:
        paper.set_font("helvetica", style, size)
        paper.multi_cell(WIDTH, size * 0.5 + 1, _plain(text), new_x="LMARGIN", new_y="NEXT")

    def table(head: Sequence[str], body: Sequence[Sequence[str]], widths: Sequence[int]) -> None:
        paper.ln(2)
        paper.set_font("helvetica", size=9)
        with paper.table(col_widths=tuple(widths), width=WIDTH, text_align="LEFT", line_height=5) as made:
            for row in (head, *body):
                made.row([_plain(cell) for cell in row])
        paper.ln(2)

    line(_("Score sheet"), 18, "B")
    line(f"{score.incident.severity} {score.incident}", 12, "B")
    line(sheet.when(score))
    rows = sheet.rows(score, earlier)
    head = [_("Measure"), _("This one"), *(sheet.day_of(one) for one in earlier)]
    table(head, [[row.label, row.figure, *row.earlier] for row in rows], [70, 40, *[24 for _one in earlier]])
    if score.promises:
        line(_("Promised messages"), 12, "B")
        table(
            [_("Message"), _("Promised for"), _("Came at"), _("Late")],
            [
                [
                    f"v{promise.number}",
                    _clock(promise.at),
                    _clock(promise.kept_at) if promise.kept_at else "–",
                    _stretch(promise.late) if promise.late else "–",
                ]
                for promise in score.promises
            ],
            [45, 45, 45, 45],
        )
    if score.late or score.skipped:
        line(_("Steps late or left out"), 12, "B")
        how = [(step, _("late by %(n)s") % {"n": _stretch(step.late)}) for step in score.late]
        how += [(step, step.reason) for step in score.skipped]
        table([_("Step"), _("How")], [[f"{s.number} {s.title}", said] for s, said in how], [90, 90])
    if score.effects:
        line(_("Contacts around each message, a quarter of an hour each way"), 12, "B")
        table(
            [_("Message"), _("Published"), _("Before"), _("After")],
            [[f"v{e.number}", _clock(e.at), str(e.before), str(e.after)] for e in score.effects],
            [45, 45, 45, 45],
        )
    return bytes(paper.output())


def _clock(moment: datetime) -> str:
    return date_format(localtime(moment), "H:i:s")


def _stretch(late: timedelta) -> str:
    return sheet.stretch(int(late.total_seconds()))


def _plain(text: str) -> str:
    return text.encode("cp1252", "replace").decode("cp1252")
