"""Where messages get stuck, told link by link."""

from django.http import HttpResponse
from django.views.decorators.http import require_http_methods

from accounts.http import Request
from accounts.refusals import Refused
from incidents import operations
from incidents.forms.chain import ChainForm
from incidents.models import Chain, Incident
from incidents.permissions import check_change_course
from incidents.views.answers import done, found, shown


@require_http_methods(["GET", "POST"])
def chain(request: Request, public_id: str) -> HttpResponse:
    """The links of the chain that the incident holds up; ?chain=key is another one."""
    check_change_course(request.user)
    incident = found(public_id)
    chains = list(Chain.objects.prefetch_related("links", "services"))
    chosen = _chosen(chains, incident, (request.POST or request.GET).get("chain", ""))
    sent = request.POST if request.method == "POST" else None
    form = ChainForm(sent, incident=incident, links=chosen.links.all() if chosen else ())
    if request.method == "POST" and form.is_valid():
        try:
            operations.set_chain(incident, form.standings(), by=request.user)
            return done(request, incident)
        except Refused as refusal:
            form.refuse(refusal)
    context = {"form": form, "incident": incident, "chains": chains, "chosen": chosen}
    return shown(request, "chain.html", context, refused=form.is_bound)


def _chosen(chains: list[Chain], incident: Incident, key: str) -> Chain | None:
    """The one with *key*; else the one told of already, one of a service that is touched, the first."""
    told = incident.standings.values_list("link__chain_id", flat=True).first()
    touched = {service.pk for service in incident.services_touched}
    candidates = [
        *(chain for chain in chains if chain.key == key),
        *(chain for chain in chains if chain.pk == told),
        *(chain for chain in chains if any(service.pk in touched for service in chain.services.all())),
        *chains,
    ]
    return candidates[0] if candidates else None
