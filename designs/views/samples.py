"""The gallery of the samples that come with Orchestra."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from designs.graph.bounds import bound_of
from designs.patterns.catalogue import PALETTE, check_document
from designs.requests import PageRequest, requires
from designs.sample_files import Sample, known_samples
from designs.services import sample_to_try, use_sample

# The one to begin with.
FIRST = "support-routing"


@require_safe
@requires("designs.view_design")
def sample_list(request: PageRequest) -> HttpResponse:
    """`?kind=` leaves the samples with a block of that type."""
    kind = request.GET.get("kind", "")
    samples = known_samples()
    counts = Counter(name for sample in samples for name in sample.kinds)
    kinds = [(name, PALETTE[name].label, counts[name]) for name in PALETTE if counts[name]]
    shown = [sample for sample in samples if kind in ("", *sample.kinds)]
    first = next((sample for sample in shown if not kind and sample.slug == FIRST), None)
    context = {
        "first": first and _row(first),
        "rows": [_row(sample) for sample in shown if sample is not first],
        "kinds": kinds,
        "kind": kind,
        "count": len(samples),
        "may_add": request.caller.may("designs.add_design"),
        "may_try": request.caller.may("designs.try_design"),
    }
    return render(request, "designs/sample_list.html", context)


@require_POST
@requires("designs.add_design")
def sample_use(request: PageRequest, slug: str) -> HttpResponse:
    """Make a draft of the sample, to change it, or (with `try`) to run it at once."""
    sample = next((one for one in known_samples() if one.slug == slug), None)
    if sample is None:
        raise Http404
    if "try" in request.POST and request.caller.may("designs.try_design"):
        design = sample_to_try(sample=sample, caller=request.caller)
        return redirect("executor:design-try", pk=design.pk)
    design = use_sample(sample=sample, caller=request.caller)
    messages.success(request, "This is your own copy of the sample: change it as you like.")
    return redirect("designs:design-edit", pk=design.pk)


def _row(sample: Sample) -> dict[str, Any]:
    return {
        "sample": sample,
        "kinds": [(name, PALETTE[name].label) for name in sample.kinds],
        "calls": _calls(sample.slug),
        "example": json.dumps(sample.input_example, ensure_ascii=False, indent=1),
    }


@cache
def _calls(slug: str) -> int:
    """The most first calls of models in one run."""
    sample = next(one for one in known_samples() if one.slug == slug)
    graph = check_document(sample.document).graph
    return 0 if graph is None else bound_of(graph, PALETTE, ("",), lambda name: None).calls
