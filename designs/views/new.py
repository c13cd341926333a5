"""Starting a design: blank, from a sample, or from a file."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from designs.requests import PageRequest, requires
from designs.sample_files import known_samples
from designs.services import create_design, use_sample
from designs.views.designer_data import address

BLANK: dict[str, Any] = {
    "schema": 1,
    "name": "Untitled design",
    "input_schema": {
        "type": "object",
        "properties": {"message": {"type": "string", "title": "Message"}},
        "required": ["message"],
    },
    "blocks": [],
    "connections": [],
}


@require_http_methods(["GET", "HEAD", "POST"])
@requires("designs.add_design")
def design_new(request: PageRequest) -> HttpResponse:
    """The ways to start; a POST makes the draft, blank or of the `sample`, and leads to it."""
    slug = request.POST.get("sample", "") or request.GET.get("sample", "")
    samples = known_samples()
    sample = next((row for row in samples if row.slug == slug), None)
    if slug and sample is None:
        raise Http404
    if request.method == "POST":
        if sample is None:
            design = create_design(document=BLANK, caller=request.caller)
        else:
            design = use_sample(sample=sample, caller=request.caller)
        return redirect("designs:design-edit", pk=design.pk)
    context = {
        "sample": sample,
        "samples": samples,
        "import_url": address("designs:design-import"),
    }
    return render(request, "designs/design_new.html", context)
