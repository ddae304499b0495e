//! Names and tax numbers of clients and suppliers. Tax numbers start with 99, which the Romanian
//! registry does not give out, and have a correct check digit.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::ledger::Partner;
use crate::random::Random;

const FIRST: &[&str] = &[
    "Bucegi",
    "Făgăraș",
    "Mureș",
    "Olt",
    "Prahova",
    "Vrancea",
    "Hașdeu",
    "Țibleș",
    "Călimani",
    "Rarău",
    "Dunărea",
    "Șiret",
    "Argeș",
    "Codru",
    "Luceafărul",
    "Brândușa",
    "Zimbru",
    "Ghiocel",
    "Cetatea",
    "Izvorul",
];
const SECOND: &[&str] = &[
    "Comerț",
    "Logistic",
    "Construct",
    "Market",
    "Impex",
    "Industrial",
    "Servicii",
    "Trans",
    "Grup",
    "Prod",
    "Invest",
    "Agro",
];
const FORM: &[&str] = &["SRL", "SRL", "SRL", "SA"];

/// Makes `count` partners with accounts `<synthetic>.0001` and so on.
pub(super) fn make(
    random: &mut Random,
    company: &Arc<str>,
    synthetic: &str,
    count: usize,
    first_tax_number: u32,
) -> Vec<Partner> {
    let mut taken = BTreeSet::new();
    let mut partners = Vec::with_capacity(count);
    while partners.len() < count {
        let name = format!(
            "{} {} {}",
            FIRST[random.index(FIRST.len())],
            SECOND[random.index(SECOND.len())],
            FORM[random.index(FORM.len())]
        );
        if !taken.insert(name.clone()) {
            continue;
        }
        let number = partners.len() + 1;
        partners.push(Partner {
            company: company.clone(),
            cont: format!("{synthetic}.{number:04}").into(),
            name,
            tax_id: tax_id(first_tax_number + u32::try_from(number).expect("few partners")),
        });
    }
    partners
}

/// A tax number with its check digit: the digits weighted with 753217532 from the right, times ten,
/// modulo 11, modulo 10.
pub(super) fn tax_id(number: u32) -> String {
    let weights = [2, 3, 5, 7, 1, 2, 3, 5, 7];
    let mut rest = number;
    let mut sum = 0;
    for weight in weights {
        sum += rest % 10 * weight;
        rest /= 10;
    }
    format!("RO{number}{}", sum * 10 % 11 % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_digit_is_that_of_known_numbers() {
        assert_eq!(tax_id(1_439_984), "RO14399840");
        assert_eq!(tax_id(159_008), "RO1590082");
    }
}
