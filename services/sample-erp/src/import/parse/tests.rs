//! What a file of postings may look like, and how each mistake is told.

use super::*;

fn problems(file: &str) -> Vec<String> {
    match parse_csv(file.as_bytes()) {
        Ok(postings) => panic!("accepted {postings:?}"),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn a_good_file_is_read_in_any_column_order_and_with_a_byte_order_mark() {
    let file = "\u{feff}account,Date,credit,debit,text,name\r\n\
                5121,2026-10-01,,1234.5,\"vânzare, încasată\",Conturi la bănci\r\n\
                707,2026-10-01,1234.50,0,,\r\n";
    let postings = parse_csv(file.as_bytes()).expect("good");
    assert_eq!(postings.len(), 2);
    assert_eq!(postings[0].debit, Decimal::new(123_450, 2));
    assert_eq!(postings[0].name.as_deref(), Some("Conturi la bănci"));
    assert_eq!(postings[0].text, "vânzare, încasată");
    assert_eq!((postings[1].line, postings[1].name.as_deref()), (3, None));
}

#[test]
fn every_problem_is_named_with_its_line() {
    let file = "date,account,debit,credit\n\
                2026-02-30,5121,1,\n\
                2026-10-01,,1.00,\n\
                2026-10-01,abc,1,\n\
                2026-10-01,5121,-1,\n\
                2026-10-01,5121,\"1.234,50\",\n\
                2026-10-01,5121,1.005,\n\
                2026-10-01,5121,1,1\n\
                2026-10-01,5121,,0.00\n\
                2026-10-01,5121,x,\n\
                01.10.2026,5121,99999999999999,\n\
                2026-10-01,5121,1\n";
    let found = problems(file);
    for (index, expected) in [
        "line 2: the date \"2026-02-30\" is not a day like 2026-10-31",
        "line 3: the account is empty",
        "line 4: the account \"abc\" is not a number like 371 or 4111.0012",
        "line 5: the debit \"-1\" is negative; put the amount on the other side",
        "line 6: the debit \"1.234,50\" has a comma; write the decimals after a dot and no thousands separator: 1234.50",
        "line 7: the debit \"1.005\" has more than two decimals",
        "line 8: it has both a debit and a credit; use one line for each",
        "line 9: it has neither a debit nor a credit",
        "line 10: the debit \"x\" is not a number like 1234.50",
        "line 11: the date \"01.10.2026\" is not a day like 2026-10-31",
        "line 11: the debit \"99999999999999\" is too large; at most 13 digits before the dot",
        "line 12: it has 3 fields, the header has 4; put \" around fields that contain a comma",
    ]
    .iter()
    .enumerate()
    {
        assert_eq!(found[index], *expected);
    }
    assert_eq!(found.len(), 12);
}

#[test]
fn lines_are_counted_as_an_editor_does() {
    let file = "date,account,debit,credit,text\r\n\r\n2026-10-01,5121,1,,\"two\r\nlines\"\r\n\r\n2026-10-01,707,,1,\r\n2026-10-01,x,1,,";
    assert_eq!(
        problems(file),
        ["line 7: the account \"x\" is not a number like 371 or 4111.0012"]
    );
}

#[test]
fn a_header_must_have_known_columns_once() {
    assert_eq!(
        problems("date,account,debit,amount,date\n"),
        [
            "line 1: unknown column \"amount\"; known are date, account, name, debit, credit, text",
            "line 1: the column credit is missing",
            "line 1: the column date is there twice",
        ]
    );
    let semicolons = problems("date;account;debit;credit\n");
    assert_eq!(
        semicolons,
        ["line 1: the fields are not separated by commas; save the file with commas"]
    );
    assert_eq!(
        problems("date,account,debit,credit\n"),
        ["the file has no postings"]
    );
    assert_eq!(problems(""), ["line 1: the file is empty"]);
}

#[test]
fn a_day_that_does_not_balance_is_named() {
    let file = "date,account,debit,credit\n\
                2026-10-01,5121,10,\n2026-10-02,5121,5,\n2026-10-01,707,,10\n2026-10-02,707,,4.99\n";
    assert_eq!(
        problems(file),
        [
            "line 5: the postings of 2026-10-02, of which this is the last, do not balance: \
             debit 5.00, credit 4.99, difference 0.01"
        ]
    );
}

#[test]
fn the_list_of_problems_is_bounded_and_says_so() {
    let file = format!("date,account,debit,credit\n{}", "x,y,z,\n".repeat(1000));
    let found = problems(&file);
    assert!(found.len() == PROBLEMS_MAX + 1, "{}", found.len());
    assert_eq!(
        found.last().map(String::as_str),
        Some("only the first 50 problems are listed")
    );
}

#[test]
fn bytes_that_are_not_utf_8_are_refused_with_their_line() {
    let file = b"date,account,debit,credit,text\n2026-10-01,5121,1,,b\xe3nci\n";
    let found = parse_csv(&file[..]).expect_err("not UTF-8");
    assert_eq!(
        found[0].to_string(),
        "line 2: it is not UTF-8; save the file as UTF-8"
    );
}

#[test]
fn the_total_bound_is_ten_trillion() {
    assert_eq!(amount::TOTAL_MAX, Decimal::from(10_000_000_000_000_i64));
}
