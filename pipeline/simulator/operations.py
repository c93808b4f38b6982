"""The simulated bank: month after month, what happens, and the dropping of all feeds.

Belongs here: the order of events within a month, the general ledger, the truth that is kept apart. Does not belong
here: any behaviour, and the directories of a simulation (bank).
"""

import numpy as np
import pyarrow as pa

from pipeline.simulator import (
    accounts,
    attrition,
    chains,
    contacts,
    lending,
    organisation,
    ownership,
    parties,
    payments,
    spending,
)
from pipeline.simulator.attrition import Engagement
from pipeline.simulator.codes import LoanStatus, Product
from pipeline.simulator.drops import Dropper
from pipeline.simulator.ledger import PostingList, Postings, daily_turnover, post, seconds_of_life
from pipeline.simulator.months import NEVER, Month
from pipeline.simulator.randomness import stream
from pipeline.simulator.stress import Episodes, Stress, begin_episodes, is_in_trouble, stress_of
from pipeline.simulator.text import dates, list_text, money
from pipeline.simulator.truth import planted

LEDGER_ACCOUNTS = (("1310", "贷款"), ("1320", "信用卡透支"), ("2010", "客户存款"))


class Bank:
    """The state of the bank between months."""

    def __init__(self, customer_count: int, seed: int, first_month: Month, dropper: Dropper) -> None:
        """Found the bank as it is on the eve of its first simulated day."""
        self._seed = seed
        self._initial_count = customer_count
        self._dropper = dropper
        self._customers = parties.initial_customers(customer_count, organisation.BRANCH_COUNT, seed, first_month)
        self._book = accounts.empty_book()
        accounts.equip(self._book, self._customers, 0, False, seed, first_month)
        self._facilities = lending.found_facilities(self._customers, 0, seed, first_month)
        self._loans = lending.found_loans(self._customers, self._book, self._facilities, seed, first_month)
        self._ties = ownership.tie_parties(self._customers, self._facilities, seed, first_month)
        self._merchants = organisation.found_merchants(self._customers, seed)
        self._managers, self._assignments = organisation.hire_managers(self._customers, seed, first_month)
        self._companies = np.flatnonzero(self._customers.is_company)
        none = np.zeros(0, dtype=np.int64)
        self._episodes = Episodes(none, none, none, none)
        self._departures = attrition.no_departures()
        self._chain_starts = chains.no_starts()
        self._chain_steps = chains.no_steps()
        self._campaigns = contacts.Campaigns(none, none, none, none)
        self._responses = contacts.Responses(
            none, none, none.astype(bool), none, none, none.astype(float), none.astype(float)
        )

    def live(self, month: Month) -> None:
        """Let a month happen and drop its files."""
        self._drop_first_day(month)
        changes: dict[str, list[pa.Table]] = {"customers": [], "accounts": [], "cards": [], "loans": []}
        if month.index == 0:
            self._report_what_stands(changes, month)
        accounts_before, cards_before = len(self._book.accounts), len(self._book.cards)
        self._begin_departures(month)
        closed_accounts = self._change_customers(changes, month)
        # contacts of the month are with the managers of its first day
        manager = organisation.manager_of(self._assignments, len(self._customers))
        first_new = self._welcome(changes, month)
        manager = np.append(manager, np.full(len(self._customers) - first_new, -1))
        engagement = attrition.engagement_of(self._departures, len(self._customers), self._seed, month)
        may_fail = self._has_running_loan()
        may_fail &= ~attrition.has_decided(self._departures, len(self._customers), month)
        begin_episodes(self._episodes, may_fail, self._customers, self._seed, month)
        stress = stress_of(self._episodes, self._customers, self._seed, month)
        opened_savings = self._sell(engagement, month)
        self._report_opened(changes, accounts_before, cards_before)

        opening = self._ledger_balances()
        booked, balance_after, due, granted = self._post(
            month, stress, engagement, first_new, closed_accounts, opened_savings
        )
        events = self._settle_loans(changes, due, booked, granted, month)

        self._dropper.drop_postings(month, booked, balance_after)
        self._dropper.drop_days("loan_repayments", month, lending.repayment_rows(events, month))
        self._dropper.drop_days("gl_balances", month, self._ledger_rows(month, opening, booked, granted, events))
        for feed, tables in changes.items():
            self._dropper.drop_changes(feed, month, pa.concat_tables(tables))
        interactions = contacts.interact(
            self._customers, stress, engagement, manager, self._campaigns, self._responses, self._seed, month
        )
        self._dropper.drop_days("interactions", month, contacts.interaction_rows(interactions, month))
        self._drop_last_day(month, stress, engagement)

    def truth(self) -> dict[str, pa.Table]:
        """Return what was planted, by name of the truth table."""
        return planted(
            self._customers,
            self._book,
            self._episodes,
            self._departures,
            self._chain_starts,
            self._ties,
            self._responses,
        )

    def _drop_first_day(self, month: Month) -> None:
        contacts.start_campaign(self._campaigns, month)
        for feed, rows in (
            ("branches", organisation.branch_rows(month)),
            ("merchants", organisation.merchant_rows(self._merchants, month)),
            ("managers", organisation.manager_rows(self._managers, month)),
            ("manager_assignments", organisation.assignment_rows(self._assignments, month)),
            ("campaigns", contacts.campaign_rows(self._campaigns, month)),
        ):
            self._dropper.drop_snapshot(feed, month.first, rows)

    def _drop_last_day(self, month: Month, stress: Stress, engagement: Engagement) -> None:
        ties, customers = self._ties, self._customers
        for feed, rows in (
            ("facilities", lending.facility_rows(self._facilities, self._loans, customers, month)),
            ("collateral", lending.collateral_rows(self._facilities, self._loans, month)),
            ("guarantees", ownership.guarantee_rows(ties.guarantees, month)),
            ("shareholdings", ownership.shareholding_rows(ties.holdings, customers, month)),
            ("board_seats", ownership.seat_rows(ties.seats, month)),
            ("kinships", ownership.kinship_rows(ties.kinships, month)),
            ("invoices", ownership.invoice_rows(ties.trade, customers, stress.income_factor, self._seed, month)),
            ("campaign_responses", contacts.response_rows(self._responses, month)),
            ("surveys", contacts.survey_rows(customers, stress, engagement, self._seed, month)),
        ):
            self._dropper.drop_snapshot(feed, month.last, rows)

    def _report_what_stands(self, changes: dict[str, list[pa.Table]], month: Month) -> None:
        """Report all customers, accounts, cards and loans as they are on the first date."""
        count = len(self._customers)
        first_day = np.full(max(count, len(self._book.accounts), len(self._book.cards)), month.first_day)
        self._report_customers(changes, np.arange(count), first_day[:count], False)
        accounts_there = np.arange(len(self._book.accounts))
        cards_there = np.arange(len(self._book.cards))
        changes["accounts"].append(accounts.account_rows(self._book, accounts_there, first_day[: len(accounts_there)]))
        changes["cards"].append(accounts.card_rows(self._book, cards_there, first_day[: len(cards_there)]))
        loans_there = np.arange(len(self._loans))
        self._report_loans(changes, loans_there, np.full(len(loans_there), month.first_day), self._loans.status)

    def _begin_departures(self, month: Month) -> None:
        """Let persons decide to leave who are with the bank and not in trouble."""
        customers, borrows = self._customers, self._has_running_loan()
        in_trouble = is_in_trouble(self._episodes, len(customers), month)
        may_begin = (customers.closed_day == NEVER) & ~in_trouble
        products = (self._book.savings_of >= 0).astype(int) + (self._book.card_account_of >= 0) + borrows
        attrition.begin_departures(
            self._departures, customers, may_begin, self._may_leave(), borrows, products, self._seed, month
        )

    def _change_customers(self, changes: dict[str, list[pa.Table]], month: Month) -> np.ndarray:
        """Let customers move and leave; return the accounts that close."""
        may_leave = self._may_leave()
        departing = attrition.close_departed(self._departures, may_leave, month)
        # whoever has a reason to leave does not also leave out of the blue
        may_leave[self._departures.customer] = False
        happened = parties.change_customers(self._customers, may_leave, departing, self._seed, month)
        self._report_customers(changes, happened.moved, happened.moved_day, False)
        self._report_customers(changes, happened.closed, happened.closed_day, True)
        closed_accounts, closed_cards = accounts.close_relations(self._book, happened.closed, happened.closed_day)
        account_day, card_day = self._book.accounts.closed_day, self._book.cards.closed_day
        changes["accounts"].append(accounts.account_rows(self._book, closed_accounts, account_day[closed_accounts]))
        changes["cards"].append(accounts.card_rows(self._book, closed_cards, card_day[closed_cards]))
        organisation.end_assignments(self._assignments, happened.closed, happened.closed_day, len(self._customers))
        return closed_accounts

    def _welcome(self, changes: dict[str, list[pa.Table]], month: Month) -> int:
        """Take in the month's new customers with their accounts and managers; return the number of the first."""
        first_new = len(self._customers)
        self._customers.append(parties.new_customers(self._initial_count, organisation.BRANCH_COUNT, self._seed, month))
        accounts.equip(self._book, self._customers, first_new, True, self._seed, month)
        organisation.hand_over(self._managers, self._assignments, self._customers, first_new, self._seed, month)
        new = np.arange(first_new, len(self._customers))
        self._report_customers(changes, new, self._customers.since_day[new], False)
        return first_new

    def _report_customers(
        self, changes: dict[str, list[pa.Table]], index: np.ndarray, day: np.ndarray, is_closed: bool
    ) -> None:
        rows = parties.customer_rows(self._customers, index, day, np.full(len(index), is_closed))
        changes["customers"].append(rows)

    def _report_opened(self, changes: dict[str, list[pa.Table]], accounts_before: int, cards_before: int) -> None:
        """Report the accounts and cards opened in the month."""
        opened = np.arange(accounts_before, len(self._book.accounts))
        issued = np.arange(cards_before, len(self._book.cards))
        opened_day, issued_day = self._book.accounts.opened_day[opened], self._book.cards.issued_day[issued]
        changes["accounts"].append(accounts.account_rows(self._book, opened, opened_day))
        changes["cards"].append(accounts.card_rows(self._book, issued, issued_day))

    def _report_loans(
        self, changes: dict[str, list[pa.Table]], number: np.ndarray, day: np.ndarray, status: np.ndarray
    ) -> None:
        changes["loans"].append(lending.loan_rows(self._loans, self._customers, number, day, status))

    def _settle_loans(
        self,
        changes: dict[str, list[pa.Table]],
        due: lending.DueInstalments,
        booked: Postings,
        granted: np.ndarray,
        month: Month,
    ) -> lending.LoanEvents:
        """Apply the month's payments to the loans, report grants and changes of state, return the loan events."""
        running = np.full(len(granted), LoanStatus.RUNNING)
        self._report_loans(changes, granted, self._loans.granted_day[granted], running)
        events = lending.settle(self._loans, due, booked, month)
        changed, changed_day = lending.change_status(self._loans, events, month)
        self._report_loans(changes, changed, changed_day, self._loans.status[changed])
        return events

    def _has_running_loan(self) -> np.ndarray:
        borrows = np.zeros(len(self._customers), dtype=bool)
        borrows[self._loans.customer[self._loans.status <= LoanStatus.RUNNING_IN_DEBT]] = True
        return borrows

    def _owes(self) -> np.ndarray:
        """Mask of the customers with a loan that is not paid back, written off ones included."""
        owes = np.zeros(len(self._customers), dtype=bool)
        owes[self._loans.customer[self._loans.status != LoanStatus.FINISHED]] = True
        return owes

    def _may_leave(self) -> np.ndarray:
        """Mask of the persons who owe nothing."""
        return ~self._customers.is_company & ~self._owes() & (self._book.card_account_of < 0)

    def _sell(self, engagement: Engagement, month: Month) -> np.ndarray:
        """Open what customers take up, asked by a campaign or not; return the new savings accounts."""
        generator = stream(self._seed, "sales", month.index)
        before = len(self._book.accounts)
        takers, days, product = contacts.run_campaign(
            self._campaigns, self._responses, self._customers, self._book, engagement, self._seed, month
        )
        if product == "credit_card":
            accounts.open_credit_cards(self._book, self._customers, takers, days, np.zeros(len(takers)), generator)
        elif product == "savings_account":
            nothing = np.zeros(len(takers))
            accounts.open_deposits(
                self._book, self._customers, takers, Product.SAVINGS_ACCOUNT, days, nothing, generator
            )
        takers, days = contacts.take_up_savings(self._customers, self._book, engagement, self._seed, month)
        accounts.open_deposits(
            self._book, self._customers, takers, Product.SAVINGS_ACCOUNT, days, np.zeros(len(takers)), generator
        )
        opened = np.arange(before, len(self._book.accounts))
        return opened[self._book.accounts.product[opened] == Product.SAVINGS_ACCOUNT]

    def _post(
        self,
        month: Month,
        stress: Stress,
        engagement: Engagement,
        first_new: int,
        closed_accounts: np.ndarray,
        opened_savings: np.ndarray,
    ) -> tuple[Postings, np.ndarray, lending.DueInstalments, np.ndarray]:
        """Make and book the month's postings; return them, the balances after, what fell due and what was granted."""
        customers, book, loans, seed = self._customers, self._book, self._loans, self._seed
        wanted = PostingList(*seconds_of_life(book.accounts.opened_day, book.accounts.closed_day, month.first_day))
        payments.first_deposits(wanted, customers, book, first_new, seed, month)
        payments.pay_persons(wanted, customers, book, stress, engagement, self._companies, seed, month)
        payments.pay_companies(wanted, customers, book, stress, seed, month)
        payments.pay_cards(wanted, customers, book, stress, engagement, seed, month)
        payments.move_out(wanted, customers, book, engagement, seed, month)
        payments.charge_extra_fees(wanted, book, engagement, seed, month)
        payments.fill_new_savings(wanted, book, opened_savings, month)
        payments.charge_and_credit(wanted, book, month)
        payments.credit_savings(wanted, book, month)
        spending.buy(wanted, customers, book, stress, engagement, seed, month)
        spending.follow_chains(wanted, customers, book, self._chain_steps_of(engagement, month), seed, month)
        spending.use_machines(wanted, customers, book, stress, engagement, seed, month)
        spending.use_credit_lines(wanted, customers, book, stress, engagement, seed, month)
        due = lending.fall_due(loans, month)
        owed = lending.attempt_payments(wanted, loans, due, stress, seed, month)
        lending.send_instalments(wanted, loans, owed, book, engagement, seed, month)
        lending.prepay(wanted, loans, due, engagement, seed, month)
        lending.help_those_who_cure(wanted, loans, stress, seed, month)
        granted = lending.grant_loans(
            loans, customers, book, self._facilities, self._may_borrow(stress, engagement, month), seed, month
        )
        lending.disburse(wanted, loans, granted, month)
        payments.sweep_closing(wanted, book, closed_accounts, month)

        everything = wanted.collect()
        is_current = book.accounts.product[everything.account] == Product.CURRENT_ACCOUNT
        booked, after = post(everything.take(is_current), book.accounts.balance, book.floor, owed)
        # what current accounts paid to savings and cards arrives there, between those accounts' own postings
        wanted.add_again(everything.take(~is_current))
        payments.linked_credits(wanted, book, booked)
        others, others_after = post(wanted.collect(), book.accounts.balance, book.floor, owed)
        booked.append(others)
        return booked, np.concatenate([after, others_after]), due, granted

    def _chain_steps_of(self, engagement: Engagement, month: Month) -> chains.Steps:
        """Let chains of purchases begin and go on; return the steps of the month."""
        chains.begin_chains(self._chain_starts, self._chain_steps, self._customers, engagement, self._seed, month)
        due, self._chain_steps = chains.take_due_steps(self._chain_steps, engagement, month)
        return due

    def _may_borrow(self, stress: Stress, engagement: Engagement, month: Month) -> np.ndarray:
        customers = self._customers
        is_calm = ~(stress.is_strained | stress.is_missing | stress.is_curing | engagement.is_leaving)
        return ~self._owes() & is_calm & (customers.since_day < month.first_day) & (customers.closed_day == NEVER)

    def _ledger_balances(self) -> np.ndarray:
        """Return the balances of LEDGER_ACCOUNTS in cents, each on its own side."""
        is_deposit = self._book.is_deposit()
        balance = self._book.accounts.balance
        return np.array([self._loans.outstanding.sum(), -balance[~is_deposit].sum(), balance[is_deposit].sum()])

    def _ledger_rows(
        self, month: Month, opening: np.ndarray, booked: Postings, granted: np.ndarray, events: lending.LoanEvents
    ) -> pa.Table:
        """Return the feed ``gl_balances`` of a month: turnovers and closing balances of each day."""
        is_deposit = self._book.is_deposit()[booked.account]
        grants, repaid = np.zeros(month.days, dtype=np.int64), np.zeros(month.days, dtype=np.int64)
        np.add.at(grants, self._loans.granted_day[granted] - month.first_day, self._loans.principal[granted])
        is_paid = events.event != lending.INSTALMENT_DUE
        np.add.at(repaid, events.day[is_paid] - month.first_day, events.principal[is_paid])
        card_debits, card_credits = daily_turnover(booked.take(~is_deposit), month.days)
        deposit_debits, deposit_credits = daily_turnover(booked.take(is_deposit), month.days)
        debits = np.column_stack([grants, card_debits, deposit_debits])
        credits = np.column_stack([repaid, card_credits, deposit_credits])
        growth = np.cumsum((debits - credits) * np.array([1, 1, -1]), axis=0)
        count = len(LEDGER_ACCOUNTS)
        day = dates(np.repeat(np.arange(month.days) + month.first_day, count))
        number = np.tile(np.arange(count), month.days)
        return pa.table(
            {
                "file_date": day,
                "balance_date": day,
                "gl_account_code": list_text([account[0] for account in LEDGER_ACCOUNTS], number),
                "gl_account_name": list_text([account[1] for account in LEDGER_ACCOUNTS], number),
                "currency_code": list_text(["CNY"], number * 0),
                "debit_turnover_amount": money(debits.ravel()),
                "credit_turnover_amount": money(credits.ravel()),
                "balance_amount": money((opening + growth).ravel()),
            }
        )
