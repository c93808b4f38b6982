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
        The words for it, and for much and little of it; empty where that is not worth a name.
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
        little_en="young",
        much_zh="年长",
        little_zh="年轻",
    ),
    Behaviour(
        column="deposit_average_balance_3m_amount",
        block="value",
        measure="amount",
        source_columns=("deposit_average_balance_3m_amount",),
        derivation="coalesce(deposit_average_balance_3m_amount, 0)::double",
        name_en="average balance",
        name_zh="日均余额",
        much_en="wealthy",
        little_en="little saved",
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
        much_en="high income",
        little_en="low income",
        much_zh="收入高",
        little_zh="收入低",
    ),
    Behaviour(
        column="salary_3m_share",
        block="value",
        measure="share",
        source_columns=("salary_inflow_3m_amount", "inflow_3m_amount"),
        derivation="coalesce(salary_inflow_3m_amount::double / nullif(inflow_3m_amount::double, 0), 0)",
        name_en="salary or pension in inflow",
        name_zh="工资或养老金占流入",
        much_en="regular income",
        little_en="no regular income",
        much_zh="收入固定",
        little_zh="无固定收入",
    ),
    Behaviour(
        column="purchases_3m_count",
        block="behaviour",
        measure="count",
        source_columns=("purchases_3m_count",),
        derivation="coalesce(purchases_3m_count, 0)::double",
        name_en="card purchases in 3 months",
        name_zh="近三月刷卡消费",
        much_en="frequent card users",
        little_en="rare card users",
        much_zh="常刷卡",
        little_zh="少刷卡",
    ),
    Behaviour(
        column="cash_3m_share",
        block="behaviour",
        measure="share",
        source_columns=("cash_3m_share",),
        derivation="coalesce(cash_3m_share, 0)::double",
        name_en="cash in outflow",
        name_zh="现金占流出",
        much_en="cash users",
        little_en="cashless",
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
        much_en="online",
        little_en="by phone",
        much_zh="偏好线上",
        little_zh="偏好电话",
    ),
    _need("daily_needs", "daily needs in purchases", "日用占消费", "daily shopping", "日常购物"),
    _need("dining", "dining in purchases", "餐饮占消费", "eating out", "常外出就餐"),
    _need("travel", "travel in purchases", "旅行占消费", "travellers", "爱旅行"),
    _need("home", "home in purchases", "家居占消费", "home spending", "家居消费"),
    _need("health", "health in purchases", "健康占消费", "health spending", "医疗健康消费"),
    _need(
        "education_children", "education and children in purchases", "教育育儿占消费", "family spending", "教育育儿消费"
    ),
    _need("leisure", "leisure in purchases", "休闲占消费", "leisure spending", "休闲娱乐消费"),
    _need("car", "car in purchases", "用车占消费", "car owners", "有车"),
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
        out as a constant.

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
