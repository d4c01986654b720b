//! How the plugin is linked.
#![forbid(unsafe_code)]

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // The name that glibc asks for, whatever the file was called when it was built.
    link("-Wl,-soname,libnss_domlogon.so.2");
    // A host program may close the plugin; a thread of it may still have the plugin's
    // thread-local data to drop.
    link("-Wl,-z,nodelete");
    // Fewer pages: what is read and what is executed lie in the same ones.
    link("-Wl,-z,noseparate-code");
    // What is missing is found when the plugin is loaded, not in the middle of a look-up.
    link("-Wl,-z,now");
    link("-Wl,-z,defs");
}

fn link(argument: &str) {
    println!("cargo:rustc-cdylib-link-arg={argument}");
}
