//! `domlogon-tickets destroy`.

use crate::arguments::Arguments;
use crate::cache_name::CacheName;
use crate::error::Error;
use crate::file_cache;
use domlogon_krb5::Context;

/// KRB5_CC_NOTFOUND and KRB5_FCC_NOFILE.
const ABSENT: [i32; 2] = [-1_765_328_243, -1_765_328_189];

/// Removes the cache. One that is not there is as good as removed.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Error> {
    arguments.person.enter()?;
    let cache = arguments.cache.settled();
    if let CacheName::File(path) = &cache {
        if !file_cache::is_own(path, arguments.person)? {
            return Ok(());
        }
    }
    let name = cache.to_string();
    let context = Context::new(&arguments.profile)?;
    match context.cache_owner(&name) {
        Err(domlogon_krb5::Error::Library { code, .. }) if ABSENT.contains(&code) => return Ok(()),
        // A damaged one is to go too.
        Ok(_) | Err(_) => {}
    }
    Ok(context.destroy(&name)?)
}
