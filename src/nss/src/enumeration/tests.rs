use super::*;
use domlogon_protocol::client::CallError;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

/// A domain whose users have these ids; `page` ids are looked at for each page, and
/// those that end in 7 are left out of it.
struct Domain {
    ids: Vec<u32>,
    page: usize,
    asked: AtomicUsize,
}

impl Domain {
    fn new(ids: impl IntoIterator<Item = u32>, page: usize) -> Self {
        Self {
            ids: ids.into_iter().collect(),
            page,
            asked: AtomicUsize::new(0),
        }
    }
}

impl Source for Domain {
    fn ask(&self, request: &Request) -> Result<Reply, CallError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let &Request::Users(after) = request else {
            panic!("{request:?}")
        };
        let above: Vec<u32> = self.ids.iter().copied().filter(|id| *id > after).collect();
        let seen = &above[..self.page.min(above.len())];
        let shown = seen.iter().filter(|id| **id % 10 != 7);
        Ok(Reply::Users(Page {
            entries: shown.map(|id| user(*id)).collect(),
            next: (above.len() > seen.len()).then(|| seen[seen.len() - 1]),
        }))
    }
}

fn user(uid: u32) -> User {
    User {
        name: format!("u{uid}"),
        uid,
        gid: 2000,
        full_name: String::new(),
        home: "/".to_owned(),
        shell: "/bin/sh".to_owned(),
    }
}

fn all(list: &Enumeration<User>, source: &impl Source) -> Vec<u32> {
    let mut found = Vec::new();
    loop {
        let given = list.next(source, |user| {
            found.push(user.uid);
            Ok(())
        });
        match given {
            Ok(()) => {}
            Err(failure) => {
                assert_eq!(failure, Failure::NotFound);
                return found;
            }
        }
    }
}

#[test]
fn every_entry_is_given_once_in_few_requests() {
    let domain = Domain::new((2000..2100).chain([999, 5]), 9);
    let list = Enumeration::<User>::new();
    let wanted: Vec<u32> = (2000..2100).filter(|id| id % 10 != 7).collect();
    assert_eq!(all(&list, &domain), wanted);
    assert_eq!(domain.asked.load(Ordering::Relaxed), 12);
    // At the end it stays, until it is started anew.
    assert_eq!(all(&list, &domain), [0; 0]);
    assert_eq!(domain.asked.load(Ordering::Relaxed), 12);
    list.restart();
    assert_eq!(all(&list, &domain), wanted);
}

#[test]
fn pages_with_nothing_to_show_are_not_the_end() {
    let domain = Domain::new([2007, 2017, 2027, 2037, 2040], 1);
    assert_eq!(all(&Enumeration::new(), &domain), [2040]);
    let nothing = Domain::new([2007], 1);
    assert_eq!(all(&Enumeration::new(), &nothing), [0; 0]);
    assert_eq!(all(&Enumeration::new(), &Domain::new([], 1)), [0; 0]);
}

#[test]
fn what_did_not_fit_is_given_again() {
    let domain = Domain::new(2000..2003, 10);
    let list = Enumeration::<User>::new();
    for _ in 0..3 {
        let given = list.next(&domain, |user| {
            assert_eq!(user.uid, 2000);
            Err(Failure::TooSmall)
        });
        assert_eq!(given, Err(Failure::TooSmall));
    }
    assert_eq!(all(&list, &domain), [2000, 2001, 2002]);
    assert_eq!(domain.asked.load(Ordering::Relaxed), 1);
}

#[test]
fn eight_threads_share_one_list() {
    let domain = Domain::new(2000..4000, 100);
    let list = Enumeration::<User>::new();
    // An entry that was lost to another thread is given to the closure, but not returned.
    let mut found: Vec<u32> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let mut mine = Vec::new();
                    let mut id = 0;
                    while list
                        .next(&domain, |user| {
                            id = user.uid;
                            Ok(())
                        })
                        .is_ok()
                    {
                        mine.push(id);
                    }
                    mine
                })
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    found.sort_unstable();
    let wanted: Vec<u32> = (2000..4000).filter(|id| id % 10 != 7).collect();
    assert_eq!(found, wanted);
}

#[test]
fn a_lock_that_is_never_released_holds_nobody_up() {
    // As in a child that was forked while another thread held it.
    let domain = Domain::new(2000..2005, 10);
    let list = Enumeration::<User>::new();
    let _held = list.kept.lock().unwrap();
    list.restart();
    assert_eq!(all(&list, &domain), [2000, 2001, 2002, 2003, 2004]);
    list.restart();
    assert_eq!(all(&list, &domain).len(), 5);
}

#[test]
fn a_daemon_that_goes_round_in_circles_is_refused() {
    struct Circle(Option<u32>, Duration);
    impl Source for Circle {
        fn ask(&self, request: &Request) -> Result<Reply, CallError> {
            let &Request::Users(after) = request else {
                panic!("{request:?}")
            };
            let next = self.0.or(Some(after + 1));
            std::thread::sleep(self.1);
            let entries = Vec::new();
            Ok(Reply::Users(Page { entries, next }))
        }
        fn limit(&self) -> Duration {
            Duration::from_millis(50)
        }
    }
    let next = |circle| Enumeration::<User>::new().next(&circle, |_| Ok(()));
    let same = next(Circle(Some(0), Duration::ZERO));
    assert_eq!(same, Err(Failure::Broken));
    let endless = next(Circle(None, Duration::from_millis(10)));
    assert_eq!(endless, Err(Failure::Timeout));
    struct Wrong;
    impl Source for Wrong {
        fn ask(&self, _: &Request) -> Result<Reply, CallError> {
            Ok(Reply::User(None))
        }
    }
    let wrong = Enumeration::<Group>::new().next(&Wrong, |_| Ok(()));
    assert_eq!(wrong, Err(Failure::Broken));
}
