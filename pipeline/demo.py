"""The demonstration: a simulated bank, the whole pipeline, a published snapshot, questions to it.

Belongs here: the order of the steps and what is told at the end. ``make demo`` runs it; a second call reuses what
stands.
"""

import time

import click

from pipeline.errors import InputError
from pipeline.load import load_dates
from pipeline.serving.audiences import DEFAULT_AUDIENCE
from pipeline.serving.reading import current_snapshot, query_snapshot
from pipeline.settings import load_settings
from pipeline.simulator.bank import simulate

CUSTOMERS = 5000
MONTHS = 4
SEED = 1

QUESTIONS = (
    (
        "What do customers do, and through which channel?",
        "select dim_channel.name_en as channel, dim_channel.name_zh as 渠道, count(*) as transactions,\n"
        "    sum(amount) as amount\n"
        "from core.fct_transactions join core.dim_channel using (channel_code)\n"
        "group by all order by transactions desc",
    ),
    (
        "Which segments did the mining find, and how large are they?",
        "select segment_code, name_en, name_zh, customer_count, customer_share\n"
        "from mining.segment_profiles order by segment_code",
    ),
    (
        "What goes together beyond chance?",
        "select antecedent_en, consequent_en, confidence_share, lift, false_discovery_rate\n"
        "from mining.association_rules where is_significant and not is_redundant\n"
        "order by lift desc, antecedent, consequent limit 5",
    ),
    (
        "What follows what, and after how many days?",
        "select pattern_en, customer_count, confidence_share, median_gap_days, order_lift\n"
        "from mining.sequence_patterns where is_significant and not is_redundant\n"
        "order by order_lift desc, pattern limit 5",
    ),
    (
        "Which models are there, and why or why not?",
        "select model_name_en, model_name_zh, text_en as outcome from mining.model_cards\n"
        "where section_code = 'outcome'",
    ),
    (
        "Who is behind with a loan at the latest month end, and by how much?",
        "select days_past_due, instalment_due_3m_amount, loan_balance_amount, customer_id, month_end_date\n"
        "from features.customer_months join core.dim_customer using (customer_key)\n"
        "where is_current and days_past_due > 0\n"
        "    and month_end_date = (select max(month_end_date) from features.customer_months)\n"
        "order by days_past_due desc, customer_id limit 5",
    ),
)


@click.command()
def demo() -> None:
    """Run the demonstration in $CREDIT_WAREHOUSE_HOME."""
    started = time.monotonic()
    settings = load_settings()
    try:
        click.echo(f"1. A simulated bank: {CUSTOMERS} customers, {MONTHS} months, seed {SEED}")
        click.echo(str(simulate(CUSTOMERS, MONTHS, SEED, settings.home, progress=click.echo)))
        click.echo("\n2. The pipeline")
        load_dates(settings, None, None, echo=click.echo)
        click.echo("\n3. What was made")
        inventory = query_snapshot(
            settings,
            DEFAULT_AUDIENCE,
            "select schema_name, table_name, estimated_size as row_count from duckdb_tables() order by all",
        )
        click.echo(inventory.to_string(index=False))
        click.echo("\n4. Questions to the snapshot")
        for question, sql in QUESTIONS:
            rows = query_snapshot(settings, DEFAULT_AUDIENCE, sql)
            click.echo(f"\n{question}\n\n{sql}\n\n{rows.to_string(index=False)}")
    except InputError as error:
        raise click.ClickException(str(error)) from error
    click.echo(
        f"\nDone in {time.monotonic() - started:.0f} s.\n"
        f"  published  {current_snapshot(settings, DEFAULT_AUDIENCE)}\n"
        '  query it   .venv/bin/credit-warehouse query "select * from core.dim_product"\n'
        "  the UI     make ui, then http://127.0.0.1:3000"
    )


if __name__ == "__main__":
    demo()
