//! A cap on what a server may answer, held where its bytes arrive.
//!
//! The client library reads a reply of any size into memory before anybody sees it. This reads along, only lengths and counts,
//! and ends the connection at the first that no answer of ours can have.

/// The most bytes of one reply, nested ones included.
///
/// The largest honest one is a record of a mebibyte with its version, or a page of a list: about a thousand members of 32 bytes
/// with a score each, or a whole list in its compact form.
const MAX_REPLY: usize = 2 * 1024 * 1024;
/// The most elements of one reply.
const MAX_ELEMENTS: usize = 100_000;
/// The longest line: a status, an error, a number.
const MAX_LINE: usize = 8 * 1024;
/// The longest length or count, with its sign.
const MAX_DIGITS: usize = 11;

/// Follows the replies of one connection.
#[derive(Default)]
pub(crate) struct ReplyLimit {
    place: Place,
    /// Elements that the reply still lacks; zero between replies.
    lacking: usize,
    /// Bytes and elements of this reply so far.
    bytes: usize,
    elements: usize,
}

/// A reply that no question of ours can have.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("reply is larger than any that was asked for, or none at all")]
pub(crate) struct Excessive;

#[derive(Default)]
enum Place {
    /// Before the byte that tells an element's kind.
    #[default]
    Begin,
    /// In a line whose content is no length.
    Line { length: usize, ending: bool },
    /// In a length or count; `kind` says of what.
    Number {
        kind: u8,
        negative: bool,
        value: usize,
        digits: usize,
    },
    /// After the carriage return of a length or count.
    NumberEnd { kind: u8, negative: bool, value: usize },
    /// In bytes whose number was told, their line end included.
    Bytes { left: usize },
}

impl ReplyLimit {
    /// Reads along.
    pub(crate) fn take(&mut self, mut bytes: &[u8]) -> Result<(), Excessive> {
        while let [byte, rest @ ..] = bytes {
            if let Place::Bytes { left } = self.place {
                // Content is stepped over at once.
                let step = left.min(bytes.len());
                bytes = bytes.get(step..).unwrap_or_default();
                self.count(step)?;
                self.place = Place::Bytes { left: left - step };
                if left == step {
                    self.end_of_element(0)?;
                }
                continue;
            }
            bytes = rest;
            self.count(1)?;
            self.step(*byte)?;
        }
        Ok(())
    }

    fn step(&mut self, byte: u8) -> Result<(), Excessive> {
        match (&mut self.place, byte) {
            (Place::Begin, b'+' | b'-' | b':' | b'_' | b',' | b'#' | b'(') => {
                self.place = Place::Line {
                    length: 0,
                    ending: false,
                };
            }
            (Place::Begin, kind @ (b'$' | b'!' | b'=' | b'*' | b'~' | b'>' | b'%' | b'|')) => {
                self.place = Place::Number {
                    kind,
                    negative: false,
                    value: 0,
                    digits: 0,
                };
            }
            (Place::Line { ending: true, .. }, b'\n') => self.end_of_element(0)?,
            (Place::Line { length, ending }, _) => {
                *length += 1;
                *ending = byte == b'\r';
                if *length > MAX_LINE {
                    return Err(Excessive);
                }
            }
            (
                Place::Number {
                    negative, digits: 0, ..
                },
                b'-',
            ) if !*negative => *negative = true,
            (Place::Number { value, digits, .. }, b'0'..=b'9') if *digits < MAX_DIGITS => {
                *value = *value * 10 + usize::from(byte - b'0');
                *digits += 1;
            }
            (
                Place::Number {
                    kind,
                    negative,
                    value,
                    digits: 1..,
                },
                b'\r',
            ) => {
                self.place = Place::NumberEnd {
                    kind: *kind,
                    negative: *negative,
                    value: *value,
                };
            }
            (Place::NumberEnd { kind, negative, value }, b'\n') => {
                let (kind, negative, value) = (*kind, *negative, *value);
                self.announced(kind, negative, value)?;
            }
            _ => return Err(Excessive),
        }
        Ok(())
    }

    /// A length or count is complete.
    fn announced(&mut self, kind: u8, negative: bool, value: usize) -> Result<(), Excessive> {
        match kind {
            // "Nothing", in the older protocol.
            b'$' | b'*' if negative && value == 1 => self.end_of_element(0),
            _ if negative => Err(Excessive),
            b'$' | b'!' | b'=' => {
                if value > MAX_REPLY {
                    return Err(Excessive);
                }
                self.place = Place::Bytes { left: value + 2 };
                Ok(())
            }
            _ if value > MAX_ELEMENTS => Err(Excessive),
            b'%' => self.end_of_element(2 * value),
            // What is described follows what describes it.
            b'|' => self.end_of_element(2 * value + 1),
            _ => self.end_of_element(value),
        }
    }

    /// An element is over, or begun where it has elements of its own.
    fn end_of_element(&mut self, inner: usize) -> Result<(), Excessive> {
        self.place = Place::Begin;
        self.elements += 1 + inner;
        if self.elements > MAX_ELEMENTS {
            return Err(Excessive);
        }
        self.lacking = self.lacking.saturating_sub(1) + inner;
        if self.lacking == 0 {
            self.bytes = 0;
            self.elements = 0;
        }
        Ok(())
    }

    fn count(&mut self, step: usize) -> Result<(), Excessive> {
        self.bytes += step;
        if self.bytes > MAX_REPLY + MAX_LINE {
            return Err(Excessive);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The verdict must not depend on how the bytes are cut.
    fn check(bytes: &[u8]) -> Result<(), Excessive> {
        let whole = ReplyLimit::default().take(bytes);
        for size in [1, 3, 7] {
            let mut limit = ReplyLimit::default();
            let cut = bytes.chunks(size).try_for_each(|chunk| limit.take(chunk));
            assert_eq!(cut, whole, "in pieces of {size}");
        }
        whole
    }

    #[test]
    fn replies_of_every_kind_pass_one_after_the_other() {
        let replies: &[&[u8]] = &[
            b"+OK\r\n",
            b"-ERR \r no\r\n",
            b":12\r\n",
            b"$5\r\n\r\n$9x\r\n",
            b"$-1\r\n",
            b"$0\r\n\r\n",
            b"*0\r\n",
            b"*-1\r\n",
            b"*2\r\n$1\r\n0\r\n*2\r\n,1.5\r\n_\r\n",
            b"%2\r\n+a\r\n:1\r\n+b\r\n*1\r\n#t\r\n",
            b"|1\r\n+ttl\r\n:1\r\n:7\r\n",
            b">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nxy\r\n",
            b"~1\r\n(123\r\n",
            b"=5\r\ntxt:x\r\n",
            b"!5\r\nERR x\r\n",
        ];
        let mut all = Vec::new();
        for _ in 0..200 {
            for reply in replies {
                all.extend_from_slice(reply);
            }
        }
        assert_eq!(check(&all), Ok(()));
    }

    #[test]
    fn many_large_replies_pass_and_one_too_large_does_not() {
        let mut limit = ReplyLimit::default();
        let mut reply = b"$1048589\r\n".to_vec();
        reply.resize(reply.len() + 1_048_589, b'x');
        reply.extend_from_slice(b"\r\n");
        for _ in 0..10 {
            assert_eq!(limit.take(&reply), Ok(()));
        }
        let mut nested = b"*3\r\n".to_vec();
        nested.extend_from_slice(&reply);
        nested.extend_from_slice(&reply);
        nested.extend_from_slice(&reply);
        assert_eq!(
            ReplyLimit::default().take(&nested),
            Err(Excessive),
            "together they are too much"
        );
    }

    #[test]
    fn lengths_and_counts_beyond_every_answer_are_refused_before_a_byte_of_it_comes() {
        for refused in [
            "$2147483647\r\n",
            "$99999999999999999999\r\n",
            "$-2\r\n",
            "$x\r\n",
            "$\r\n",
            "$1\n",
            "$--1\r\n",
            "*1000000000\r\n",
            "*-2\r\n",
            "%100001\r\n",
            "%60000\r\n",
            "|-1\r\n",
            "=-1\r\n",
            "HTTP/1.1 400 Bad Request\r\n",
            "\r\n",
            "\0",
        ] {
            assert_eq!(check(refused.as_bytes()), Err(Excessive), "{refused:?}");
        }
    }

    #[test]
    fn counts_within_counts_add_up() {
        let nested = "*100\r\n".repeat(2_000);
        assert_eq!(check(nested.as_bytes()), Err(Excessive));
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let mut line = b"+".to_vec();
        line.resize(MAX_LINE + 10, b'a');
        assert_eq!(check(&line), Err(Excessive));
    }
}
