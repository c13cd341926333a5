"""What the page of a design hands over to the designer's script."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse
from django.utils.module_loading import import_string

from designs.access import Caller
from designs.graph.reference import for_editors
from designs.patterns.palette import palette_entries
from designs.pictures.pictograms import PICTOGRAMS
from designs.validation import Validation, bound_json, problem_json

RIGHTS = {
    "change": "designs.change_design",
    "publish": "designs.publish_design",
    "delete": "designs.delete_design",
    "try": "designs.try_design",
    "payload": "executor.view_payload",
    "deploy": "deployments.add_deployment",
    "create": "designs.add_design",
}
# Addresses by their names; those of other apps, too. What a name needs is the design's id.
URLS = {
    "list": "designs:design-list",
    "new": "designs:design-new",
    "import": "designs:design-import",
    "samples": "designs:sample-list",
    "expressions": "designs:expression-reference",
    "deploy": "deployments:deployment-new",
    "deployments": "deployments:deployment-list",
    "executions": "executor:execution-list",
    "sign_in": "sign_in",
    "api_designs": "designs-api:design-list",
    "api_import": "designs-api:design-import",
    "api_read": "designs-api:design-read",
    "api_samples": "designs-api:sample-list",
    "api_executions": "executor-api:execution-list",
    "api_tools": "executor-api:tool-list",
    "api_deployments": "deployments-api:deployment-list",
}
URLS_OF_DESIGN = {
    "edit": "designs:design-edit",
    "place": "designs:design-place",
    "presence": "designs:design-presence",
    "stream": "designs:design-stream",
    "versions": "designs:version-list",
    "compare": "designs:version-compare",
    "api_design": "designs-api:design-detail",
    "api_validate": "designs-api:design-validate",
    "api_publish": "designs-api:design-publish",
    "api_export": "designs-api:design-export",
    "api_versions": "designs-api:design-version-list",
    "api_compare": "designs-api:design-version-compare",
    "api_checkpoints": "designs-api:design-checkpoint-list",
    "api_execute": "executor-api:design-execute",
    "api_evaluate": "executor-api:design-evaluate",
}


def designer_data(
    *,
    design: Any,
    caller: Caller,
    validation: Validation,
) -> dict[str, Any]:
    """`design` comes with its `latest_version`."""
    # By name, because designs know nothing of how they are run.
    run_facts = import_string(settings.RUN_FACTS)
    facts = run_facts(design.draft, is_valid=validation.checked.graph is not None)
    return {
        "design": {
            "id": str(design.pk),
            "name": design.name,
            "revision": design.revision,
            "document": design.draft,
            "changed_by": design.changed_by_name,
            "changed_at": design.changed_at.isoformat(),
            "latest_version": design.latest_version,
        },
        "rights": {name: caller.may(permission) for name, permission in RIGHTS.items()},
        "me": {"id": caller.user_id, "name": caller.name},
        **facts,
        "palette": palette_entries(),
        "functions": for_editors(),
        "pictograms": PICTOGRAMS,
        "problems": [problem_json(problem) for problem in validation.problems],
        "hints": [problem_json(hint) for hint in validation.hints],
        "bound": bound_json(validation.bound),
        "urls": urls_of(design.pk),
    }


def urls_of(pk: object) -> dict[str, str]:
    found = {name: address(of) for name, of in URLS.items()}
    found |= {name: address(of, pk) for name, of in URLS_OF_DESIGN.items()}
    found["designer_panels"] = static("designer/designer-panels.js")
    found["json_editor"] = static("designer/json-editor.js")
    return {name: address for name, address in found.items() if address}


def address(name: str, *args: object) -> str:
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        # A part of the installation that is not there.
        return ""
