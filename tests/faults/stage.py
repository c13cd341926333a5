"""Sets the stage for the battery: database, designs, deployments, processes; and judges its end."""

from __future__ import annotations

import argparse
import random
from collections.abc import Mapping
from pathlib import Path

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth.models import Group, User  # noqa: E402
from django.db import connection  # noqa: E402

from deployments.access.keys import create_key  # noqa: E402
from deployments.services import deploy_design  # noqa: E402
from designs.access import SYSTEM  # noqa: E402
from designs.services import create_design  # noqa: E402
from orchestra.launcher.installation import prepare_folder  # noqa: E402
from tests.faults.battery import Battery, say  # noqa: E402
from tests.faults.chaos import Chaos  # noqa: E402
from tests.faults.code_copy import copy_code  # noqa: E402
from tests.faults.designs import GROUP, VOTES, asking, chain, computing, fan  # noqa: E402
from tests.faults.fleet import Fleet  # noqa: E402
from tests.faults.load import Load  # noqa: E402
from tests.faults.moves import keep_moves  # noqa: E402
from tests.faults.people import People  # noqa: E402
from tests.faults.provider import Provider  # noqa: E402
from tests.migrated import copy_migrated_database, create_migrated_database  # noqa: E402
from tests.servers import Server  # noqa: E402

EVERY_SECONDS = (2, 3)


def play(
    given: argparse.Namespace,
    seed: int,
    folder: Path,
    variables: Mapping[str, str],
    broker: Server,
    database: Server | None,
    model: Provider,
) -> int:
    """The whole battery; 0 if it ended as it should."""
    say(f"seed {seed}, {given.database}, {given.faults} faults, {given.executions} executions")
    prepare_folder(settings.ENVIRONMENT.data)
    if database is None:
        copy_migrated_database(Path(connection.settings_dict["NAME"]))
    else:
        create_migrated_database(database.url)
    keep_moves()
    Group.objects.create(name=GROUP)
    deciders = [_decider(number) for number in range(VOTES)]
    widths = _deploy()
    user = User.objects.create_superuser("battery")
    _, key = create_key(owner=user, scopes=("execute", "read", "manage"))
    code = copy_code(folder / "code", fenced=not given.break_fencing)
    people = People(settings.ENVIRONMENT.port, tuple(deciders))
    fleet = Fleet(settings.ENVIRONMENT, variables, folder=folder, code=code)
    chance = random.Random(seed)
    battery = Battery(
        fleet=fleet,
        load=Load(
            port=settings.ENVIRONMENT.port,
            api_key=key,
            seed=seed,
            paths=("/chain", "/fan", "/asking"),
            computing="/computing",
            pause_seconds=given.pause,
        ),
        chaos=Chaos(
            fleet=fleet,
            broker=broker,
            database=database,
            lease_seconds=settings.ENVIRONMENT.lease_seconds,
            chance=chance,
            only=given.only,
        ),
        people=people,
        provider=model,
        chance=chance,
        lease_seconds=settings.ENVIRONMENT.lease_seconds,
        settled_within=given.settled_within,
        faults=given.faults,
        executions=given.executions,
        widths=widths,
    )
    fleet.start_all()
    try:
        battery.run()
    except BaseException:
        say(battery.words_of_the_fleet())
        raise
    finally:
        for member in fleet.members:
            fleet.kill(member)
    say(battery.report())
    return _judge(battery, breaches_wanted=given.break_fencing)


def _decider(number: int) -> str:
    """A member of the group that decides: a key with which they do."""
    user = User.objects.create_superuser(f"decider{number}")
    user.groups.add(Group.objects.get(name=GROUP))
    _, key = create_key(owner=user, scopes=("read", "approve"))
    return str(key)


def _judge(battery: Battery, *, breaches_wanted: bool) -> int:
    found = battery.breaches
    for sentence in found[:40]:
        say(f"BREACH  {sentence}")
    say(f"{len(found)} breaches of the contract")
    if found and not breaches_wanted:
        say(battery.words_of_the_fleet())
    return 0 if bool(found) == breaches_wanted else 1


def _deploy() -> dict[str, int]:
    """Deploy the designs, two of them on schedules: how many calls at once each design makes."""
    every = {"overlap": "allow", "misfire": "run_all"}
    wanted = [
        (chain(4), "/chain", None, 1),
        (fan(3), "/fan", None, 3),
        (asking(), "/asking", None, 1),
        (computing(), "/computing", None, 0),
        (chain(2), "/often", {**every, "interval_seconds": EVERY_SECONDS[0]}, 1),
        (fan(2), "/seldom", {**every, "interval_seconds": EVERY_SECONDS[1]}, 2),
    ]
    for document, path, schedule, _ in wanted:
        design = create_design(document=document, caller=SYSTEM)
        deploy_design(
            design=design, endpoint_path=path, caller=SYSTEM, schedule=schedule, wait_seconds=30
        )
    return {document["name"]: width for document, _, _, width in wanted}
