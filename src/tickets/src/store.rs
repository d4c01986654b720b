//! `domlogon-tickets store`.

use crate::arguments::Arguments;
use crate::cache_name::{CacheName, of_file};
use crate::error::Error;
use crate::person::Person;
use crate::{file_cache, input};
use domlogon_krb5::{Context, Credentials};

/// Puts the credentials on stdin into the cache, and returns the name of the one really used.
pub(crate) fn run(arguments: &Arguments) -> Result<String, Error> {
    arguments.person.enter()?;
    let entries = input::read(&mut std::io::stdin().lock())?;
    let context = Context::new(&arguments.profile)?;
    let credentials = entries
        .iter()
        .map(|entry| {
            context
                .credentials_from_bytes(entry)
                .map_err(|_| Error::InputMalformed)
        })
        .collect::<Result<Vec<Credentials>, Error>>()?;
    let credentials: Vec<&Credentials> = credentials.iter().collect();
    put(&context, &arguments.cache, arguments.person, &credentials)
}

/// Makes the cache anew with these credentials.
pub(crate) fn put(
    context: &Context,
    cache: &CacheName,
    person: Person,
    credentials: &[&Credentials],
) -> Result<String, Error> {
    match cache {
        CacheName::Unique(template) => {
            file_cache::write_unique(context, template, credentials).map(|path| of_file(&path))
        }
        CacheName::File(path) => {
            file_cache::write(context, path, person, credentials)?;
            Ok(of_file(path))
        }
        CacheName::Kept(name) => Ok(context.store(name, credentials, true)?),
    }
}
