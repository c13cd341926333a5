"""Makes the scratch installation of a benchmark and prints a key for it."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.settings")  # noqa: TID251

import django  # noqa: E402

django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402

from deployments.access.keys import create_key  # noqa: E402
from deployments.services import deploy_design  # noqa: E402
from designs.access import SYSTEM  # noqa: E402
from designs.services import create_design  # noqa: E402

DOCUMENT = {
    "schema": 1,
    "name": "Bench",
    "input_schema": {
        "type": "object",
        "properties": {"rows": {"type": "array", "items": {"type": "object"}}},
        "required": ["rows"],
    },
    "blocks": [
        {"id": "names", "type": "transform", "settings": {"expression": "input.rows[].name"}},
        {
            "id": "total",
            "type": "transform",
            "settings": {"expression": "sum(input.rows[].amount)"},
        },
        {
            "id": "report",
            "type": "transform",
            "settings": {"expression": "{names: blocks.names.output, total: blocks.total.output}"},
        },
    ],
    "connections": [
        {"id": "c1", "source": "names", "target": "report"},
        {"id": "c2", "source": "total", "target": "report"},
    ],
}

ASKING = {
    "schema": 1,
    "name": "Bench with a model",
    "blocks": [
        {
            "id": "ask",
            "type": "sequential",
            "task": "Say something short about {{ input.rows[0].name }}.",
            "agents": [{"id": "writer", "system_prompt": "You write short sentences."}],
        }
    ],
}

if __name__ == "__main__":
    call_command("migrate", verbosity=0)
    owner = User.objects.create_superuser("bench", password=None)
    for path, document in (("/bench", DOCUMENT), ("/model", ASKING)):
        design = create_design(document=document, caller=SYSTEM)
        deploy_design(design=design, endpoint_path=path, caller=SYSTEM)
    print(create_key(owner=owner)[1])
