//! Which members and elements are named by the settings.

use super::hide::Method;

/// How many fields there can be: one bit for each.
pub(super) const FIELDS_MAX: usize = 64;

/// The fields that are hidden, those first that are named most exactly.
#[derive(Debug, Default)]
pub(super) struct Fields(Vec<Field>);

#[derive(Debug)]
struct Field {
    tokens: Vec<Token>,
    method: Method,
}

/// A reference token of a pointer.
#[derive(Debug, PartialEq, Eq)]
enum Token {
    /// `*`: each member and each element.
    Each,
    /// A member with this key, or the element with this index.
    One { key: String, index: Option<usize> },
}

/// The fields that a place in the record can lie on the way to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ways {
    /// One bit for each.
    bits: u64,
    /// How many containers the place lies in.
    depth: usize,
}

/// What the settings say of a member or an element.
#[derive(Debug, Clone, Copy)]
pub(super) enum Named {
    /// It is a field that is hidden.
    Field(Method),
    /// It may have some within it.
    Way(Ways),
}

impl Ways {
    /// Whether there is nothing at the end of them.
    pub(super) fn is_empty(self) -> bool {
        self.bits == 0
    }
}

impl Fields {
    /// Adds the one that `pointer` names, of which there are fewer than [`FIELDS_MAX`] as yet.
    pub(super) fn add(&mut self, pointer: &str, method: Method) {
        let tokens = pointer.split('/').skip(1).map(Token::new).collect();
        let field = Field { tokens, method };
        // The first one that names something counts.
        let behind = self.0.partition_point(|it| it.stars().le(field.stars()));
        self.0.insert(behind, field);
    }

    /// The ways that start at the record as a whole.
    pub(super) fn ways(&self) -> Ways {
        let bits = match self.0.len() {
            FIELDS_MAX => u64::MAX,
            count => (1 << count) - 1,
        };
        Ways { bits, depth: 0 }
    }

    /// What is said of the member with this key.
    #[inline]
    pub(super) fn member(&self, ways: Ways, key: &[u8]) -> Named {
        if ways.is_empty() {
            return Named::Way(ways);
        }
        self.named(ways, |token| token.has_key(key))
    }

    /// What is said of the element with this index.
    #[inline]
    pub(super) fn element(&self, ways: Ways, index: usize) -> Named {
        if ways.is_empty() {
            return Named::Way(ways);
        }
        self.named(ways, |token| token.has_index(index))
    }

    fn named(&self, ways: Ways, is_meant: impl Fn(&Token) -> bool) -> Named {
        let (mut bits, mut left) = (0, ways.bits);
        while left != 0 {
            let number = left.trailing_zeros();
            left &= left - 1;
            let Field { tokens, method } = &self.0[number as usize];
            if is_meant(&tokens[ways.depth]) {
                if tokens.len() == ways.depth + 1 {
                    return Named::Field(*method);
                }
                bits |= 1 << number;
            }
        }
        Named::Way(Ways {
            bits,
            depth: ways.depth + 1,
        })
    }
}

impl Field {
    /// Which tokens are a star. Of two fields for the same place the one in which a star comes later is meant more
    /// exactly: it is the lesser one here.
    fn stars(&self) -> impl Iterator<Item = bool> {
        self.tokens.iter().map(|token| *token == Token::Each)
    }
}

impl Token {
    fn new(written: &str) -> Self {
        if written == "*" {
            return Self::Each;
        }
        let is_padded = written.starts_with('+') || (written.starts_with('0') && written.len() > 1);
        let index = written.parse().ok().filter(|_| !is_padded);
        let key = written.replace("~1", "/").replace("~0", "~");
        Self::One { key, index }
    }

    fn has_key(&self, wanted: &[u8]) -> bool {
        match self {
            Self::Each => true,
            Self::One { key, .. } => key.as_bytes() == wanted,
        }
    }

    fn has_index(&self, wanted: usize) -> bool {
        match self {
            Self::Each => true,
            Self::One { index, .. } => *index == Some(wanted),
        }
    }
}
