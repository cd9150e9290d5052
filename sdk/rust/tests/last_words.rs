//! Where a panic about the use of the SDK says that it happened. Alone in its process: the hook for panics is the process's.

use std::panic;
use std::sync::Mutex;

use tamis_sdk::{ConfigError, Fate, Plugin, Record, testing};

static PLACE: Mutex<Option<(String, u32)>> = Mutex::new(None);

struct Forgetful;

const LINE: u32 = line!() + 10;

impl Plugin for Forgetful {
    type Settings = ();

    fn new((): ()) -> Result<Self, ConfigError> {
        Ok(Self)
    }

    fn process(&mut self, record: &mut Record<'_>) -> Fate {
        let _key = record.key();
        Fate::Keep
    }
}

#[test]
fn metadata_that_was_not_asked_for_is_a_panic_in_the_line_of_the_plugin() {
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(|it| (it.file().to_owned(), it.line()));
        *PLACE.lock().unwrap() = place;
    }));
    let ended = panic::catch_unwind(|| testing::run::<Forgetful>("null", &["{}".into()]));
    assert!(ended.is_err());
    let place = PLACE.lock().unwrap().clone().unwrap();
    assert!(
        place.0.ends_with("last_words.rs") && place.1 == LINE,
        "{place:?}"
    );
}
