//! What an expression of PromQL asks for: a tokenizer that knows names, selectors and groupings.

use std::collections::BTreeSet;

/// Words that are followed by labels in parentheses.
const GROUPINGS: &[&str] = &["by", "without", "on", "ignoring", "group_left", "group_right"];

/// Words that are neither metrics nor functions.
const OPERATORS: &[&str] = &["and", "or", "unless", "bool", "offset", "atan2", "inf", "nan"];

/// A comparison with a label in a selector.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Matcher {
    pub(crate) label: String,
    pub(crate) operator: String,
    pub(crate) value: String,
}

/// What an expression asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Query {
    /// The metrics, each with its selector.
    pub(crate) metrics: Vec<(String, Vec<Matcher>)>,
    /// The labels by which it groups.
    pub(crate) grouped_by: BTreeSet<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
    Sign(char),
}

/// Returns what an expression asks for.
///
/// # Panics
/// If a selector or a grouping is not complete.
pub(crate) fn parse(expression: &str) -> Query {
    let tokens = tokenize(expression);
    let (mut query, mut at) = (Query::default(), 0);
    while at < tokens.len() {
        let Token::Word(word) = &tokens[at] else {
            // A selector belongs to a metric, and brackets hold a time.
            assert_ne!(tokens[at], Token::Sign('{'), "a selector without a metric: {expression}");
            at += if tokens[at] == Token::Sign('[') { until(&tokens[at..], ']', expression) } else { 1 };
            continue;
        };
        at += 1;
        let next = tokens.get(at);
        if GROUPINGS.contains(&word.as_str()) {
            assert_eq!(next, Some(&Token::Sign('(')), "`{word}` without labels: {expression}");
            let end = at + until(&tokens[at..], ')', expression);
            let labels = tokens[at..end].iter().filter_map(|token| match token {
                Token::Word(label) => Some(label.clone()),
                _ => None,
            });
            query.grouped_by.extend(labels);
            at = end;
        } else if next == Some(&Token::Sign('{')) {
            let end = at + until(&tokens[at..], '}', expression);
            query.metrics.push((word.clone(), matchers(&tokens[at + 1..end - 1], expression)));
            at = end;
        } else {
            // A grouping may stand between a function and its arguments.
            let is_grouping = matches!(next, Some(Token::Word(next)) if GROUPINGS.contains(&next.as_str()));
            let is_function = next == Some(&Token::Sign('(')) || is_grouping;
            let is_number = word.starts_with(|first: char| first.is_ascii_digit());
            if !is_function && !is_number && !OPERATORS.contains(&word.as_str()) {
                query.metrics.push((word.clone(), Vec::new()));
            }
        }
    }
    query
}

/// Returns the number of tokens up to this sign, and with it.
fn until(tokens: &[Token], sign: char, expression: &str) -> usize {
    let end = tokens.iter().position(|token| *token == Token::Sign(sign));
    end.unwrap_or_else(|| panic!("no `{sign}`: {expression}")) + 1
}

fn matchers(tokens: &[Token], expression: &str) -> Vec<Matcher> {
    let one = |tokens: &[Token]| match tokens {
        [Token::Word(label), signs @ .., Token::Text(value)] => {
            let sign = |token: &Token| if let Token::Sign(sign) = token { *sign } else { '?' };
            Matcher { label: label.clone(), operator: signs.iter().map(sign).collect(), value: value.clone() }
        }
        other => panic!("no matcher: {other:?} in {expression}"),
    };
    let parts = tokens.split(|token| *token == Token::Sign(','));
    parts.filter(|part| !part.is_empty()).map(one).collect()
}

fn tokenize(expression: &str) -> Vec<Token> {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':' | '.' | '$');
    let (mut tokens, mut rest) = (Vec::new(), expression.trim_start());
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' | '\'' => {
                let end = rest[1..].find(first).unwrap_or_else(|| panic!("an open string: {expression}"));
                tokens.push(Token::Text(rest[1..=end].to_owned()));
                end + 2
            }
            _ if is_word(first) => {
                let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                tokens.push(Token::Word(rest[..end].to_owned()));
                end
            }
            sign => {
                tokens.push(Token::Sign(sign));
                sign.len_utf8()
            }
        };
        rest = rest[length..].trim_start();
    }
    tokens
}

#[test]
fn the_metrics_of_an_expression_are_found_with_their_labels() {
    let text =
        r#"sum by (le, job) (rate(a_total{x="1",y!~"b|c"}[5m])) / on (job) up{} > 0.5 * sum(b_sum) or vector(0)"#;
    let matcher = |label: &str, operator: &str, value: &str| Matcher {
        label: label.to_owned(),
        operator: operator.to_owned(),
        value: value.to_owned(),
    };
    let metrics = vec![
        ("a_total".to_owned(), vec![matcher("x", "=", "1"), matcher("y", "!~", "b|c")]),
        ("up".to_owned(), vec![]),
        ("b_sum".to_owned(), vec![]),
    ];
    assert_eq!(parse(text), Query { metrics, grouped_by: ["le", "job"].map(str::to_owned).into() });
}
