//! Records of stored sessions: their parts, what each needs to be opened, and what changes which.

use doorward_crypto::{KeyRing, SealError};

use super::{same, tokens};
use crate::{
    session::{
        Control, Identity, Record, RecordCodec, SealSessionError, SeenFrom, SessionHandle, Standing, Summary,
        TokenPart, Tokens, Unreadable,
    },
    test_support::{NoRandom, Seeded, at, identity, keys},
};

/// A session with all that its record is sealed from.
pub(super) struct Fixture {
    pub(super) codec: RecordCodec,
    pub(super) handle: SessionHandle,
    pub(super) identity: Identity,
    pub(super) control: Control,
    pub(super) summary: Summary,
    pub(super) tokens: Tokens,
}

impl Fixture {
    pub(super) fn of(keys: &KeyRing, handle: &SessionHandle, identity: &Identity) -> Fixture {
        let mut identity = identity.clone();
        identity.id = *handle.id();
        let mut control = Control::new(at(3_600), at(43_200));
        control.fence = 7;
        Fixture {
            codec: RecordCodec::new(keys),
            handle: handle.clone(),
            identity,
            control,
            summary: summary(),
            tokens: tokens(300, 200),
        }
    }

    pub(super) fn seal(&self, random: &Seeded) -> Vec<u8> {
        self.seal_with(random, TokenPart::New(&self.tokens))
    }

    pub(super) fn seal_with(&self, random: &Seeded, token_part: TokenPart<'_>) -> Vec<u8> {
        self.codec
            .seal(
                random,
                &self.handle,
                &self.control,
                &self.summary,
                &self.identity,
                token_part,
            )
            .unwrap()
    }

    pub(super) fn open(&self, bytes: &[u8]) -> Result<Record, Unreadable> {
        self.codec.open(&self.handle.store_key(), bytes.to_vec())
    }

    /// The access token, if the record opens and its tokens do.
    pub(super) fn access_token(&self, bytes: &[u8]) -> Option<String> {
        let record = self.open(bytes).ok()?;
        let tokens = self.codec.open_tokens(&record, &self.handle)?;
        Some(tokens.access_token.expose().to_owned())
    }

    /// Whatever opens of a record is what was sealed.
    pub(super) fn opens_as_itself_or_not_at_all(&self, bytes: &[u8]) -> bool {
        let Ok(record) = self.open(bytes) else { return true };
        let identity = self.codec.open_identity(&record, &self.handle);
        let token = self.access_token(bytes);
        *record.control() == self.control
            && record.summary().as_ref() == Some(&self.summary)
            && identity.is_none_or(|opened| same(&opened, &self.identity))
            && token.is_none_or(|token| token == self.tokens.access_token.expose())
    }
}

pub(super) fn fixture(seed: u64) -> Fixture {
    let handle = SessionHandle::random(&Seeded::new(seed)).unwrap();
    Fixture::of(&keys(&[1]), &handle, &identity(seed))
}

pub(super) fn summary() -> Summary {
    Summary {
        provider: "https://id.example.com app".to_owned(),
        subject: "alice".to_owned(),
        tenant: "acme".to_owned(),
        provider_session_id: Some("sid-1".to_owned()),
        created_at: at(0),
        last_seen_at: at(60),
        seen_from: SeenFrom::default(),
    }
}

/// Head, identity and tokens as they lie in a record.
pub(super) fn parts(record: &[u8]) -> [&[u8]; 3] {
    let length = |at: usize| u32::from_be_bytes(record[at..at + 4].try_into().unwrap()) as usize;
    let head = 5 + length(1);
    let identity = head + 4 + length(head);
    [&record[5..head], &record[head + 4..identity], &record[identity..]]
}

pub(super) fn joined([head, identity, tokens]: [&[u8]; 3]) -> Vec<u8> {
    let length = |part: &[u8]| (part.len() as u32).to_be_bytes();
    [&[2], &length(head)[..], head, &length(identity), identity, tokens].concat()
}

#[test]
fn record_opens_in_three_parts() {
    let fixture = fixture(1);
    let large = tokens(20_000, 9_000);
    let bytes = fixture.seal_with(&Seeded::new(4), TokenPart::New(&large));
    let record = fixture.open(&bytes).unwrap();
    assert_eq!(*record.control(), fixture.control);
    assert_eq!(record.summary(), Some(summary()));
    assert!(record.is_current());
    let opened = fixture.codec.open_identity(&record, &fixture.handle).unwrap();
    assert!(same(&opened, &fixture.identity));
    let opened = fixture.codec.open_tokens(&record, &fixture.handle).unwrap();
    assert_eq!(opened.access_token.expose().len(), 20_000);
    assert_eq!(
        opened.refresh_token.unwrap().expose(),
        large.refresh_token.unwrap().expose()
    );
    assert_eq!(joined(parts(&bytes)), bytes);
}

#[test]
fn record_without_tokens_has_none() {
    let fixture = fixture(1);
    let record = fixture
        .open(&fixture.seal_with(&Seeded::new(4), TokenPart::None))
        .unwrap();
    assert!(fixture.codec.open_identity(&record, &fixture.handle).is_some());
    assert!(fixture.codec.open_tokens(&record, &fixture.handle).is_none());
    assert!(record.is_current());
}

#[test]
fn record_of_another_session_is_unreadable_under_this_key() {
    // attacks: E21, M10
    let (mine, other) = (fixture(1), fixture(2));
    let bytes = other.seal(&Seeded::new(4));
    assert_eq!(mine.open(&bytes).unwrap_err(), Unreadable);
    assert!(other.open(&bytes).is_ok());
    // Nor do single parts of it open in a record of ours.
    let own = mine.seal(&Seeded::new(5));
    let ([head, identity, tokens], [_, foreign_identity, foreign_tokens]) = (parts(&own), parts(&bytes));
    let spliced = mine.open(&joined([head, foreign_identity, foreign_tokens])).unwrap();
    assert!(mine.codec.open_identity(&spliced, &mine.handle).is_none());
    assert!(mine.codec.open_tokens(&spliced, &mine.handle).is_none());
    // Nor in each other's place.
    for mixed in [
        [head, tokens, identity],
        [identity, head, tokens],
        [tokens, identity, head],
    ] {
        let mixed = joined(mixed);
        let opened = mine.open(&mixed).ok();
        assert!(
            opened.is_none_or(|record| mine.codec.open_identity(&record, &mine.handle).is_none()
                && mine.codec.open_tokens(&record, &mine.handle).is_none())
        );
    }
}

#[test]
fn record_with_another_secret_half_gives_neither_identity_nor_tokens() {
    // attacks: E19, M10
    let fixture = fixture(1);
    let record = fixture.open(&fixture.seal(&Seeded::new(4))).unwrap();
    let mut cookie = doorward_crypto::base64url_decode(fixture.handle.encode().as_bytes()).unwrap();
    for place in 16..48 {
        cookie[place] ^= 1;
        let guessed = SessionHandle::parse(doorward_crypto::base64url_encode(&cookie).as_bytes()).unwrap();
        cookie[place] ^= 1;
        assert_eq!(guessed.id(), fixture.handle.id());
        assert!(fixture.codec.open_identity(&record, &guessed).is_none());
        assert!(fixture.codec.open_tokens(&record, &guessed).is_none());
        // Under the key that the guess leads to nothing lies, and what lies elsewhere does not open there.
        let moved = fixture.codec.open(&guessed.store_key(), fixture.seal(&Seeded::new(4)));
        assert_eq!(moved.unwrap_err(), Unreadable);
    }
}

#[test]
fn record_that_could_not_be_read_back_is_not_written() {
    let mut fixture = fixture(1);
    fixture.identity.data.insert("note".to_owned(), "x".repeat(600_000));
    let seal = |tokens: &Tokens| {
        fixture.codec.seal(
            &Seeded::new(4),
            &fixture.handle,
            &fixture.control,
            &fixture.summary,
            &fixture.identity,
            TokenPart::New(tokens),
        )
    };
    let fits = seal(&tokens(300_000, 0)).unwrap();
    assert!(fixture.access_token(&fits).is_some());
    let refused = seal(&tokens(500_000, 0)).unwrap_err();
    assert_eq!(refused, SealSessionError::Seal(SealError::TooLarge));
}

#[test]
fn record_of_another_tenant_or_provider_says_so() {
    let fixture = fixture(1);
    let record = fixture.open(&fixture.seal(&Seeded::new(4))).unwrap();
    let summary = record.summary().unwrap();
    assert_eq!((summary.tenant.as_str(), summary.subject.as_str()), ("acme", "alice"));
    let opened = fixture.codec.open_identity(&record, &fixture.handle).unwrap();
    assert_eq!(opened.tenant(), "acme");
    assert!(!opened.is_of_provider(crate::session::provider_tag("https://other.example app")));
}

#[test]
fn lease_is_written_without_the_browser_and_keeps_the_other_parts() {
    let fixture = fixture(1);
    let random = Seeded::new(4);
    let bytes = fixture.seal(&random);
    let before = fixture.open(&bytes).unwrap();
    let mut control = fixture.control.clone();
    control.fence += 1;
    let key = fixture.handle.store_key();
    let leased = fixture.codec.seal_control(&random, &key, &control, &before).unwrap();
    let record = fixture.open(&leased).unwrap();
    assert_eq!(*record.control(), control);
    assert_eq!(record.summary(), Some(summary()));
    assert_eq!(parts(&leased)[1..], parts(&bytes)[1..]);
    assert_ne!(parts(&leased)[0], parts(&bytes)[0]);
    assert!(fixture.access_token(&leased).is_some());
}

#[test]
fn tombstone_holds_nothing_but_the_end() {
    // attacks: M10
    let fixture = fixture(1);
    let random = Seeded::new(4);
    let before = fixture.open(&fixture.seal(&random)).unwrap();
    let mut ended = fixture.control.clone();
    ended.standing = Standing::Ended;
    let key = fixture.handle.store_key();
    let tombstone = Control::tombstone(at(43_200));
    for (bytes, control) in [
        (
            fixture.codec.seal_control(&random, &key, &ended, &before).unwrap(),
            ended,
        ),
        (
            fixture.codec.seal_tombstone(&random, &key, &tombstone).unwrap(),
            tombstone,
        ),
    ] {
        let record = fixture.open(&bytes).unwrap();
        assert_eq!(*record.control(), control);
        assert_eq!(record.summary(), None);
        assert!(record.is_current());
        assert!(fixture.codec.open_identity(&record, &fixture.handle).is_none());
        assert!(fixture.codec.open_tokens(&record, &fixture.handle).is_none());
        assert_eq!(parts(&bytes)[1..], [&b""[..], b""]);
    }
}

#[test]
fn without_randomness_no_record_is_sealed() {
    let fixture = fixture(1);
    let before = fixture.open(&fixture.seal(&Seeded::new(4))).unwrap();
    let (codec, key, control) = (&fixture.codec, fixture.handle.store_key(), &fixture.control);
    let sealed = codec.seal(
        &NoRandom,
        &fixture.handle,
        control,
        &fixture.summary,
        &fixture.identity,
        TokenPart::Kept(&before),
    );
    assert!(matches!(
        sealed,
        Err(SealSessionError::Seal(SealError::Random(_)) | SealSessionError::Random(_))
    ));
    assert!(codec.seal_control(&NoRandom, &key, control, &before).is_err());
    assert!(codec.seal_tombstone(&NoRandom, &key, control).is_err());
}

#[test]
fn debug_output_of_a_record_hides_its_parts() {
    // attacks: N5
    let fixture = fixture(1);
    let record = fixture.open(&fixture.seal(&Seeded::new(4))).unwrap();
    let printed = format!("{record:?} {:?}", fixture.codec);
    for secret in ["hunter2", "alice", "acme", "sid-1", "id.example"] {
        assert!(!printed.contains(secret), "{secret} in {printed}");
    }
}
