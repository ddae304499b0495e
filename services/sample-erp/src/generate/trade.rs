//! Buying, making and selling.

use std::sync::Arc;

use jiff::ToSpan;
use jiff::civil::{Date, date};

use super::books::{Document, lei};
use super::money::Settlement;
use super::profile::Business;
use super::simulation::{Month, Simulation, note};
use crate::ledger::{Direction, Invoice, InvoiceLine, Partner};

/// Cost of what is sold, in percent of its price.
const GOODS_COST: i64 = 76;
const PRODUCT_COST: i64 = 58;
/// Raw material in the cost of a product, in percent.
const MATERIAL_SHARE: i64 = 72;

/// The standard VAT rate in percent: 19, and 21 from August 2025 (Legea 141/2025).
pub(super) fn vat_rate(on: Date) -> i64 {
    if on < date(2025, 8, 1) { 19 } else { 21 }
}

/// VAT on an amount, rounded to the nearest ban.
fn vat(net: i64, on: Date) -> i64 {
    (net * vat_rate(on) + 50) / 100
}

/// Expected sales of a month at a given activity.
fn expected_sales(simulation: &Simulation, activity: i64) -> i64 {
    let (low, high) = simulation.profile.line;
    // 2.5 lines per invoice on average; the shop adds a tenth.
    let invoices = simulation.profile.invoices_per_month * activity / 100;
    let shop = if simulation.profile.business == Business::Trade {
        110
    } else {
        100
    };
    (low + high) / 2 * 5 / 2 * invoices / 100 * shop
}

/// Purchases that bring the stock to what the month needs, with days in the first three weeks.
pub(super) fn plan_purchases(
    simulation: &mut Simulation,
    month: &Month,
    activity: i64,
) -> Vec<(i64, Date)> {
    let sales = expected_sales(simulation, activity);
    let (need, stock) = match simulation.profile.business {
        Business::Trade => (sales / 100 * GOODS_COST, at_cost(simulation)),
        Business::Production => (
            sales / 100 * PRODUCT_COST / 100 * MATERIAL_SHARE,
            simulation.books.balance("301"),
        ),
        Business::Services => return Vec::new(),
    };
    let count = simulation.profile.purchases_per_month;
    // One and a half month's need at the end keeps the shelves full through the next busy month.
    let total = (need * 5 / 2 - stock).max(need / 4);
    let opening = month.index == 0;
    let mut plan = Vec::new();
    for _ in 0..count {
        let net = total / count * simulation.random.between(60, 140) / 100;
        let day = if opening || simulation.random.chance(40) {
            month.working_day(1)
        } else {
            month.working_day(i8::try_from(simulation.random.between(2, 20)).expect("a day"))
        };
        plan.push((net, day));
    }
    plan
}

/// Goods on stock at what they cost: 371 is kept at sale prices, 378 holds the difference.
fn at_cost(simulation: &Simulation) -> i64 {
    simulation.books.balance("371") + simulation.books.balance("378")
}

/// What production turns out on each working day.
pub(super) fn plan_production(
    simulation: &mut Simulation,
    month: &Month,
    activity: i64,
) -> Vec<(i64, Date)> {
    let need = expected_sales(simulation, activity) / 100 * PRODUCT_COST;
    let total = (need * 2 - simulation.books.balance("345")).max(need / 3);
    let mut plan = Vec::new();
    let days = i64::try_from(month.working_days.len()).expect("few days");
    for (number, day) in month.working_days.iter().enumerate() {
        // The first day also brings what was finished before, so that nothing is sold unmade.
        let share = if number == 0 {
            total / 2
        } else {
            total / 2 / (days - 1)
        };
        plan.push((share * simulation.random.between(92, 108) / 100, *day));
    }
    plan
}

/// Costs that come every month.
pub(super) fn plan_expenses(
    simulation: &mut Simulation,
    month: &Month,
) -> Vec<(&'static str, &'static str, i64)> {
    let rent = simulation.profile.rent;
    let people = simulation.profile.employees;
    let winter = if matches!(month.first.month(), 11 | 12 | 1..=3) {
        160
    } else {
        100
    };
    let mut plan = vec![
        ("612", "Chirie", rent),
        ("605", "Energie electrică", people * 21_000 * winter / 100),
        ("605", "Gaze naturale", people * 9_000 * winter / 100),
        ("605", "Apă și canalizare", people * 2_500),
        ("626", "Telefonie și internet", 95_000 + people * 3_500),
        ("628", "Servicii contabile și juridice", 650_000),
        ("628", "Pază și curățenie", 180_000 + people * 4_000),
        ("611", "Reparații și întreținere", people * 6_500),
        ("604", "Consumabile birou", people * 5_200),
        (
            "624",
            "Transport",
            simulation.profile.invoices_per_month * 9_000,
        ),
    ];
    if month.first.month() % 3 == 0 {
        plan.push(("613", "Asigurări", simulation.profile.machines / 400));
        plan.push(("6458", "Tichete cadou", people * 20_000));
    }
    if simulation.profile.business == Business::Services {
        for _ in 0..simulation.profile.purchases_per_month {
            plan.push((
                "628",
                "Subcontractare dezvoltare",
                simulation.random.between(1_600_000, 4_200_000),
            ));
        }
    }
    for (_, _, net) in &mut plan {
        *net = *net * simulation.random.between(93, 107) / 100;
    }
    plan
}

/// One invoice to a client, with the cost of what was sold.
pub(super) fn sell(simulation: &mut Simulation, day: Date) {
    // Early clients are the big ones: the smaller of two draws.
    let clients = simulation.clients.len();
    let client = simulation
        .random
        .index(clients)
        .min(simulation.random.index(clients));
    let partner = simulation.clients[client].clone();
    let number = simulation.books.number(simulation.profile.series);
    let term = 10 + i64::try_from(client * 7 % 36).expect("small");
    let (net, vat) = invoice(
        simulation,
        &number,
        Direction::Issued,
        &partner,
        day,
        term,
        None,
    );
    let document = Document::new(
        number.clone(),
        day,
        format!("Factura {number} {}", partner.name),
    )
    .debit(&partner.cont, net + vat)
    .credit(revenue_account(simulation.profile.business), net)
    .credit("4427", vat);
    let document = issue_stock(simulation.profile.business, document, net);
    simulation.books.post(document);
    let slow = if simulation.random.chance(4) {
        simulation.random.between(60, 190)
    } else {
        0
    };
    let delay = term + simulation.random.between(-4, 14) + slow;
    let settlement = Settlement {
        invoice: number,
        direction: Direction::Issued,
        partner: partner.cont,
        amount: net + vat,
    };
    simulation.promise(day, delay, settlement);
}

fn revenue_account(business: Business) -> &'static str {
    match business {
        Business::Trade => "707",
        Business::Production => "7015",
        Business::Services => "704",
    }
}

/// Takes what was sold off the stock.
fn issue_stock(business: Business, document: Document, net: i64) -> Document {
    match business {
        Business::Trade => {
            let cost = net * GOODS_COST / 100;
            document
                .debit("607", cost)
                .debit("378", net - cost)
                .credit("371", net)
        }
        Business::Production => {
            let cost = net * PRODUCT_COST / 100;
            document.debit("711", cost).credit("345", cost)
        }
        Business::Services => document,
    }
}

/// A day's sales over the counter, paid in cash.
pub(super) fn sell_in_shop(simulation: &mut Simulation, day: Date) {
    let (low, high) = simulation.profile.line;
    let net = simulation.random.between(low * 3, high * 3);
    let vat = vat(net, day);
    let number = simulation.books.number("Z");
    let document = Document::new(number, day, "Raport fiscal de închidere zilnică")
        .debit("5311", net + vat)
        .credit("707", net)
        .credit("4427", vat);
    simulation
        .books
        .post(issue_stock(Business::Trade, document, net));
}

/// Goods or raw material from a supplier.
pub(super) fn buy_stock(simulation: &mut Simulation, day: Date, net: i64) {
    let (net, vat, number, partner) = receive(simulation, day, "Marfă", net);
    let mut document = Document::new(
        number.clone(),
        day,
        format!("NIR {number} {}", partner.name),
    );
    if simulation.profile.business == Business::Trade {
        let margin = net * (100 - GOODS_COST) / GOODS_COST;
        document = document.debit("371", net + margin).credit("378", margin);
    } else {
        document = document.debit("301", net);
    }
    simulation
        .books
        .post(document.debit("4426", vat).credit(&partner.cont, net + vat));
}

/// Anything used up at once.
pub(super) fn buy_expense(
    simulation: &mut Simulation,
    day: Date,
    cont: &str,
    text: &'static str,
    net: i64,
) {
    let (net, vat, number, partner) = receive(simulation, day, text, net);
    let document = Document::new(number, day, format!("{text} {}", partner.name))
        .debit(cont, net)
        .debit("4426", vat)
        .credit(&partner.cont, net + vat);
    simulation.books.post(document);
}

/// Invoice and later payment of a purchase.
fn receive(
    simulation: &mut Simulation,
    day: Date,
    what: &'static str,
    net: i64,
) -> (i64, i64, Arc<str>, Partner) {
    let supplier = simulation.random.index(simulation.suppliers.len());
    let partner = simulation.suppliers[supplier].clone();
    let number = simulation.books.number("FF");
    let term = 15 + i64::try_from(supplier * 5 % 31).expect("small");
    let (net, vat) = invoice(
        simulation,
        &number,
        Direction::Received,
        &partner,
        day,
        term,
        Some((what, net)),
    );
    let settlement = Settlement {
        invoice: number.clone(),
        direction: Direction::Received,
        partner: partner.cont.clone(),
        amount: net + vat,
    };
    let delay = term + simulation.random.between(0, 6);
    simulation.promise(day, delay, settlement);
    (net, vat, number, partner)
}

/// A machine on credit of its supplier, paid a month later with the taxes.
pub(super) fn buy_machine(simulation: &mut Simulation, day: Date, net: i64) {
    let vat = vat(net, day);
    let document = note(&mut simulation.books, day, "Achiziție utilaj")
        .debit("213", net)
        .debit("4426", vat)
        .credit("404", net + vat);
    simulation.books.post(document);
}

/// A day's production: material in, products out.
pub(super) fn produce(simulation: &mut Simulation, day: Date, cost: i64) {
    let material = (cost / 100 * MATERIAL_SHARE).min(simulation.books.balance("301"));
    let consumption = Document::new(
        simulation.books.number("BC"),
        day,
        "Bon de consum materii prime",
    )
    .debit("601", material)
    .credit("301", material);
    simulation.books.post(consumption);
    let output = Document::new(
        simulation.books.number("NP"),
        day,
        "Notă de predare produse finite",
    )
    .debit("345", cost)
    .credit("711", cost);
    simulation.books.post(output);
}

/// Writes an invoice and its lines; a purchase has one line of a given amount.
fn invoice(
    simulation: &mut Simulation,
    number: &Arc<str>,
    direction: Direction,
    partner: &Partner,
    day: Date,
    term: i64,
    purchase: Option<(&'static str, i64)>,
) -> (i64, i64) {
    let rate = vat_rate(day);
    let count = if purchase.is_some() {
        1
    } else {
        simulation.random.between(1, 4)
    };
    let (mut net, mut vat_sum) = (0, 0);
    for line in 1..=count {
        let (description, quantity, price) = match purchase {
            Some((what, net)) => (what, 1, net),
            None => {
                let (low, high) = simulation.profile.line;
                let quantity = simulation.random.between(1, 12);
                let goods = simulation.profile.goods;
                (
                    goods[simulation.random.index(goods.len())],
                    quantity,
                    simulation.random.between(low, high) / quantity,
                )
            }
        };
        let amount = quantity * price;
        let line_vat = vat(amount, day);
        net += amount;
        vat_sum += line_vat;
        simulation.lines.push(InvoiceLine {
            company: simulation.company.clone(),
            invoice: number.clone(),
            line: i32::try_from(line).expect("few lines"),
            description: description.into(),
            quantity: i32::try_from(quantity).expect("small"),
            unit_price: lei(price),
            vat_rate: i32::try_from(rate).expect("a percentage"),
            net: lei(amount),
            vat: lei(line_vat),
        });
    }
    simulation.invoices.push(Invoice {
        company: simulation.company.clone(),
        number: number.clone(),
        direction,
        partner: partner.cont.clone(),
        issued_on: day,
        due_on: day.saturating_add(term.days()),
        net: lei(net),
        vat: lei(vat_sum),
    });
    (net, vat_sum)
}
