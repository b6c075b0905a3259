//! `Set-Cookie` as browsers read it: draft-ietf-httpbis-rfc6265bis, section 5.6.

use std::time::Duration;

/// The longest that a cookie may live, section 5.5: 400 days.
const LONGEST_LIFE: i64 = 400 * 24 * 3600;

/// The `SameSite` attribute of a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SameSiteRule {
    /// None given: browsers treat it as `Lax`.
    Default,
    /// Sent with requests of the same site, and with top-level navigations by a safe method.
    Lax,
    /// Sent with requests of the same site only.
    Strict,
    /// Always sent; browsers demand `Secure` with it.
    None,
}

/// Why a browser would not take a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CookieRefused {
    /// A control character somewhere in it.
    ControlCharacter,
    /// Name and value together exceed 4,096 bytes.
    TooLarge,
    /// Neither a name nor a value.
    Empty,
    /// `Domain` does not cover the host that set it, or is a whole public suffix.
    ForeignDomain,
    /// `Secure`, set over plain http.
    SecureOverHttp,
    /// Would cover a `Secure` cookie of the same name from plain http.
    WouldOverwriteSecure,
    /// `__Secure-` without `Secure`.
    SecurePrefix,
    /// `__Host-` without `Secure` or `Path=/`, or with `Domain`.
    HostPrefix,
    /// `SameSite=None` without `Secure`.
    NoneWithoutSecure,
    /// Not `SameSite=None`, and set by an answer in a cross-site context.
    CrossSite,
    /// A script set `HttpOnly`, or would overwrite a cookie that has it.
    HttpOnlyFromScript,
}

/// What stands in one `Set-Cookie` header, not yet judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parsed {
    pub(super) name: String,
    pub(super) value: String,
    /// Seconds to live; zero or less deletes.
    pub(super) life: Option<i64>,
    pub(super) domain: Option<String>,
    pub(super) path: Option<String>,
    pub(super) secure: bool,
    pub(super) http_only: bool,
    pub(super) same_site: SameSiteRule,
}

impl Parsed {
    /// Reads one header value; `now` is seconds since the epoch, for `Expires`.
    pub(super) fn read(header: &str, now: u64) -> Result<Self, CookieRefused> {
        // Step 1: any control character but the tab drops the whole cookie.
        if header
            .bytes()
            .any(|byte| (byte < 0x20 && byte != b'\t') || byte == 0x7f)
        {
            return Err(CookieRefused::ControlCharacter);
        }
        let mut pieces = header.split(';');
        let pair = pieces.next().unwrap_or_default();
        let (name, value) = pair.split_once('=').unwrap_or(("", pair));
        let (name, value) = (trim(name), trim(value));
        if name.is_empty() && value.is_empty() {
            return Err(CookieRefused::Empty);
        }
        if name.len() + value.len() > 4_096 {
            return Err(CookieRefused::TooLarge);
        }
        let mut parsed = Self {
            name: name.to_owned(),
            value: value.to_owned(),
            life: None,
            domain: None,
            path: None,
            secure: false,
            http_only: false,
            same_site: SameSiteRule::Default,
        };
        let (mut max_age, mut expires) = (None, None);
        for piece in pieces {
            let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
            let (name, value) = (trim(name), trim(value));
            if value.len() > 1_024 {
                continue;
            }
            match name.to_ascii_lowercase().as_str() {
                "max-age" => max_age = read_max_age(value).or(max_age),
                "expires" => expires = cookie_date(value).or(expires),
                "domain" => {
                    let domain = value.strip_prefix('.').unwrap_or(value);
                    parsed.domain = Some(domain.to_ascii_lowercase());
                }
                "path" => {
                    parsed.path = Some(value.to_owned()).filter(|path| path.starts_with('/'));
                }
                "secure" => parsed.secure = true,
                "httponly" => parsed.http_only = true,
                "samesite" => {
                    parsed.same_site = match value.to_ascii_lowercase().as_str() {
                        "none" => SameSiteRule::None,
                        "strict" => SameSiteRule::Strict,
                        "lax" => SameSiteRule::Lax,
                        _ => SameSiteRule::Default,
                    };
                }
                _ => {}
            }
        }
        // Max-Age wins over Expires, section 5.7 step 3.
        parsed.life = max_age
            .or_else(|| expires.map(|at| at - i64::try_from(now).unwrap_or(i64::MAX)))
            .map(|life| life.min(LONGEST_LIFE));
        Ok(parsed)
    }

    /// The time to live as a duration; `None` where the cookie is to be deleted or has no end.
    pub(super) fn duration(&self) -> Option<Duration> {
        let life = self.life?;
        u64::try_from(life)
            .ok()
            .filter(|life| *life > 0)
            .map(Duration::from_secs)
    }
}

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

fn read_max_age(value: &str) -> Option<i64> {
    let digits = value.strip_prefix('-').unwrap_or(value);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    if value.starts_with('-') {
        return Some(0);
    }
    Some(digits.parse().unwrap_or(i64::MAX))
}

/// Reads a cookie date, section 5.1.1, as seconds since the epoch.
fn cookie_date(text: &str) -> Option<i64> {
    let (mut time, mut day, mut month, mut year) = (None, None, None, None);
    let is_delimiter = |byte: char| matches!(byte, '\t' | ' '..='/' | ';'..='@' | '['..='`' | '{'..='~');
    for token in text.split(is_delimiter).filter(|token| !token.is_empty()) {
        if time.is_none() && token.contains(':') {
            let mut fields = token.splitn(3, ':').map(|field| field.parse::<i64>().ok());
            time = Some((fields.next()??, fields.next()??, fields.next()??));
        } else if let (None, true, Ok(number)) = (day, token.len() <= 2, token.parse::<i64>()) {
            day = Some(number);
        } else if let (None, Some(number)) = (month, month_number(token)) {
            month = Some(number);
        } else if let (None, true, Ok(number)) = (year, token.len() <= 4, token.parse::<i64>()) {
            year = Some(match number {
                70..=99 => number + 1900,
                0..=69 => number + 2000,
                full => full,
            });
        }
    }
    let ((hour, minute, second), day, month, year) = (time?, day?, month?, year?);
    let valid = (1..=31).contains(&day)
        && year >= 1601
        && (0..24).contains(&hour)
        && (0..60).contains(&minute)
        && (0..60).contains(&second);
    valid.then(|| days_since_epoch(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second)
}

fn month_number(token: &str) -> Option<i64> {
    const MONTHS: [&str; 12] = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ];
    let start = token.get(..3)?.to_ascii_lowercase();
    let index = MONTHS.iter().position(|month| *month == start)?;
    i64::try_from(index + 1).ok()
}

/// Days of the proleptic Gregorian calendar, counted in years that begin with March.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_read_as_browsers_read_them() {
        let parsed = Parsed::read(
            "a = b=c ; path=/x;Max-Age=60; SECURE ;httponly;SameSite=strict; Domain=.Example.COM",
            0,
        )
        .unwrap();
        assert_eq!((parsed.name.as_str(), parsed.value.as_str()), ("a", "b=c"));
        assert_eq!(parsed.path.as_deref(), Some("/x"));
        assert_eq!(parsed.domain.as_deref(), Some("example.com"));
        assert_eq!(parsed.life, Some(60));
        assert!(parsed.secure && parsed.http_only);
        assert_eq!(parsed.same_site, SameSiteRule::Strict);
    }

    #[test]
    fn max_age_wins_over_expires_and_is_capped() {
        let read = |text: &str| Parsed::read(text, 1_000).unwrap().life;
        assert_eq!(read("a=b; Max-Age=5; Expires=Thu, 01 Jan 1970 00:00:00 GMT"), Some(5));
        assert_eq!(read("a=b; Expires=Thu, 01 Jan 1970 00:00:00 GMT"), Some(-1_000));
        assert_eq!(read("a=b; Expires=Thu, 01-Jan-70 01:00:00 GMT"), Some(2_600));
        assert_eq!(read("a=b; Max-Age=999999999999999999999"), Some(LONGEST_LIFE));
        assert_eq!(read("a=b; Max-Age=-5"), Some(0));
        assert_eq!(read("a=b; Max-Age=5x"), None);
        assert_eq!(read("a=b; Expires=never"), None);
        assert_eq!(read("a=b"), None);
    }

    #[test]
    fn dates_fall_on_the_right_second() {
        assert_eq!(cookie_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(cookie_date("Sun Nov  6 08:49:37 1994"), Some(784_111_777));
        assert_eq!(cookie_date("Thu, 29 Feb 2024 23:59:59 GMT"), Some(1_709_251_199));
        for wrong in [
            "",
            "32 Jan 2024 00:00:00",
            "1 Jan 2024",
            "1 Jan 2024 24:00:00",
            "1 Foo 2024 00:00:00",
        ] {
            assert_eq!(cookie_date(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_no_browser_takes_is_refused() {
        let refused = |text: &str| Parsed::read(text, 0).unwrap_err();
        assert_eq!(refused("a=b\u{1}"), CookieRefused::ControlCharacter);
        assert_eq!(refused("a=b\r\nx: y"), CookieRefused::ControlCharacter);
        assert_eq!(refused("="), CookieRefused::Empty);
        assert_eq!(refused("; Path=/"), CookieRefused::Empty);
        assert_eq!(refused(&format!("a={}", "x".repeat(4_096))), CookieRefused::TooLarge);
        assert!(Parsed::read(&format!("a={}", "x".repeat(4_095)), 0).is_ok());
    }
}
