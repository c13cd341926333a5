"""Django's command line for this project."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "orchestra.settings")  # noqa: TID251
    from django.core.exceptions import ImproperlyConfigured

    try:
        if sys.argv[1:] == ["up"]:
            # It starts other programs while Django is loaded here.
            from orchestra.launcher.up import up

            sys.exit(up())
        from django.core.management import execute_from_command_line

        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        # A variable that cannot be used: the sentence says which, a trace would hide it.
        sys.exit(str(error))


if __name__ == "__main__":
    main()
