//! A nameserver that answers whatever it likes: see [`crate::fuzzed`].

use super::{MOST, MOST_ADDRESSES, addresses_of, in_order, is_host_name, query};
use hickory_proto::op::Query;
use hickory_proto::rr::{Name, RecordType};

/// Reads a reply to one of our questions. Whether it is taken for one.
#[must_use]
pub fn nameserver(bytes: &[u8], id: u16) -> bool {
    let name = "_ldap._tcp.dc._msdcs.corp.example";
    let Ok(name) = Name::from_labels(name.split('.').map(str::as_bytes)) else {
        return false;
    };
    let Some(reply) = query::answer(bytes, id, &Query::query(name, RecordType::SRV)) else {
        return false;
    };
    let mut lot = u32::from(id);
    let targets = in_order(reply.answers(), &mut |bound| {
        lot = lot.wrapping_mul(31).wrapping_add(7);
        lot % bound.max(1)
    });
    assert!(targets.len() <= MOST);
    for target in &targets {
        assert!(is_host_name(target), "{target}");
        let brought = addresses_of(target, reply.additionals());
        assert!(brought.len() <= MOST_ADDRESSES);
    }
    let _ = addresses_of("dc1.corp.example", reply.answers());
    true
}
