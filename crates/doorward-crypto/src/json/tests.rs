use std::fs;

use super::*;
use crate::testing::{corpora, report};

fn check(text: &str, expected: Result<Value, JsonError>) {
    assert_eq!(
        parse_object(text.as_bytes(), 1000).map(Value::Object),
        expected,
        "{text}"
    );
}

#[test]
fn an_object_is_read_as_it_stands() {
    let text =
        r#" {"s":"a\u00e9\ud83d\ude00","n":[0,-1,18446744073709551615,1.5,1e3],"b":true,"z":null,"o":{"s":{}}} "#;
    check(text, Ok(serde_json::from_str(text).unwrap()));
    check("{}", Ok(serde_json::json!({})));
}

#[test]
fn a_json_value_that_is_no_object_is_refused() {
    // attacks: D29
    for text in ["[]", "1", "\"{}\"", "null", "true", "[{}]"] {
        check(text, Err(JsonError::NotAnObject));
    }
}

#[test]
fn a_duplicate_member_is_refused_at_every_level() {
    for text in [
        r#"{"a":1,"a":1}"#,
        r#"{"a":1,"\u0061":2}"#,
        r#"{"x":{"a":1,"b":2,"a":3}}"#,
        r#"{"x":[{"a":1,"a":[}"#,
        r#"{"":1,"":2}"#,
    ] {
        check(text, Err(JsonError::DuplicateMember));
    }
    check(r#"{"a":{"a":1},"A":2}"#, Ok(serde_json::json!({"a": {"a": 1}, "A": 2})));
}

#[test]
fn sixteen_levels_are_read_and_seventeen_refused() {
    let nested = |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1));
    assert!(parse_object(nested(16).as_bytes(), 1000).is_ok());
    assert_eq!(parse_object(nested(17).as_bytes(), 1000), Err(JsonError::TooDeep));
    let objects = |levels: usize| format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels));
    assert!(parse_object(objects(16).as_bytes(), 1000).is_ok());
    assert_eq!(parse_object(objects(17).as_bytes(), 1000), Err(JsonError::TooDeep));
    // attacks: L6, as deep as it likes.
    let deep = format!("{{\"a\":{}", "[".repeat(100_000));
    assert_eq!(parse_object(deep.as_bytes(), 1_000_000), Err(JsonError::TooDeep));
}

#[test]
fn a_text_at_the_limit_is_read_and_one_byte_more_refused() {
    assert!(parse_object(br#"{"a":1}"#, 7).is_ok());
    assert_eq!(parse_object(br#"{"a":1}"#, 6), Err(JsonError::TooLarge));
}

#[test]
fn malformed_text_is_refused() {
    for text in [
        "",
        "{",
        "{}x",
        "{} {}",
        "{'a':1}",
        "{a:1}",
        r#"{"a":1,}"#,
        r#"{"a":01}"#,
        r#"{"a":NaN}"#,
        r#"{"a":1e999}"#,
        r#"{"a":-1e999}"#,
        r#"{"a":"\ud800"}"#,
        r#"{"a":"x"#,
        "{\"a\":\"\n\"}",
        "\u{feff}{}",
        "{\"a\":/**/1}",
    ] {
        check(text, Err(JsonError::Malformed));
    }
    for bytes in [
        &b"{\"a\":\"\xff\"}"[..],
        b"\xef\xbb",
        b"{\"\xc0\x80\":1}",
        b"\xff\xfe{\0}\0",
    ] {
        assert_eq!(parse_object(bytes, 1000), Err(JsonError::NotUtf8));
    }
}

#[test]
fn test_suite_of_malformed_json_is_never_accepted() {
    // attacks: D29
    let Some(folder) = corpora("json/test_parsing") else {
        return;
    };
    let (mut must_not, mut must, mut either) = (0, 0, 0);
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let bytes = fs::read(entry.path()).unwrap();
        let parsed = parse_object(&bytes, 1_000_000);
        match name.as_bytes() {
            [b'n', ..] => {
                must_not += 1;
                assert!(parsed.is_err(), "{name}");
                // As a member as well, since most of the suite is no object to begin with.
                let member = [b"{\"a\":", bytes.as_slice(), b"}"].concat();
                assert!(parse_object(&member, 1_000_000).is_err(), "{name} as a member");
            }
            [b'y', ..] => {
                must += 1;
                let refusal = parsed.err();
                let duplicate = name.starts_with("y_object_duplicated_key");
                let expected = duplicate.then_some(JsonError::DuplicateMember);
                assert!(
                    refusal == expected || refusal == Some(JsonError::NotAnObject),
                    "{name}: {refusal:?}"
                );
            }
            _ => either += 1,
        }
    }
    report(&format!(
        "json test suite: {must_not} refused, {must} read, {either} read or refused"
    ));
    assert!(must_not >= 180 && must >= 90 && either >= 30);
}
