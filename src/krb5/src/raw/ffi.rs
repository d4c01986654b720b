//! What of `krb5.h` and `profile.h` (MIT 1.20) is called here, as C declares it.
//!
//! A test compares the layout of every structure with the installed header.

use core::marker::{PhantomData, PhantomPinned};
use libc::{c_char, c_int, c_long, c_uint, c_void};

macro_rules! opaque {
    ($($name:ident),+) => {$(
        #[repr(C)]
        pub(crate) struct $name {
            _bytes: [u8; 0],
            // Not Send, not Sync, not Unpin: only the library knows what is inside.
            _marker: PhantomData<(*mut u8, PhantomPinned)>,
        }
    )+};
}

opaque!(
    RawProfile,
    RawContext,
    RawAuthContext,
    RawCache,
    RawKeytab,
    RawInitCreds,
    RawTicketCreds,
    RawOptions,
    RawApRepPart,
    RawAddressList,
    RawAuthdataList
);

/// `krb5_data`: bytes with a length, not ended by a zero.
#[repr(C)]
pub(crate) struct RawData {
    pub(crate) magic: i32,
    pub(crate) length: c_uint,
    pub(crate) data: *mut c_char,
}

/// `krb5_principal_data`.
#[repr(C)]
pub(crate) struct RawPrincipal {
    pub(crate) magic: i32,
    pub(crate) realm: RawData,
    pub(crate) data: *mut RawData,
    pub(crate) length: i32,
    pub(crate) kind: i32,
}

/// `krb5_keyblock`.
#[repr(C)]
pub(crate) struct RawKey {
    pub(crate) magic: i32,
    pub(crate) enctype: i32,
    pub(crate) length: c_uint,
    pub(crate) contents: *mut u8,
}

/// `krb5_ticket_times`. Signed in the header; the library reads them as unsigned, so they last until 2106.
#[repr(C)]
pub(crate) struct RawTimes {
    pub(crate) authtime: u32,
    pub(crate) starttime: u32,
    pub(crate) endtime: u32,
    pub(crate) renew_till: u32,
}

/// `krb5_creds`.
#[repr(C)]
pub(crate) struct RawCreds {
    pub(crate) magic: i32,
    pub(crate) client: *mut RawPrincipal,
    pub(crate) server: *mut RawPrincipal,
    pub(crate) keyblock: RawKey,
    pub(crate) times: RawTimes,
    pub(crate) is_skey: c_uint,
    pub(crate) ticket_flags: u32,
    pub(crate) addresses: *mut RawAddressList,
    pub(crate) ticket: RawData,
    pub(crate) second_ticket: RawData,
    pub(crate) authdata: *mut RawAuthdataList,
}

/// `krb5_error`: a KRB-ERROR message, decoded.
#[repr(C)]
pub(crate) struct RawError {
    pub(crate) magic: i32,
    pub(crate) ctime: i32,
    pub(crate) cusec: i32,
    pub(crate) susec: i32,
    pub(crate) stime: u32,
    pub(crate) error: u32,
    pub(crate) client: *mut RawPrincipal,
    pub(crate) server: *mut RawPrincipal,
    pub(crate) text: RawData,
    pub(crate) e_data: RawData,
}

/// `krb5_address`.
#[repr(C)]
pub(crate) struct RawAddress {
    pub(crate) magic: i32,
    pub(crate) addrtype: i32,
    pub(crate) length: c_uint,
    pub(crate) contents: *mut u8,
}

/// `krb5_pre_send_fn`.
pub(crate) type SendHook = unsafe extern "C" fn(
    *mut RawContext,
    *mut c_void,
    *const RawData,
    *const RawData,
    *mut *mut RawData,
    *mut *mut RawData,
) -> i32;

/// The only prompter that is ever given to the library: none.
pub(crate) type Prompter = Option<unsafe extern "C" fn()>;

pub(crate) const STEP_CONTINUE: c_uint = 1;
pub(crate) const GC_NO_STORE: i32 = 8;
pub(crate) const FAST_REQUIRED: i32 = 1;
pub(crate) const USE_SUBKEY: i32 = 1;
pub(crate) const DO_SEQUENCE: i32 = 4;
pub(crate) const ADDRESS_INET: i32 = 2;

#[link(name = "krb5")]
unsafe extern "C" {
    pub(crate) fn profile_init_path(files: *const c_char, profile: *mut *mut RawProfile) -> c_long;
    pub(crate) fn profile_release(profile: *mut RawProfile);
    pub(crate) fn profile_get_boolean(
        profile: *mut RawProfile,
        name: *const c_char,
        subname: *const c_char,
        subsubname: *const c_char,
        default: c_int,
        value: *mut c_int,
    ) -> c_long;

    pub(crate) fn krb5_init_context_profile(
        profile: *mut RawProfile,
        flags: i32,
        context: *mut *mut RawContext,
    ) -> i32;
    pub(crate) fn krb5_free_context(context: *mut RawContext);
    pub(crate) fn krb5_get_error_message(context: *mut RawContext, code: i32) -> *const c_char;
    pub(crate) fn krb5_free_error_message(context: *mut RawContext, text: *const c_char);
    pub(crate) fn krb5_set_kdc_send_hook(
        context: *mut RawContext,
        hook: Option<SendHook>,
        data: *mut c_void,
    );

    pub(crate) fn krb5_parse_name(
        context: *mut RawContext,
        name: *const c_char,
        principal: *mut *mut RawPrincipal,
    ) -> i32;
    pub(crate) fn krb5_free_principal(context: *mut RawContext, principal: *mut RawPrincipal);

    pub(crate) fn krb5_copy_data(
        context: *mut RawContext,
        from: *const RawData,
        to: *mut *mut RawData,
    ) -> i32;
    pub(crate) fn krb5_free_data(context: *mut RawContext, data: *mut RawData);
    pub(crate) fn krb5_free_data_contents(context: *mut RawContext, data: *mut RawData);

    pub(crate) fn krb5_marshal_credentials(
        context: *mut RawContext,
        creds: *mut RawCreds,
        data: *mut *mut RawData,
    ) -> i32;
    pub(crate) fn krb5_unmarshal_credentials(
        context: *mut RawContext,
        data: *const RawData,
        creds: *mut *mut RawCreds,
    ) -> i32;
    pub(crate) fn krb5_free_creds(context: *mut RawContext, creds: *mut RawCreds);
    pub(crate) fn krb5_free_cred_contents(context: *mut RawContext, creds: *mut RawCreds);

    pub(crate) fn krb5_rd_error(
        context: *mut RawContext,
        message: *const RawData,
        error: *mut *mut RawError,
    ) -> i32;
    pub(crate) fn krb5_free_error(context: *mut RawContext, error: *mut RawError);

    pub(crate) fn krb5_get_init_creds_opt_alloc(
        context: *mut RawContext,
        options: *mut *mut RawOptions,
    ) -> i32;
    pub(crate) fn krb5_get_init_creds_opt_free(context: *mut RawContext, options: *mut RawOptions);
    pub(crate) fn krb5_get_init_creds_opt_set_tkt_life(options: *mut RawOptions, seconds: i32);
    pub(crate) fn krb5_get_init_creds_opt_set_renew_life(options: *mut RawOptions, seconds: i32);
    pub(crate) fn krb5_get_init_creds_opt_set_forwardable(options: *mut RawOptions, on: c_int);
    pub(crate) fn krb5_get_init_creds_opt_set_canonicalize(options: *mut RawOptions, on: c_int);
    pub(crate) fn krb5_get_init_creds_opt_set_fast_ccache_name(
        context: *mut RawContext,
        options: *mut RawOptions,
        name: *const c_char,
    ) -> i32;
    pub(crate) fn krb5_get_init_creds_opt_set_fast_flags(
        context: *mut RawContext,
        options: *mut RawOptions,
        flags: i32,
    ) -> i32;
    pub(crate) fn krb5_init_creds_init(
        context: *mut RawContext,
        client: *mut RawPrincipal,
        prompter: Prompter,
        prompter_data: *mut c_void,
        start: i32,
        options: *mut RawOptions,
        exchange: *mut *mut RawInitCreds,
    ) -> i32;
    pub(crate) fn krb5_init_creds_set_service(
        context: *mut RawContext,
        exchange: *mut RawInitCreds,
        service: *const c_char,
    ) -> i32;
    pub(crate) fn krb5_init_creds_set_password(
        context: *mut RawContext,
        exchange: *mut RawInitCreds,
        password: *const c_char,
    ) -> i32;
    pub(crate) fn krb5_init_creds_set_keytab(
        context: *mut RawContext,
        exchange: *mut RawInitCreds,
        keytab: *mut RawKeytab,
    ) -> i32;
    pub(crate) fn krb5_init_creds_step(
        context: *mut RawContext,
        exchange: *mut RawInitCreds,
        reply: *mut RawData,
        request: *mut RawData,
        realm: *mut RawData,
        flags: *mut c_uint,
    ) -> i32;
    pub(crate) fn krb5_init_creds_get_error(
        context: *mut RawContext,
        exchange: *mut RawInitCreds,
        error: *mut *mut RawError,
    ) -> i32;
    pub(crate) fn krb5_init_creds_get_creds(
        context: *mut RawContext,
        exchange: *mut RawInitCreds,
        creds: *mut RawCreds,
    ) -> i32;
    pub(crate) fn krb5_init_creds_free(context: *mut RawContext, exchange: *mut RawInitCreds);

    pub(crate) fn krb5_tkt_creds_init(
        context: *mut RawContext,
        cache: *mut RawCache,
        creds: *mut RawCreds,
        options: i32,
        exchange: *mut *mut RawTicketCreds,
    ) -> i32;
    pub(crate) fn krb5_tkt_creds_step(
        context: *mut RawContext,
        exchange: *mut RawTicketCreds,
        reply: *mut RawData,
        request: *mut RawData,
        realm: *mut RawData,
        flags: *mut c_uint,
    ) -> i32;
    pub(crate) fn krb5_tkt_creds_get_creds(
        context: *mut RawContext,
        exchange: *mut RawTicketCreds,
        creds: *mut RawCreds,
    ) -> i32;
    pub(crate) fn krb5_tkt_creds_free(context: *mut RawContext, exchange: *mut RawTicketCreds);
    pub(crate) fn krb5_get_renewed_creds(
        context: *mut RawContext,
        creds: *mut RawCreds,
        client: *mut RawPrincipal,
        cache: *mut RawCache,
        service: *const c_char,
    ) -> i32;

    pub(crate) fn krb5_auth_con_init(
        context: *mut RawContext,
        auth: *mut *mut RawAuthContext,
    ) -> i32;
    pub(crate) fn krb5_auth_con_free(context: *mut RawContext, auth: *mut RawAuthContext) -> i32;
    pub(crate) fn krb5_auth_con_setflags(
        context: *mut RawContext,
        auth: *mut RawAuthContext,
        flags: i32,
    ) -> i32;
    pub(crate) fn krb5_auth_con_setaddrs(
        context: *mut RawContext,
        auth: *mut RawAuthContext,
        local: *mut RawAddress,
        remote: *mut RawAddress,
    ) -> i32;
    pub(crate) fn krb5_auth_con_getsendsubkey(
        context: *mut RawContext,
        auth: *mut RawAuthContext,
        key: *mut *mut RawKey,
    ) -> i32;
    pub(crate) fn krb5_auth_con_setrecvsubkey(
        context: *mut RawContext,
        auth: *mut RawAuthContext,
        key: *mut RawKey,
    ) -> i32;
    pub(crate) fn krb5_mk_req_extended(
        context: *mut RawContext,
        auth: *mut *mut RawAuthContext,
        options: i32,
        checksummed: *mut RawData,
        creds: *mut RawCreds,
        request: *mut RawData,
    ) -> i32;
    pub(crate) fn krb5_rd_req(
        context: *mut RawContext,
        auth: *mut *mut RawAuthContext,
        request: *const RawData,
        server: *const RawPrincipal,
        keytab: *mut RawKeytab,
        options: *mut i32,
        ticket: *mut *mut c_void,
    ) -> i32;
    pub(crate) fn krb5_rd_rep(
        context: *mut RawContext,
        auth: *mut RawAuthContext,
        message: *const RawData,
        part: *mut *mut RawApRepPart,
    ) -> i32;
    pub(crate) fn krb5_free_ap_rep_enc_part(context: *mut RawContext, part: *mut RawApRepPart);
    pub(crate) fn krb5_mk_priv(
        context: *mut RawContext,
        auth: *mut RawAuthContext,
        clear: *const RawData,
        message: *mut RawData,
        replay: *mut c_void,
    ) -> i32;
    pub(crate) fn krb5_rd_priv(
        context: *mut RawContext,
        auth: *mut RawAuthContext,
        message: *const RawData,
        clear: *mut RawData,
        replay: *mut c_void,
    ) -> i32;

    pub(crate) fn krb5_free_keyblock(context: *mut RawContext, key: *mut RawKey);
    pub(crate) fn krb5_free_keyblock_contents(context: *mut RawContext, key: *mut RawKey);
    pub(crate) fn krb5_kt_resolve(
        context: *mut RawContext,
        name: *const c_char,
        keytab: *mut *mut RawKeytab,
    ) -> i32;
    pub(crate) fn krb5_kt_close(context: *mut RawContext, keytab: *mut RawKeytab) -> i32;

    pub(crate) fn krb5_cc_resolve(
        context: *mut RawContext,
        name: *const c_char,
        cache: *mut *mut RawCache,
    ) -> i32;
    pub(crate) fn krb5_cc_new_unique(
        context: *mut RawContext,
        kind: *const c_char,
        hint: *const c_char,
        cache: *mut *mut RawCache,
    ) -> i32;
    pub(crate) fn krb5_cc_initialize(
        context: *mut RawContext,
        cache: *mut RawCache,
        client: *mut RawPrincipal,
    ) -> i32;
    pub(crate) fn krb5_cc_store_cred(
        context: *mut RawContext,
        cache: *mut RawCache,
        creds: *mut RawCreds,
    ) -> i32;
    pub(crate) fn krb5_cc_get_principal(
        context: *mut RawContext,
        cache: *mut RawCache,
        principal: *mut *mut RawPrincipal,
    ) -> i32;
    pub(crate) fn krb5_cc_get_full_name(
        context: *mut RawContext,
        cache: *mut RawCache,
        name: *mut *mut c_char,
    ) -> i32;
    pub(crate) fn krb5_free_string(context: *mut RawContext, text: *mut c_char);
    pub(crate) fn krb5_cc_get_type(context: *mut RawContext, cache: *mut RawCache)
    -> *const c_char;
    pub(crate) fn krb5_cc_support_switch(context: *mut RawContext, kind: *const c_char) -> c_uint;
    pub(crate) fn krb5_cc_switch(context: *mut RawContext, cache: *mut RawCache) -> i32;
    pub(crate) fn krb5_cc_start_seq_get(
        context: *mut RawContext,
        cache: *mut RawCache,
        cursor: *mut *mut c_void,
    ) -> i32;
    pub(crate) fn krb5_cc_next_cred(
        context: *mut RawContext,
        cache: *mut RawCache,
        cursor: *mut *mut c_void,
        creds: *mut RawCreds,
    ) -> i32;
    pub(crate) fn krb5_cc_end_seq_get(
        context: *mut RawContext,
        cache: *mut RawCache,
        cursor: *mut *mut c_void,
    ) -> i32;
    pub(crate) fn krb5_is_config_principal(
        context: *mut RawContext,
        principal: *const RawPrincipal,
    ) -> c_uint;
    pub(crate) fn krb5_cc_destroy(context: *mut RawContext, cache: *mut RawCache) -> i32;
    pub(crate) fn krb5_cc_close(context: *mut RawContext, cache: *mut RawCache) -> i32;
}

#[link(name = "k5crypto")]
unsafe extern "C" {
    pub(crate) fn krb5_c_string_to_key(
        context: *mut RawContext,
        enctype: i32,
        password: *const RawData,
        salt: *const RawData,
        key: *mut RawKey,
    ) -> i32;
}
