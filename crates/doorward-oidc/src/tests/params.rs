//! Query strings and form bodies.

use proptest::prelude::*;
use url::form_urlencoded;

use crate::params::{MAX_BYTES, MAX_PARAMETERS};
use crate::{Params, ParamsError, RepeatedParameter};

#[test]
fn well_formed_parameters_are_decoded() {
    for (raw, name, value) in [
        ("a=1", "a", Some("1")),
        ("a", "a", Some("")),
        ("a=", "a", Some("")),
        ("a=b=c", "a", Some("b=c")),
        ("&&a=1&", "a", Some("1")),
        ("a=x+y%2Bz", "a", Some("x y+z")),
        ("%61=1", "a", Some("1")),
        ("a=%C3%A9", "a", Some("é")),
        ("a=%c3%a9", "a", Some("é")),
        ("A=1", "a", None),
        ("", "a", None),
        ("=1", "", Some("1")),
    ] {
        assert_eq!(Params::parse(raw).unwrap().once(name), Ok(value), "{raw}");
    }
}

// attacks: B19
#[test]
fn broken_parameters_are_refused_as_a_whole() {
    for raw in [
        "a=%",
        "a=%4",
        "a=%zz",
        "a=%4g",
        "a=%00",
        "a=\0",
        "a=%ff",
        "a=%c3",
        "a=%ED%A0%80",
        "%=1",
        "ok=1&a=%+1",
    ] {
        assert_eq!(Params::parse(raw), Err(ParamsError::Malformed), "{raw}");
    }
}

// attacks: B19
#[test]
fn parameters_past_a_cap_are_refused() {
    let at_the_cap = format!("a={}", "x".repeat(MAX_BYTES - 2));
    assert!(Params::parse(&at_the_cap).is_ok());
    assert_eq!(Params::parse(&format!("{at_the_cap}x")), Err(ParamsError::TooLarge));
    let many = "a=1&".repeat(MAX_PARAMETERS);
    assert!(Params::parse(&many).is_ok());
    assert_eq!(Params::parse(&format!("{many}a=1")), Err(ParamsError::TooMany));
}

// attacks: A7, B3
#[test]
fn a_repeated_parameter_is_refused_whatever_its_values() {
    for raw in ["a=1&a=1", "a=1&b=2&a=", "a&a", "%61=1&a=2"] {
        let params = Params::parse(raw).unwrap();
        assert_eq!(
            params.once("a"),
            Err(RepeatedParameter { name: "a".to_owned() }),
            "{raw}"
        );
    }
}

#[test]
fn several_spellings_count_as_one_parameter() {
    let names = ["return_url", "returnTo"];
    let once = Params::parse("returnTo=/x&other=1").unwrap();
    assert_eq!(once.any_of_once(&names), Ok(Some("/x")));
    let twice = Params::parse("return_url=/x&returnTo=/y").unwrap();
    assert_eq!(
        twice.any_of_once(&names),
        Err(RepeatedParameter {
            name: "returnTo".to_owned()
        })
    );
    assert_eq!(twice.any_of_once(&["rd"]), Ok(None));
}

#[test]
fn parameters_keep_their_order() {
    let params = Params::parse("b=2&a=1&b=3").unwrap();
    assert_eq!(params.iter().collect::<Vec<_>>(), [("b", "2"), ("a", "1"), ("b", "3")]);
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_without_panic(raw in ".{0,200}") {
        let _ = Params::parse(&raw);
    }

    #[test]
    fn what_a_browser_encodes_is_decoded_to_the_same(name in "[^\0]{1,20}", value in "[^\0]{0,60}") {
        let raw: String = form_urlencoded::Serializer::new(String::new()).append_pair(&name, &value).finish();
        let params = Params::parse(&raw).unwrap();
        prop_assert_eq!(params.once(&name).unwrap(), Some(value.as_str()));
    }
}
