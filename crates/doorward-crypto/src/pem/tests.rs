use super::*;

#[test]
fn a_written_key_reads_back() {
    for length in [0_usize, 1, 47, 48, 49, 1200] {
        let der = vec![0x5a; length];
        let pem = write_pkcs8(&der);
        assert!(pem.lines().all(|line| line.len() <= 64));
        let (format, read) = parse_private_key(&pem).unwrap();
        assert_eq!((format, read.as_slice()), (PrivateKeyFormat::Pkcs8, der.as_slice()));
    }
}

#[test]
fn the_label_tells_the_format_and_other_blocks_are_passed_over() {
    for (label, expected) in [
        ("PRIVATE KEY", PrivateKeyFormat::Pkcs8),
        ("RSA PRIVATE KEY", PrivateKeyFormat::Pkcs1),
        ("EC PRIVATE KEY", PrivateKeyFormat::Sec1),
    ] {
        let pem = format!(
            "a comment\r\n-----BEGIN EC PARAMETERS-----\r\nBggq\r\n-----END EC PARAMETERS-----\r\n\
             -----BEGIN {label}-----\r\nAAEC\r\n-----END {label}-----\r\n"
        );
        let (format, der) = parse_private_key(&pem).unwrap();
        assert_eq!((format, der.as_slice()), (expected, &[0, 1, 2][..]));
    }
}

#[test]
fn a_text_without_a_plain_private_key_is_refused() {
    let block = |label: &str, body: &str| format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n");
    for (pem, expected) in [
        (String::new(), "pem text has no private key"),
        (block("PUBLIC KEY", "AAEC"), "pem text has no private key"),
        (block("CERTIFICATE", "AAEC"), "pem text has no private key"),
        (block("ENCRYPTED PRIVATE KEY", "AAEC"), "private key is encrypted"),
        (
            block("RSA PRIVATE KEY", "Proc-Type: 4,ENCRYPTED\n\nAAEC"),
            "private key is encrypted or has pem headers",
        ),
        (block("PRIVATE KEY", "AA*C"), "pem block is not base64"),
        ("-----BEGIN PRIVATE KEY-----\nAAEC\n".to_owned(), "pem block has no end"),
        (
            "-----BEGIN PRIVATE KEY-----\nAAEC\n-----END RSA PRIVATE KEY-----".to_owned(),
            "pem block ends with another label than it began with",
        ),
        ("x".repeat(MAX_PEM + 1), "pem text is larger than 16 KB"),
    ] {
        assert_eq!(parse_private_key(&pem).err(), Some(expected));
    }
}
