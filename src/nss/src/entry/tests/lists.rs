//! getpwent and getgrent.

use super::stage::*;
use super::*;
use domlogon_protocol::directory::Page;
use domlogon_protocol::{Reply, Request};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

fn all_users(stage: &Stage) -> Vec<u32> {
    let mut found = Vec::new();
    loop {
        match stage.next_user() {
            (status::SUCCESS, 77, Some(user)) => found.push(user.uid),
            (status::NOTFOUND, libc::ENOENT, None) => return found,
            other => panic!("{other:?} after {found:?}"),
        }
    }
}

/// A daemon whose users have these ids; `page` ids are looked at for each page, and those that
/// end in 7 are left out of it.
fn serve_users(stage: &Stage, ids: Vec<u32>, page: usize) -> Arc<AtomicUsize> {
    stage.serve(move |request| {
        let &Request::Users(after) = request else {
            return None;
        };
        let above: Vec<u32> = ids.iter().copied().filter(|id| *id > after).collect();
        let seen = &above[..page.min(above.len())];
        let shown = seen.iter().filter(|id| **id % 10 != 7);
        Some(Reply::Users(Page {
            entries: shown.map(|id| user(&format!("u{id}"), *id)).collect(),
            next: (above.len() > seen.len()).then(|| seen[seen.len() - 1]),
        }))
    })
}

#[test]
fn every_entry_of_the_daemons_is_given_once_in_few_requests() {
    let stage = Stage::new();
    let asked = serve_users(&stage, (2000..2100).chain([999, 5]).collect(), 9);
    let wanted: Vec<u32> = (2000..2100).filter(|id| id % 10 != 7).collect();
    assert_eq!(all_users(&stage), wanted);
    assert_eq!(asked.load(Ordering::SeqCst), 12);
    // At the end it stays, until it is started anew.
    assert_eq!(all_users(&stage), [0; 0]);
    assert_eq!(asked.load(Ordering::SeqCst), 12);
    stage.plugin.users.restart();
    assert_eq!(all_users(&stage), wanted);
}

#[test]
fn pages_with_nothing_to_show_are_not_the_end() {
    for (ids, wanted) in [
        (vec![2007, 2017, 2027, 2037, 2040], vec![2040]),
        (vec![2007], vec![]),
        (vec![], vec![]),
    ] {
        let stage = Stage::new();
        serve_users(&stage, ids, 1);
        assert_eq!(all_users(&stage), wanted);
    }
}

#[test]
fn what_did_not_fit_is_given_again() {
    let stage = Stage::new();
    let asked = serve_users(&stage, (2000..2003).collect(), 10);
    for _ in 0..3 {
        let next = |room: UserRoom| {
            let give = |user: &User<'_>| room.put(user);
            stage.plugin.users.next::<Users>(stage.plugin, give)
        };
        let small = user_in(3, next);
        assert_eq!((small.0, small.1), (status::TRYAGAIN, libc::ERANGE));
    }
    assert_eq!(all_users(&stage), [2000, 2001, 2002]);
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[test]
fn eight_threads_share_one_list() {
    for with_files in [false, true] {
        let stage = Stage::new();
        let ids: Vec<u32> = (2000..4000).filter(|id| id % 10 != 7).collect();
        if with_files {
            stage.publish(|base| {
                for id in &ids {
                    put(base, &user(&format!("u{id}"), *id));
                }
            });
        } else {
            serve_users(&stage, (2000..4000).collect(), 100);
        }
        let mut found: Vec<u32> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| all_users(&stage))).collect();
            threads
                .into_iter()
                .flat_map(|thread| thread.join().unwrap())
                .collect()
        });
        found.sort_unstable();
        assert_eq!(found, ids);
    }
}

#[test]
fn a_daemon_that_goes_round_in_circles_is_refused() {
    let circle = |next: Option<u32>, wait| {
        let stage = Stage::new();
        stage.serve(move |request| {
            let &Request::Users(after) = request else {
                return None;
            };
            std::thread::sleep(wait);
            let next = next.or(Some(after + 1));
            let entries = Vec::new();
            Some(Reply::Users(Page { entries, next }))
        });
        let got = stage.next_user();
        (got.0, got.1)
    };
    assert_eq!(
        circle(Some(0), Duration::ZERO),
        (status::UNAVAIL, libc::EIO)
    );
    let endless = circle(None, Duration::from_millis(300));
    assert_eq!(endless, (status::UNAVAIL, libc::ETIMEDOUT));
    // The last question does not get a time of its own.
    let began = Instant::now();
    let slow = circle(None, Duration::from_millis(1800));
    assert_eq!(slow, (status::UNAVAIL, libc::ETIMEDOUT));
    let took = began.elapsed();
    assert!(took < Duration::from_millis(3000), "{took:?}");
    let stage = Stage::new();
    stage.serve(|_| Some(Reply::User(None)));
    let wrong = stage.next_group();
    assert_eq!((wrong.0, wrong.1), (status::UNAVAIL, libc::EIO));
}

#[test]
fn the_delta_is_merged_into_the_base() {
    let stage = Stage::new();
    let asked = stage.serve(|_| None);
    let base = stage.publish(|base| {
        for id in (2000..2020).step_by(2) {
            put(base, &user(&format!("u{id}"), id));
            put_group(base, &group(&format!("g{id}"), id, &["u2000"]));
        }
    });
    assert_eq!(all_users(&stage), Vec::from_iter((2000..2020).step_by(2)));
    stage.publish_delta(base, |delta| {
        // Changed, gone, new: before, between and behind.
        put(delta, &user("changed", 2000));
        delta.no_user_id(2002).unwrap();
        delta.no_user_name("u2002").unwrap();
        delta.no_user_id(2018).unwrap();
        for id in [1999, 2005, 2030, 2031] {
            put(delta, &user(&format!("new{id}"), id));
        }
        delta.no_group_id(2000).unwrap();
        put_group(delta, &group("g2001", 2001, &[]));
    });
    stage.plugin.users.restart();
    let wanted = [
        1999, 2000, 2004, 2005, 2006, 2008, 2010, 2012, 2014, 2016, 2030, 2031,
    ];
    assert_eq!(all_users(&stage), wanted);
    stage.plugin.users.restart();
    assert_eq!(stage.next_user().2.unwrap().uid, 1999);
    assert_eq!(stage.next_user().2, Some(user("changed", 2000)));
    assert_eq!(stage.next_group().2.unwrap().gid, 2001);
    assert_eq!(stage.next_group().2, Some(group("g2002", 2002, &["u2000"])));
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}
