"""The codes of the contracts as small integers: arrays hold positions in these lists, drops turn them into text.

Belongs here: lists of codes and names of ledger rules. Does not belong here: how often a code occurs.
"""

from enum import IntEnum


class Channel(IntEnum):
    """System that books a posting."""

    COUNTER = 0
    CARD = 1
    POS = 2
    ATM = 3


class Type(IntEnum):
    """What a posting is; names in lower case are the contracts' codes."""

    DEPOSIT = 0
    WITHDRAWAL = 1
    TRANSFER_IN = 2
    TRANSFER_OUT = 3
    INTEREST = 4
    FEE = 5
    PENALTY_INTEREST = 6
    PURCHASE = 7
    REFUND = 8
    CASH_ADVANCE = 9
    PAYMENT = 10


class Purpose(IntEnum):
    """What a counter posting is for; ``NONE`` is written as nothing."""

    NONE = 0
    SALARY = 1
    PENSION = 2
    RENT = 3
    HOUSEHOLD = 4
    INSURANCE = 5
    LOAN_INSTALMENT = 6
    CARD_PAYMENT = 7
    SUPPLIER = 8
    SALES = 9
    TAX = 10
    DIVIDEND = 11
    STATEMENT_FEE = 12
    INTEREST = 13
    PENALTY_INTEREST = 14
    SAVINGS = 15
    OTHER = 16


NARRATIVES = {
    Purpose.NONE: None,
    Purpose.SALARY: "工资",
    Purpose.PENSION: "养老金",
    Purpose.RENT: "房租",
    Purpose.HOUSEHOLD: "水电煤气",
    Purpose.INSURANCE: "保险费",
    Purpose.LOAN_INSTALMENT: "贷款还款",
    Purpose.CARD_PAYMENT: "信用卡还款",
    Purpose.SUPPLIER: "货款支付",
    Purpose.SALES: "货款收入",
    Purpose.TAX: "税款",
    Purpose.DIVIDEND: "分红",
    Purpose.STATEMENT_FEE: "账户管理费",
    Purpose.INTEREST: "结息",
    Purpose.PENALTY_INTEREST: "透支罚息",
    Purpose.SAVINGS: "储蓄转账",
    Purpose.OTHER: "转账",
}


class Rule(IntEnum):
    """How the ledger treats a posting: see `ledger.post`."""

    IF_COVERED = 0
    FORCED = 1
    LOAN = 2
    FEE_IF_DECLINED = 3
    SWEEP = 4


class Product(IntEnum):
    """Products that are accounts; names in lower case are the product codes."""

    CURRENT_ACCOUNT = 0
    SAVINGS_ACCOUNT = 1
    TIME_DEPOSIT = 2
    CREDIT_CARD_ACCOUNT = 3


class LoanProduct(IntEnum):
    """Products that are loans."""

    CONSUMER_LOAN = 0
    MORTGAGE = 1
    WORKING_CAPITAL_LOAN = 2


class LoanStatus(IntEnum):
    """State of a loan in the loan system."""

    RUNNING = 0
    RUNNING_IN_DEBT = 1
    FINISHED = 2
    WRITTEN_OFF = 3


class Segment(IntEnum):
    """Planted segment of a customer; companies have one of their own."""

    STUDENT = 0
    YOUNG_PROFESSIONAL = 1
    FAMILY = 2
    AFFLUENT = 3
    RETIRED = 4
    SELF_EMPLOYED = 5
    COMPANY = 6
