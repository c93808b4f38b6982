"""What customer segments are made of: needs, behaviour, value and stage of life, each behaviour one line of SQL.

Belongs here: which behaviours count, how they are derived from ``features.customer_months``, the words for much and
little of them. Does not belong here: their scaling (``segment_scaling``) and the division (``segments``).

Four blocks weigh alike, whatever the number of behaviours in them: the stage of life (age), needs (what purchases are
for), behaviour (how business is done) and value (what is held and earned). What is left out, and why: products held and
debts are what a bank has sold so far, and would make a segment of each product; the occupation on the application form
goes stale and says who a customer was said to be, not what he does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import duckdb
import pandas as pd

from pipeline.frames import require_columns

Block = Literal["life_stage", "needs", "behaviour", "value"]
Measure = Literal["amount", "count", "share", "composition", "years"]

# whom a bank can talk to by what he does: a person with a transaction in the last three months
ACTIVE_PERSON = "customer_type = 'person' and transactions_3m_count > 0"


@dataclass(frozen=True)
class Behaviour:
    """One behaviour that segments are made of.

    Attributes
    ----------
    column : str
        Its name.
    block : {"life_stage", "needs", "behaviour", "value"}
        The blocks weigh alike.
    measure : {"amount", "count", "share", "composition", "years"}
        How it is scaled (``segment_scaling``) and written for people. The behaviours with measure "composition" are the
        parts of one whole.
    source_columns : tuple of str
        The columns of ``features.customer_months`` that `derivation` reads.
    derivation : str
        A DuckDB expression over these columns that gives a double, null where it cannot be known.
    name_en, name_zh, much_en, little_en, much_zh, little_zh : str
        The words for it, and for much and little of it beside the bank; empty where that is not worth a name. They
        say what is measured, and no more: a share of purchases at petrol stations makes no car owner.
    whole : str
        What it is a part or the size of. Behaviours of the same whole hang together by arithmetic, in any bank, and are
        shuffled together when ``segment_choice`` asks what chance yields. Empty for one that shares nothing.
    """

    column: str
    block: Block
    measure: Measure
    source_columns: tuple[str, ...]
    derivation: str
    name_en: str
    name_zh: str
    much_en: str
    little_en: str
    much_zh: str
    little_zh: str
    whole: str = ""


def _need(group: str, name_en: str, name_zh: str, much_en: str, much_zh: str) -> Behaviour:
    """Return the share of a group in all purchases, smoothed by a ninth of a purchase in each of the nine groups.

    The ninth is Perks' prior (Perks 1947, J. Inst. Actuaries 73, 285-334): all groups together weigh as one purchase,
    so that a single one makes no lover of travel. What those need who buy nothing is unknown.
    """
    return Behaviour(
        column=f"{group}_purchases_3m_share",
        block="needs",
        measure="composition",
        source_columns=(f"purchases_{group}_3m_count", "purchases_3m_count"),
        derivation=(
            f"case when purchases_3m_count > 0"
            f" then (coalesce(purchases_{group}_3m_count, 0) + 1e0 / 9) / (purchases_3m_count + 1e0) end"
        ),
        name_en=name_en,
        name_zh=name_zh,
        much_en=much_en,
        little_en="",
        much_zh=much_zh,
        little_zh="",
        whole="purchases",
    )


BEHAVIOURS = (
    Behaviour(
        column="age_years",
        block="life_stage",
        measure="years",
        source_columns=("age_years",),
        derivation="age_years::double",
        name_en="age",
        name_zh="年龄",
        much_en="older",
        little_en="younger",
        much_zh="较年长",
        little_zh="较年轻",
    ),
    Behaviour(
        column="deposit_average_balance_3m_amount",
        block="value",
        measure="amount",
        source_columns=("deposit_average_balance_3m_amount",),
        derivation="coalesce(deposit_average_balance_3m_amount, 0)::double",
        name_en="average balance",
        name_zh="日均余额",
        much_en="high balances",
        little_en="low balances",
        much_zh="存款多",
        little_zh="存款少",
    ),
    Behaviour(
        column="inflow_3m_amount",
        block="value",
        measure="amount",
        source_columns=("inflow_3m_amount",),
        derivation="coalesce(inflow_3m_amount, 0)::double",
        name_en="inflow in 3 months",
        name_zh="近三月流入",
        much_en="high inflow",
        little_en="low inflow",
        much_zh="流入多",
        little_zh="流入少",
        whole="inflow",
    ),
    Behaviour(
        column="salary_3m_share",
        block="value",
        measure="share",
        source_columns=("salary_inflow_3m_amount", "inflow_3m_amount"),
        derivation="coalesce(salary_inflow_3m_amount::double / nullif(inflow_3m_amount::double, 0), 0)",
        name_en="salary or pension in inflow",
        name_zh="工资或养老金占流入",
        much_en="much salary or pension",
        little_en="little salary or pension",
        much_zh="工资或养老金多",
        little_zh="工资或养老金少",
        whole="inflow",
    ),
    Behaviour(
        column="purchases_3m_count",
        block="behaviour",
        measure="count",
        source_columns=("purchases_3m_count",),
        derivation="coalesce(purchases_3m_count, 0)::double",
        name_en="card purchases in 3 months",
        name_zh="近三月刷卡消费",
        much_en="many card purchases",
        little_en="few card purchases",
        much_zh="刷卡多",
        little_zh="刷卡少",
        whole="purchases",
    ),
    Behaviour(
        column="cash_3m_share",
        block="behaviour",
        measure="share",
        source_columns=("cash_3m_share",),
        derivation="coalesce(cash_3m_share, 0)::double",
        name_en="cash in outflow",
        name_zh="现金占流出",
        much_en="much cash",
        little_en="little cash",
        much_zh="多用现金",
        little_zh="少用现金",
    ),
    Behaviour(
        column="digital_contacts_3m_share",
        block="behaviour",
        measure="share",
        source_columns=(
            "web_interactions_3m_count",
            "mobile_interactions_3m_count",
            "wechat_interactions_3m_count",
            "call_centre_interactions_3m_count",
        ),
        derivation=(
            "(coalesce(web_interactions_3m_count, 0) + coalesce(mobile_interactions_3m_count, 0)"
            " + coalesce(wechat_interactions_3m_count, 0) + 0.5e0)"
            " / (coalesce(web_interactions_3m_count, 0) + coalesce(mobile_interactions_3m_count, 0)"
            " + coalesce(wechat_interactions_3m_count, 0) + coalesce(call_centre_interactions_3m_count, 0)"
            " + 1e0)"
        ),
        name_en="digital contacts in all contacts",
        name_zh="线上渠道占联系",
        much_en="more digital contacts",
        little_en="fewer digital contacts",
        much_zh="线上联系占比高",
        little_zh="线上联系占比低",
    ),
    _need("daily_needs", "daily needs in purchases", "日用占消费", "daily-needs spending", "日用消费多"),
    _need("dining", "dining in purchases", "餐饮占消费", "dining spending", "餐饮消费多"),
    _need("travel", "travel in purchases", "旅行占消费", "travel spending", "旅行消费多"),
    _need("home", "home in purchases", "家居占消费", "home spending", "家居消费多"),
    _need("health", "health in purchases", "健康占消费", "health spending", "医疗健康消费多"),
    _need(
        "education_children",
        "education and children in purchases",
        "教育育儿占消费",
        "education and children spending",
        "教育育儿消费多",
    ),
    _need("leisure", "leisure in purchases", "休闲占消费", "leisure spending", "休闲娱乐消费多"),
    _need("car", "car in purchases", "用车占消费", "car spending", "用车消费多"),
    _need("other", "other purposes in purchases", "其他占消费", "", ""),
)
RANKING_BEHAVIOUR = "inflow_3m_amount"
SOURCE_COLUMNS = (
    "customer_key",
    "customer_type",
    "transactions_3m_count",
    *dict.fromkeys(column for behaviour in BEHAVIOURS for column in behaviour.source_columns),
)


def active_persons(customer_months: pd.DataFrame, behaviours: Sequence[Behaviour] = BEHAVIOURS) -> pd.DataFrame:
    """Select whom ``fit_segments`` divides, persons with a transaction in the last three months, and their behaviours.

    Parameters
    ----------
    customer_months : DataFrame
        One month-end of ``features.customer_months``, with at least `SOURCE_COLUMNS`.
    behaviours : sequence of Behaviour

    Returns
    -------
    DataFrame
        ``customer_key`` and one float column per behaviour, in the order of the customer keys. Without an account there
        is no balance, without inflow no share of salary, without outflow no share of cash: each is 0. An unknown age,
        and the needs of those who buy nothing, stay null, which ``fit_segments`` takes as the bank's mean. What is
        known of nobody, such as the purchases of a bank without merchants, is 0 for all: ``fit_segments`` leaves it
        out as a constant, and names it in the reason.

    Raises
    ------
    InputError
        If columns are missing.
    """
    needed = ["customer_key", "customer_type", "transactions_3m_count"]
    needed += [column for behaviour in behaviours for column in behaviour.source_columns]
    needed = list(dict.fromkeys(needed))
    require_columns(customer_months, needed, "features.customer_months")
    derivations = ", ".join(f"{behaviour.derivation} as {behaviour.column}" for behaviour in behaviours)
    with duckdb.connect() as connection:
        connection.register("customer_months", customer_months[needed])
        persons = connection.sql(
            f"select customer_key, {derivations} from customer_months where {ACTIVE_PERSON} order by customer_key"
        ).df()
    unknown = [behaviour.column for behaviour in behaviours if persons[behaviour.column].isna().all()]
    return persons.assign(**dict.fromkeys(unknown, 0.0))
