//! One company's life: plans each month, then lives its days in order, then closes it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::civil::{Date, Weekday, date};

use super::books::{Books, Document};
use super::money::Settlement;
use super::profile::{Business, Profile};
use super::{FIRST_MONTH, MONTHS, closing, money, partners, payroll, trade};
use crate::chart;
use crate::ledger::{Account, Company, Invoice, InvoiceLine, Ledger, Partner, Payment};
use crate::random::Random;

/// A company in the middle of its life.
pub(super) struct Simulation {
    pub(super) profile: Profile,
    pub(super) company: Arc<str>,
    pub(super) random: Random,
    pub(super) books: Books,
    pub(super) clients: Vec<Partner>,
    pub(super) suppliers: Vec<Partner>,
    pub(super) invoices: Vec<Invoice>,
    pub(super) lines: Vec<InvoiceLine>,
    pub(super) payments: Vec<Payment>,
    /// Invoices to be settled, by the day the money moves.
    pub(super) due: BTreeMap<Date, Vec<Settlement>>,
    /// Profit of the year so far, before the month is closed.
    pub(super) year_profit: i64,
    /// Profit of the quarter so far, on which profit tax is due.
    pub(super) quarter_profit: i64,
}

/// A month of the simulation.
#[derive(Clone, Debug)]
pub(super) struct Month {
    /// Months since the first one.
    pub(super) index: i16,
    pub(super) first: Date,
    pub(super) last: Date,
    pub(super) working_days: Vec<Date>,
}

impl Month {
    fn new(index: i16) -> Self {
        let months =
            i32::from(FIRST_MONTH.0) * 12 + i32::from(FIRST_MONTH.1) - 1 + i32::from(index);
        let year = i16::try_from(months / 12).expect("the books end soon");
        let month = i8::try_from(months % 12 + 1).expect("a month number");
        let first = date(year, month, 1);
        let days = (1..=first.days_in_month()).map(|day| date(year, month, day));
        let working_days = days
            .filter(|day| !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday))
            .collect();
        Self {
            index,
            first,
            last: first.last_of_month(),
            working_days,
        }
    }

    /// The working day on or after a day of this month, or the last one.
    pub(super) fn working_day(&self, day: i8) -> Date {
        let later = self.working_days.iter().find(|date| date.day() >= day);
        *later
            .or(self.working_days.last())
            .expect("every month has working days")
    }

    pub(super) fn random_day(&self, random: &mut Random) -> Date {
        self.working_days[random.index(self.working_days.len())]
    }
}

/// What happens on a day.
pub(super) enum Event {
    Sale,
    ShopDay,
    CashToBank,
    Purchase {
        net: i64,
    },
    Expense {
        cont: &'static str,
        text: &'static str,
        net: i64,
    },
    Machine {
        net: i64,
    },
    Production {
        cost: i64,
    },
    Wages,
    Taxes,
    Dividends,
}

/// Lives the whole life of a company and adds it to the ledger.
pub(super) fn run(ledger: &mut Ledger, profile: Profile, seed: u64, number: usize) {
    let company: Arc<str> = profile.id.into();
    let mut random = Random::new(seed ^ ((number as u64 + 1) << 32));
    let tax = profile.tax_number;
    let clients = partners::make(&mut random, &company, "4111", profile.clients, tax + 100);
    let suppliers = partners::make(&mut random, &company, "401", profile.suppliers, tax + 500);
    let mut simulation = Simulation {
        books: Books::new(&company),
        profile,
        company,
        random,
        clients,
        suppliers,
        invoices: Vec::new(),
        lines: Vec::new(),
        payments: Vec::new(),
        due: BTreeMap::new(),
        year_profit: 0,
        quarter_profit: 0,
    };
    for index in 0..MONTHS {
        simulation.live(&Month::new(index));
    }
    simulation.finish(ledger);
}

impl Simulation {
    fn live(&mut self, month: &Month) {
        if month.index == 0 {
            money::found(self, month.first);
        }
        let mut plan = self.plan(month);
        for day in &month.working_days {
            for event in plan.remove(day).unwrap_or_default() {
                self.happen(event, *day, month);
            }
            money::settle_due(self, *day);
        }
        closing::close_month(self, month);
    }

    /// Distributes the month's events over its working days.
    fn plan(&mut self, month: &Month) -> BTreeMap<Date, Vec<Event>> {
        let mut plan: BTreeMap<Date, Vec<Event>> = BTreeMap::new();
        let mut add = |day: Date, event: Event| plan.entry(day).or_default().push(event);
        add(month.working_day(10), Event::Wages);
        add(month.working_day(25), Event::Taxes);
        if month.first.month() == 6 {
            add(month.working_day(15), Event::Dividends);
        }
        if month.first == date(2025, 3, 1) {
            add(
                month.working_day(12),
                Event::Machine {
                    net: self.profile.machines / 6,
                },
            );
        }
        let activity = self.activity(month);
        // Stock comes before what is sold from it.
        for (net, day) in trade::plan_purchases(self, month, activity) {
            add(day, Event::Purchase { net });
        }
        if self.profile.business == Business::Production {
            for (cost, day) in trade::plan_production(self, month, activity) {
                add(day, Event::Production { cost });
            }
        }
        for _ in 0..self.profile.invoices_per_month * activity / 100 {
            add(month.random_day(&mut self.random), Event::Sale);
        }
        for day in &month.working_days {
            if self.profile.business == Business::Trade {
                add(*day, Event::ShopDay);
            }
            if day.weekday() == Weekday::Friday {
                add(*day, Event::CashToBank);
            }
        }
        for (cont, text, net) in trade::plan_expenses(self, month) {
            add(
                month.random_day(&mut self.random),
                Event::Expense { cont, text, net },
            );
        }
        plan
    }

    /// Activity of a month against the first year's average, in percent.
    fn activity(&mut self, month: &Month) -> i64 {
        let season =
            self.profile.seasons[usize::try_from(month.first.month() - 1).expect("1 to 12")];
        let growth = 100 + i64::from(month.index) * self.profile.growth_percent_per_year / 12;
        season * growth / 100 * self.random.between(96, 104) / 100
    }

    fn happen(&mut self, event: Event, day: Date, month: &Month) {
        match event {
            Event::Sale => trade::sell(self, day),
            Event::ShopDay => trade::sell_in_shop(self, day),
            Event::CashToBank => money::bring_cash_to_bank(self, day),
            Event::Purchase { net } => trade::buy_stock(self, day, net),
            Event::Expense { cont, text, net } => trade::buy_expense(self, day, cont, text, net),
            Event::Machine { net } => trade::buy_machine(self, day, net),
            Event::Production { cost } => trade::produce(self, day, cost),
            Event::Wages => payroll::pay_wages(self, day, month),
            Event::Taxes => money::pay_taxes(self, day),
            Event::Dividends => money::pay_dividends(self, day),
        }
    }

    fn finish(self, ledger: &mut Ledger) {
        let (company, profile) = (self.company, self.profile);
        ledger.companies.push(Company {
            id: company.clone(),
            name: profile.name.to_owned(),
            tax_id: partners::tax_id(profile.tax_number),
            currency: "RON".to_owned(),
        });
        let partners: Vec<Partner> = self.clients.into_iter().chain(self.suppliers).collect();
        let synthetic = self
            .books
            .accounts()
            .filter_map(|cont| cont.split_once('.'));
        let synthetic: BTreeSet<Arc<str>> = synthetic.map(|(above, _)| above.into()).collect();
        let all: BTreeSet<&Arc<str>> = self.books.accounts().chain(&synthetic).collect();
        for cont in all {
            let partner = partners.iter().find(|partner| partner.cont == *cont);
            ledger.accounts.push(Account {
                company: company.clone(),
                cont: cont.clone(),
                denumire: match partner {
                    // Somebody opened these accounts in a hurry.
                    Some(partner) if partner.cont.ends_with("0031") => None,
                    Some(partner) => Some(partner.name.clone()),
                    None => account_name(cont),
                },
            });
        }
        ledger.partners.extend(partners);
        ledger.invoices.extend(self.invoices);
        ledger.invoice_lines.extend(self.lines);
        ledger.payments.extend(self.payments);
        ledger.postings.extend(self.books.into_postings());
    }
}

fn account_name(cont: &str) -> Option<String> {
    match cont.split_once('.') {
        Some(("5121", "01")) => Some("Banca Transilvania – cont curent".to_owned()),
        Some(("5121", "02")) => Some("BRD – cont curent".to_owned()),
        Some((synthetic, _)) => chart::name(synthetic).map(str::to_owned),
        None => chart::name(cont).map(str::to_owned),
    }
}

/// A note that is not an invoice or a payment.
pub(super) fn note(books: &mut Books, on: Date, text: &str) -> Document {
    Document::new(books.number("NC"), on, text)
}
