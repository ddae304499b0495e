//! Tokens of a query. Whatever could hide something from the checks behind it is a mistake.

use std::iter::Peekable;
use std::str::CharIndices;

use reportapp_pool::Engine;

use super::Mistake;

/// A piece of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind<'a>,
    /// Lines below the first one.
    pub(super) line: usize,
    /// Its octets in the text.
    pub(super) start: usize,
    pub(super) end: usize,
}

/// What a piece is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind<'a> {
    /// A keyword or a name, as written.
    Word(&'a str),
    /// A name in double quotes, without them.
    Quoted(String),
    /// A string.
    Text,
    /// A number.
    Number,
    /// `:name`, without the colon.
    Parameter(&'a str),
    /// `::`.
    Cast,
    /// Anything else, character by character.
    Symbol(char),
}

/// Reads a text.
pub(super) fn tokens(engine: Engine, text: &str) -> (Vec<Token<'_>>, Vec<Mistake>) {
    let mut lexer = Lexer {
        engine,
        text,
        rest: text.char_indices().peekable(),
        line: 0,
        tokens: Vec::new(),
        mistakes: Vec::new(),
    };
    while let Some((start, letter)) = lexer.next() {
        lexer.read(start, letter);
    }
    (lexer.tokens, lexer.mistakes)
}

struct Lexer<'a> {
    engine: Engine,
    text: &'a str,
    rest: Peekable<CharIndices<'a>>,
    line: usize,
    tokens: Vec<Token<'a>>,
    mistakes: Vec<Mistake>,
}

impl<'a> Lexer<'a> {
    fn next(&mut self) -> Option<(usize, char)> {
        let next = self.rest.next();
        self.line += usize::from(matches!(next, Some((_, '\n'))));
        next
    }

    fn peek(&mut self) -> Option<char> {
        self.rest.peek().map(|(_, letter)| *letter)
    }

    /// Where the next character begins.
    fn here(&mut self) -> usize {
        self.rest.peek().map_or(self.text.len(), |(at, _)| *at)
    }

    fn read(&mut self, start: usize, letter: char) {
        match letter {
            ' ' | '\t' | '\n' | '\r' => {}
            '-' if self.peek() == Some('-') => self.skip_line(),
            '/' if self.peek() == Some('*') => self.skip_comment(),
            '\'' => self.string(start),
            '"' => self.quoted(start),
            ':' => self.colon(start),
            _ if letter.is_ascii_digit() => self.number(start),
            _ if begins_word(letter) => {
                let word = self.word(start);
                self.push(Kind::Word(word), start);
            }
            _ => {
                if let Some(reason) = self.objection(letter) {
                    self.object(reason);
                }
                self.push(Kind::Symbol(letter), start);
            }
        }
    }

    fn push(&mut self, kind: Kind<'a>, start: usize) {
        let end = self.here();
        let breaks = self.text[start..end].matches('\n').count();
        self.tokens.push(Token {
            kind,
            line: self.line - breaks,
            start,
            end,
        });
    }

    fn object(&mut self, reason: impl Into<String>) {
        let (line, reason) = (self.line, reason.into());
        self.mistakes.push(Mistake { line, reason });
    }

    fn objection(&self, letter: char) -> Option<String> {
        match letter {
            '$' => Some(
                "`$` is not allowed; write `:name` for a parameter and '…' for a string".to_owned(),
            ),
            '?' | '@' | '#' | '`' | '[' | ']' if self.engine == Engine::Sqlite => Some(format!(
                "`{letter}` is not allowed; write `:name` for a parameter and \"…\" around a name"
            )),
            _ if letter.is_control() => Some(format!(
                "the control character U+{:04X} is not allowed; remove it",
                u32::from(letter)
            )),
            _ => None,
        }
    }

    fn skip_line(&mut self) {
        while self.peek().is_some_and(|letter| letter != '\n') {
            self.next();
        }
    }

    /// PostgreSQL nests comments and SQLite does not.
    fn skip_comment(&mut self) {
        self.next();
        let mut last = ' ';
        while let Some((_, letter)) = self.next() {
            match (last, letter) {
                ('*', '/') => return,
                ('/', '*') => {
                    self.object("a comment inside of a comment is not allowed; remove it")
                }
                _ => {}
            }
            last = letter;
        }
        self.object("the comment does not end; add `*/`");
    }

    fn string(&mut self, start: usize) {
        let before = self.text[..start].chars().next_back();
        if before.is_some_and(|letter| continues_word(letter) || letter == '&') {
            self.object("a string with a prefix such as E'…' is not allowed; write it plainly, after a space");
        }
        loop {
            match self.next() {
                Some((_, '\'')) if self.peek() == Some('\'') => {
                    self.next();
                }
                Some((_, '\'')) => break,
                // Whether it escapes the quote behind it is a setting of the server.
                Some((_, '\\')) => {
                    self.object("a backslash in a string is not allowed; use chr() in a view")
                }
                Some(_) => {}
                None => {
                    self.object("the string does not end; add `'`");
                    break;
                }
            }
        }
        self.push(Kind::Text, start);
    }

    fn quoted(&mut self, start: usize) {
        if self.text[..start].ends_with('&') {
            self.object("U&\"…\" is not allowed; write the name itself");
        }
        let mut name = String::new();
        loop {
            match self.next() {
                Some((_, '"')) if self.peek() == Some('"') => {
                    self.next();
                    name.push('"');
                }
                Some((_, '"')) => break,
                Some((_, letter)) => name.push(letter),
                None => {
                    self.object("the name does not end; add `\"`");
                    break;
                }
            }
        }
        self.push(Kind::Quoted(name), start);
    }

    fn colon(&mut self, start: usize) {
        match self.peek() {
            Some(':') => {
                self.next();
                self.push(Kind::Cast, start);
            }
            Some(letter) if begins_word(letter) => {
                let name = &self.word(start)[1..];
                self.push(Kind::Parameter(name), start);
            }
            _ => self.push(Kind::Symbol(':'), start),
        }
    }

    /// Everything from `start` to where the word there ends.
    fn word(&mut self, start: usize) -> &'a str {
        while self.peek().is_some_and(continues_word) {
            self.next();
        }
        let end = self.here();
        &self.text[start..end]
    }

    fn number(&mut self, start: usize) {
        let mut last = '0';
        while let Some(letter) = self.peek() {
            let exponent = matches!(letter, 'e' | 'E') && self.exponent_follows();
            let sign = matches!(letter, '+' | '-') && matches!(last, 'e' | 'E');
            if !(letter.is_ascii_digit() || letter == '.' || exponent || sign) {
                break;
            }
            last = letter;
            self.next();
        }
        if self.peek().is_some_and(continues_word) {
            self.object("a number runs into a word; put a space between them");
        }
        self.push(Kind::Number, start);
    }

    fn exponent_follows(&mut self) -> bool {
        let here = self.here();
        let rest = self.text[here + 1..].trim_start_matches(['+', '-']);
        rest.starts_with(|letter: char| letter.is_ascii_digit())
    }
}

fn begins_word(letter: char) -> bool {
    letter.is_ascii_alphabetic() || letter == '_' || !letter.is_ascii()
}

fn continues_word(letter: char) -> bool {
    begins_word(letter) || letter.is_ascii_digit()
}
