//! A session in use: until when it may be used, and whether it still is.

use super::idle_table::{self, SharedStore, SlotKey};
use super::key_ring::Validity;
use super::session_policy::SessionPolicy;

/// A session in the hands of one exchange.
#[derive(Debug)]
pub struct ActiveSession {
    end: u64,
    idle: Option<Idle>,
}

#[derive(Debug)]
struct Idle {
    seconds: u64,
    slot_key: SlotKey,
    /// The latest use that this exchange knows of; the session's beginning counts as one.
    last: u64,
}

impl ActiveSession {
    pub(super) fn new(sessions: &SessionPolicy, validity: Validity, slot_key: SlotKey) -> ActiveSession {
        let last = validity.begin.unwrap_or(0);
        let idle = sessions.idle_seconds.map(|seconds| Idle { seconds, slot_key, last });
        ActiveSession { end: validity.end, idle }
    }

    /// Notes that the session is used now (Unix seconds). `false`: it is over, having lasted as long as it may, or not
    /// having been used for too long.
    pub fn renew(&mut self, now: u64, store: &dyn SharedStore) -> bool {
        let in_use =
            |idle: &mut Idle| idle_table::renew(store, idle.slot_key, idle.seconds, &mut idle.last, now);
        now < self.end && self.idle.as_mut().is_none_or(in_use)
    }

    /// Whether its uses are noted.
    pub fn has_idle_limit(&self) -> bool {
        self.idle.is_some()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::arithmetic_side_effects, reason = "tests")]
    use super::super::binding::Binding;
    use super::super::idle_table::tests::Memory;
    use super::super::key_ring::{Key, KeyRing, OpenError, Purpose};
    use super::*;

    const NOW: u64 = 1_795_213_260;
    const WHOSE: Binding = Binding::NOBODY;

    fn sessions(lifetime_seconds: u64, idle_seconds: Option<u64>) -> SessionPolicy {
        let keys = KeyRing::new(vec![Key::new([1; 32])]).unwrap();
        SessionPolicy { keys, lifetime_seconds, idle_seconds }
    }

    fn begun(sessions: &SessionPolicy) -> String {
        sessions.begin(Purpose::Session, "server-7", WHOSE, NOW).unwrap().0
    }

    fn resumed(
        sessions: &SessionPolicy,
        sealed: &str,
        now: u64,
        store: &Memory,
    ) -> Result<String, OpenError> {
        sessions.resume(Purpose::Session, sealed, WHOSE, now, store).map(|(text, _)| text)
    }

    #[test]
    fn a_session_ends_by_its_lifetime_however_often_it_is_used() {
        let (limited, store) = (sessions(600, Some(100)), Memory::default());
        let sealed = begun(&limited);
        for second in (0..600).step_by(50) {
            assert_eq!(resumed(&limited, &sealed, NOW + second, &store).as_deref(), Ok("server-7"));
        }
        assert_eq!(resumed(&limited, &sealed, NOW + 600, &store), Err(OpenError::Expired));
    }

    #[test]
    fn a_session_that_nobody_uses_is_over() {
        let (limited, store) = (sessions(600, Some(100)), Memory::default());
        let sealed = begun(&limited);
        assert_eq!(resumed(&limited, &sealed, NOW + 99, &store).as_deref(), Ok("server-7"));
        assert_eq!(resumed(&limited, &sealed, NOW + 199, &store), Err(OpenError::Expired));
        assert_eq!(resumed(&limited, &sealed, NOW + 200, &store), Err(OpenError::Expired));
        // Nor at another proxy with the same key, which never saw it.
        assert_eq!(resumed(&limited, &sealed, NOW + 199, &Memory::default()), Err(OpenError::Expired));
    }

    #[test]
    fn a_stream_that_is_open_is_a_use() {
        let (limited, store) = (sessions(600, Some(100)), Memory::default());
        let (sealed, mut stream) = limited.begin(Purpose::Endpoint, "s=7", WHOSE, NOW).unwrap();
        for second in 0..=300 {
            assert!(stream.renew(NOW + second, &store));
        }
        let resume = |now| limited.resume(Purpose::Endpoint, &sealed, WHOSE, now, &store).map(|_| ());
        assert_eq!((resume(NOW + 387), resume(NOW + 487)), (Ok(()), Err(OpenError::Expired)));
        assert!(!stream.renew(NOW + 600, &store), "until the session's end");
    }

    #[test]
    fn a_change_of_the_configuration_lets_no_idle_session_through() {
        let store = Memory::default();
        let (long, short) = (sessions(6000, Some(100)), sessions(600, Some(100)));
        for (before, after) in [(&long, &short), (&short, &long)] {
            let sealed = begun(before);
            assert_eq!(resumed(after, &sealed, NOW + 99, &Memory::default()).as_deref(), Ok("server-7"));
            for second in [100, 500, 599, 5500, 5999] {
                assert_eq!(resumed(after, &sealed, NOW + second, &store), Err(OpenError::Expired));
            }
        }
    }

    #[test]
    fn a_limit_ends_what_began_without_one_and_without_a_limit_nothing_is_remembered() {
        let (limited, unlimited, store) = (sessions(600, Some(100)), sessions(600, None), Memory::default());
        let sealed = begun(&unlimited);
        assert_eq!(resumed(&limited, &sealed, NOW, &store), Err(OpenError::Expired));
        assert_eq!(resumed(&unlimited, &sealed, NOW + 599, &store).as_deref(), Ok("server-7"));
        store.broken.set(true);
        assert_eq!(resumed(&unlimited, &begun(&limited), NOW + 599, &store).as_deref(), Ok("server-7"));
    }
}
