//! The part of the Romanian chart of accounts (OMFP 1802/2014) the sample companies use.

/// Number and name of the synthetic accounts, in order.
const NAMES: &[(&str, &str)] = &[
    ("1011", "Capital subscris nevărsat"),
    ("1012", "Capital subscris vărsat"),
    ("1061", "Rezerve legale"),
    (
        "1171",
        "Rezultatul reportat reprezentând profitul nerepartizat sau pierderea neacoperită",
    ),
    ("121", "Profit sau pierdere"),
    ("129", "Repartizarea profitului"),
    ("212", "Construcții"),
    ("213", "Instalații tehnice și mijloace de transport"),
    ("2812", "Amortizarea construcțiilor"),
    (
        "2813",
        "Amortizarea instalațiilor și mijloacelor de transport",
    ),
    ("301", "Materii prime"),
    ("345", "Produse finite"),
    ("371", "Mărfuri"),
    ("378", "Diferențe de preț la mărfuri"),
    ("401", "Furnizori"),
    ("404", "Furnizori de imobilizări"),
    ("4111", "Clienți"),
    ("421", "Personal – salarii datorate"),
    ("4315", "Contribuția de asigurări sociale"),
    ("4316", "Contribuția de asigurări sociale de sănătate"),
    ("436", "Contribuția asiguratorie pentru muncă"),
    ("4411", "Impozitul pe profit"),
    ("4423", "TVA de plată"),
    ("4424", "TVA de recuperat"),
    ("4426", "TVA deductibilă"),
    ("4427", "TVA colectată"),
    ("444", "Impozitul pe venituri de natura salariilor"),
    ("446", "Alte impozite, taxe și vărsăminte asimilate"),
    ("456", "Decontări cu acționarii/asociații privind capitalul"),
    ("457", "Dividende de plată"),
    ("5121", "Conturi la bănci în lei"),
    ("5124", "Conturi la bănci în valută"),
    ("5191", "Credite bancare pe termen scurt"),
    ("5311", "Casa în lei"),
    ("581", "Viramente interne"),
    ("601", "Cheltuieli cu materiile prime"),
    ("604", "Cheltuieli privind materialele nestocate"),
    ("605", "Cheltuieli privind utilitățile"),
    ("607", "Cheltuieli privind mărfurile"),
    ("611", "Cheltuieli cu întreținerea și reparațiile"),
    (
        "612",
        "Cheltuieli cu redevențele, locațiile de gestiune și chiriile",
    ),
    ("613", "Cheltuieli cu primele de asigurare"),
    ("624", "Cheltuieli cu transportul de bunuri și personal"),
    ("626", "Cheltuieli poștale și taxe de telecomunicații"),
    ("627", "Cheltuieli cu serviciile bancare și asimilate"),
    ("628", "Alte cheltuieli cu serviciile executate de terți"),
    ("641", "Cheltuieli cu salariile personalului"),
    (
        "6458",
        "Alte cheltuieli privind asigurările și protecția socială",
    ),
    (
        "646",
        "Cheltuieli privind contribuția asiguratorie pentru muncă",
    ),
    ("665", "Cheltuieli din diferențe de curs valutar"),
    ("666", "Cheltuieli privind dobânzile"),
    (
        "6811",
        "Cheltuieli de exploatare privind amortizarea imobilizărilor",
    ),
    ("691", "Cheltuieli cu impozitul pe profit"),
    ("7015", "Venituri din vânzarea produselor finite"),
    ("704", "Venituri din servicii prestate"),
    ("707", "Venituri din vânzarea mărfurilor"),
    ("711", "Venituri aferente costurilor stocurilor de produse"),
    ("765", "Venituri din diferențe de curs valutar"),
    ("766", "Venituri din dobânzi"),
];

/// Name of a synthetic account; `None` for one the samples do not use.
pub(crate) fn name(cont: &str) -> Option<&'static str> {
    NAMES
        .iter()
        .find(|(number, _)| *number == cont)
        .map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_account_is_listed_once_and_spelt_with_comma_below() {
        let mut numbers: Vec<_> = NAMES.iter().map(|(number, _)| number).collect();
        numbers.dedup();
        assert_eq!(numbers.len(), NAMES.len());
        assert!(numbers.is_sorted());
        let cedilla = |name: &str| name.contains(['ş', 'ţ', 'Ş', 'Ţ']);
        assert!(!NAMES.iter().any(|(_, name)| cedilla(name)));
    }
}
