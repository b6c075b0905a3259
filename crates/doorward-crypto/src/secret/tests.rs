use super::*;
use crate::testing::{NoRandom, SeededRandom};

#[test]
fn debug_output_hides_the_secret() {
    // attacks: N5
    let secret = SecretString::new("correct horse battery staple");
    assert_eq!(format!("{secret:?}"), "SecretString(redacted)");
    assert_eq!(format!("{:#?}", Some(&secret)), "Some(\n    SecretString(redacted),\n)");
}

#[test]
fn a_secret_matches_itself_and_nothing_else() {
    let secret = SecretString::from("correct horse");
    assert!(secret.matches("correct horse"));
    for other in ["", "correct hors", "correct horse ", "Correct horse", "correct horsf"] {
        assert!(!secret.matches(other), "{other:?}");
    }
    assert!(!secret.is_empty());
    assert!(SecretString::from(String::new()).is_empty());
}

#[test]
fn a_secret_reads_from_a_string() {
    let secret: SecretString = serde_json::from_str(r#""a\tb""#).unwrap();
    assert_eq!(secret.expose(), "a\tb");
}

#[test]
fn a_secret_that_is_a_number_is_refused_without_being_quoted() {
    for text in ["8675309", "-8675309", "8675309.5"] {
        let error = serde_json::from_str::<SecretString>(text).unwrap_err().to_string();
        assert!(!error.contains("8675309"), "{error}");
        assert!(
            error.contains("expected a string") || error.contains("must be a string"),
            "{error}"
        );
    }
}

#[test]
fn a_generated_secret_is_strong_and_fresh() {
    let random = SeededRandom::new(1);
    let first = generate_secret(&random).unwrap();
    assert_eq!(first.expose().len(), 43);
    assert!(crate::check_strength(first.expose()).is_ok());
    assert!(!first.matches(generate_secret(&random).unwrap().expose()));
    assert!(generate_secret(&NoRandom).is_err());
}
