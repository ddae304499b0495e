//! What kind of companies there are.

/// How a company earns its money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Business {
    /// Buys goods and sells them, also in a shop.
    Trade,
    /// Makes goods from raw material.
    Production,
    /// Sells its people's time.
    Services,
}

/// The numbers that make a company look like itself. Money is in bani.
#[derive(Clone, Debug)]
pub(super) struct Profile {
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    /// Tax number without its check digit; 99… is not in use in Romania.
    pub(super) tax_number: u32,
    /// Prefix of its invoices.
    pub(super) series: &'static str,
    pub(super) business: Business,
    pub(super) invoices_per_month: i64,
    pub(super) purchases_per_month: i64,
    /// Price range of one invoice line.
    pub(super) line: (i64, i64),
    pub(super) growth_percent_per_year: i64,
    pub(super) clients: usize,
    pub(super) suppliers: usize,
    pub(super) employees: i64,
    pub(super) average_gross: i64,
    pub(super) rent: i64,
    pub(super) capital: i64,
    pub(super) machines: i64,
    pub(super) building: i64,
    /// Sales of each month against the average, in percent, January first.
    pub(super) seasons: [i64; 12],
    pub(super) goods: &'static [&'static str],
}

/// The three companies.
pub(super) fn all() -> [Profile; 3] {
    [
        Profile {
            id: "carpati",
            name: "Carpați Distribuție SRL",
            tax_number: 9_910_010,
            series: "CD",
            business: Business::Trade,
            invoices_per_month: 240,
            purchases_per_month: 105,
            line: (60_000, 480_000),
            growth_percent_per_year: 9,
            clients: 64,
            suppliers: 28,
            employees: 26,
            average_gross: 620_000,
            rent: 1_450_000,
            capital: 90_000_000,
            machines: 48_000_000,
            building: 0,
            seasons: [78, 84, 97, 101, 104, 100, 88, 86, 103, 109, 118, 132],
            goods: &[
                "Cafea boabe",
                "Ulei de floarea-soarelui",
                "Detergent rufe",
                "Apă minerală",
                "Conserve pește",
                "Făină albă",
                "Zahăr tos",
            ],
        },
        Profile {
            id: "delta",
            name: "Delta Soft Consulting SRL",
            tax_number: 9_930_030,
            series: "DS",
            business: Business::Services,
            invoices_per_month: 88,
            purchases_per_month: 14,
            line: (180_000, 1_250_000),
            growth_percent_per_year: 14,
            clients: 32,
            suppliers: 16,
            employees: 74,
            average_gross: 1_080_000,
            rent: 2_600_000,
            capital: 40_000_000,
            machines: 21_000_000,
            building: 0,
            seasons: [92, 96, 104, 100, 98, 103, 90, 84, 106, 110, 108, 109],
            goods: &[
                "Consultanță implementare",
                "Dezvoltare software",
                "Mentenanță lunară",
                "Instruire utilizatori",
                "Audit de securitate",
            ],
        },
        Profile {
            id: "stejarul",
            name: "Stejarul Mobila SA",
            tax_number: 9_920_020,
            series: "SM",
            business: Business::Production,
            invoices_per_month: 170,
            purchases_per_month: 88,
            line: (90_000, 620_000),
            growth_percent_per_year: 6,
            clients: 48,
            suppliers: 30,
            employees: 58,
            average_gross: 590_000,
            rent: 380_000,
            capital: 160_000_000,
            machines: 130_000_000,
            building: 210_000_000,
            seasons: [80, 88, 101, 108, 110, 99, 82, 79, 108, 117, 119, 109],
            goods: &[
                "Masă stejar masiv",
                "Scaun tapițat",
                "Bibliotecă modulară",
                "Dulap trei uși",
                "Pat matrimonial",
                "Comodă cu sertare",
            ],
        },
    ]
}
