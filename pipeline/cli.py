"""The ``credit-warehouse`` command.

Belongs here: arguments, and what is printed. Does not belong here: work; each command calls one function. Heavy
libraries are imported by the command that needs them, so that ``--help`` and ``query`` answer at once.
"""

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.errors import InputError
from pipeline.settings import load_settings

if TYPE_CHECKING:
    import pandas as pd

DATE = click.DateTime(formats=["%Y-%m-%d"])


class _Commands(click.Group):
    """Shows bad input as a message, not as a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except InputError as error:
            click.echo(f"error: {error}", err=True)
            sys.exit(2)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="credit-warehouse")
def main() -> None:
    """Customer credit data warehouse: extracts in, an audited customer star out.

    State lives in $CREDIT_WAREHOUSE_HOME (default: ./data).
    """


@main.command()
@click.option("--customers", type=int, default=5000, show_default=True, help="Customers on the first date.")
@click.option("--months", type=int, default=6, show_default=True, help="Months of business dates.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same files.")
@click.option("--start", type=DATE, default="2025-01-01", show_default=True, help="First business date.")
@click.option("--dirty-share", type=float, default=0.0, show_default=True, help="Share of event rows to damage.")
@click.option("--out", type=click.Path(path_type=Path), help="Warehouse home to drop into (default: the current one).")
def simulate(customers: int, months: int, seed: int, start: datetime, dirty_share: float, out: Path | None) -> None:
    """Simulate a bank that drops its extract files day by day."""
    from pipeline.simulator.bank import simulate as simulate_bank

    home = out.absolute() if out else load_settings().home
    summary = simulate_bank(customers, months, seed, home, start.date(), dirty_share, progress=click.echo)
    click.echo(str(summary))


@main.group("import")
def import_() -> None:
    """Turn data of other systems into landing files under the contracts."""


@import_.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Warehouse home to drop into (default: the current one).")
def berka(path: Path, out: Path | None) -> None:
    """Import the PKDD'99 Czech bank from the folder PATH of its .asc files."""
    from pipeline.extracts.adapters.berka import import_berka

    home = out.absolute() if out else load_settings().home
    click.echo(str(import_berka(path, home, progress=click.echo)))


@main.command()
@click.option("--from", "first", type=DATE, help="First business date (default: the first one not yet loaded).")
@click.option("--to", "last", type=DATE, help="Last business date (default: the last one whose files are complete).")
def run(first: datetime | None, last: datetime | None) -> None:
    """Load business dates, build the star, refresh the mining results and publish."""
    from pipeline.load import load_dates

    load_dates(load_settings(), first.date() if first else None, last.date() if last else None, echo=click.echo)


@main.command()
def publish() -> None:
    """Audit the build file and publish a snapshot per audience."""
    from pipeline.load import publish_now

    publish_now(load_settings(), echo=click.echo)


@main.command()
@click.argument("sql")
@click.option("--format", "output", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
@click.option("--audience", default="analysts", show_default=True, help="Whose snapshot to read.")
def query(sql: str, output: str, audience: str) -> None:
    """Run one SQL statement on the published snapshot, also while a run is writing."""
    from pipeline.serving.reading import query_snapshot

    click.echo(_rendered(query_snapshot(load_settings(), audience, sql), output))


def _rendered(rows: "pd.DataFrame", output: str) -> str:
    if output == "csv":
        return rows.to_csv(index=False).rstrip("\n")
    if output == "json":
        # decimals as text: a reader of JSON would make floats of money
        return json.dumps(rows.to_dict(orient="records"), default=str, ensure_ascii=False, indent=1)
    return (
        f"{rows.to_string(index=False)}\n({len(rows)} row{'' if len(rows) == 1 else 's'})" if len(rows) else "(no rows)"
    )


@main.command()
def status() -> None:
    """Show what is loaded, what was rejected, what is published and what waits in landing."""
    from pipeline.health import status_report

    click.echo(status_report(load_settings()))


@main.command()
def doctor() -> None:
    """Check that this machine and this warehouse are fit to run; say what to do where not."""
    from pipeline.health import examine

    findings = examine(load_settings())
    for finding in findings:
        click.echo(str(finding))
    if not all(finding.is_well for finding in findings):
        sys.exit(1)


@main.command()
@click.option("--port", type=int, default=3000, show_default=True)
def ui(port: int) -> None:
    """Open the Dagster UI (webserver and daemon) on this machine's loopback address."""
    from pipeline.load import replace_process_with_ui

    replace_process_with_ui(load_settings(), port)


if __name__ == "__main__":
    main()
