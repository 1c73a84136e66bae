"""`sluice simulator`: a process that speaks Claude's API. Its options are its own."""

import typer

# `--help` included: they go to the simulator as they are.
PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


def simulator(context: typer.Context) -> None:
    """Run the simulator. See `sluice simulator --help` for its options."""
    from simulator.main import main

    main(context.args)
